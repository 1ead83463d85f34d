"""How long books take to tokenize, on one core of a CPU.

Measured by `make bench-tokenize` on an AMD EPYC that was busy with other work, in processor time, for slices of 2,000
characters every 10: 25,000 to 64,000 slices a second where texts can be cut, and 460 to 2,200 where each slice is
tokenized on its own. The lower ends are planned with.
"""

_SHARED, _ALONE = 25_000, 460
"""Slices a second."""


def estimate_tokenizing(windows: int) -> tuple[float, float]:
    """Seconds that so many slices take, where the tokenizer's texts can be cut, and where they cannot."""
    return windows / _SHARED, windows / _ALONE
