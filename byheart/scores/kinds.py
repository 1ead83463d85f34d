"""What can be kept of each window, as one table: a kind of part is one row of it.

A process that writes or reads parts holds about one part in memory, so the windows in a part bound that memory for each
kind: a window of `scores` takes about a kilobyte.
"""

import dataclasses
import math

import numpy as np


@dataclasses.dataclass(frozen=True, kw_only=True)
class Column:
    """A column of a part."""

    dtype: str
    """NumPy's name of the element type."""
    per_token: bool
    """Whether a window has a value for each scored token, else one."""
    width: int = 1
    """Values in place of each such one, side by side: the vocabulary, of raw logits."""

    def size_bytes(self, scored_tokens: int) -> int:
        """Of one window."""
        return np.dtype(self.dtype).itemsize * self.width * (scored_tokens if self.per_token else 1)


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Kind:
    """A kind of part; each is there once."""

    name: str
    """Its folder below an address."""
    columns: dict[str, Column]
    part_windows: int
    """Windows in a part, whatever the batch or the device."""

    def part_bytes(self, windows: int, scored_tokens: int) -> int:
        """At most what a part takes in the store: its columns, and 32 KB around them.

        Text that a model does not know takes all of it, text that it has memorised about half.
        """
        return windows * sum(column.size_bytes(scored_tokens) for column in self.columns.values()) + 2**15

    def part_count(self, windows: int) -> int:
        """Parts that so many windows make."""
        return math.ceil(windows / self.part_windows)


def _window(dtype: str) -> Column:
    return Column(dtype=dtype, per_token=False)


def _token(dtype: str) -> Column:
    return Column(dtype=dtype, per_token=True)


SCORES = Kind(
    name="scores",
    columns={
        "log_p_z": _window("float64"),
        "log_p_z_top_k": _window("float64"),
        "greedy": _window("bool"),
        "token_log_probs": _token("float32"),
        "token_ranks": _token("int32"),
        "top_token_ids": _token("int32"),
        "token_log_top_k_mass": _token("float32"),
    },
    part_windows=1024,
)
