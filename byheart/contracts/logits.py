"""The raw logits that a run keeps: which ones, and how many bytes they take.

logits=suffix   float [windows, scored tokens, vocabulary]
logits=all      float [windows, fed positions, vocabulary]
logits=top40    float and int32 [windows, scored tokens, 40]: the largest, and their tokens' ids
"""

import dataclasses
from collections.abc import Mapping

import numpy as np

from byheart.contracts.errors import SettingsError
from byheart.contracts.parameters import refuse
from byheart.contracts.progress import format_size
from byheart.contracts.setting_groups import ALL, NONE, LogitsSettings

CHECKSUM_BYTES = 4
"""A CRC32C behind each array of a window."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class KeptLogits:
    """What is kept of each window: R positions, the last that are fed, with N values each."""

    name: str
    """The kind, as a folder's name: `logits-suffix-float16`."""
    positions: int
    """R: the scored tokens, or all positions that are fed."""
    values: int
    """N: the vocabulary, or the N of `topN`."""
    dtype: str
    """`float16` or `float32`."""
    has_ids: bool
    """Whether the values are the largest, so that their ids are kept too."""

    @property
    def arrays(self) -> Mapping[str, str]:
        """The element types of a window's arrays [R, N], by name."""
        return {"values": self.dtype, "ids": "int32"} if self.has_ids else {"logits": self.dtype}

    def count_array_bytes(self, name: str) -> int:
        """The bytes of an array of a window in the store."""
        return self.positions * self.values * np.dtype(self.arrays[name]).itemsize + CHECKSUM_BYTES

    @property
    def window_bytes(self) -> int:
        """The bytes of a window in the store."""
        return sum(map(self.count_array_bytes, self.arrays))


def describe_logits(
    settings: LogitsSettings, *, scored_tokens: int, positions: int, vocabulary: int
) -> KeptLogits | None:
    """What a run keeps of each window; None if it keeps no logits.

    Args:
        positions: tokens of a window that are fed.

    Raises:
        SettingsError: `topN` asks for more values than there are.
    """
    if settings.logits == NONE:
        return None
    top = settings.top
    if top > vocabulary:
        needed = f"keep at most the {vocabulary:,} logits of a position"
        refuse("logits", needed, settings.logits, "lower N, or write suffix for all of them")
    return KeptLogits(
        name=f"logits-{settings.logits}-{settings.logits_dtype}",
        positions=positions if settings.logits == ALL else scored_tokens,
        values=top or vocabulary,
        dtype=settings.logits_dtype,
        has_ids=top > 0,
    )


def describe_size(kept: KeptLogits, windows: int, settings: LogitsSettings) -> str:
    """How much the logits of so many windows take, in words."""
    what = f"the {kept.values:,} largest" if kept.has_ids else f"all {kept.values:,}"
    return (
        f"{what} at {kept.positions:,} positions in {kept.dtype}: {kept.window_bytes:,} bytes a window, "
        f"{format_size(kept.window_bytes * windows)} in all; logits_limit is {settings.logits_limit}"
    )


def check_limit(kept: KeptLogits, windows: int, settings: LogitsSettings) -> None:
    """Check that the logits of so many windows do not take more than `logits_limit`.

    Raises:
        SettingsError: they do.
    """
    needed = kept.window_bytes * windows
    if needed <= settings.limit_bytes:
        return
    raise SettingsError(
        f"logits_limit must be at least the {format_size(needed)} that logits={settings.logits} of {windows:,} windows "
        f"takes, found {settings.logits_limit}: raise it, keep fewer with logits=top40, or measure fewer windows with "
        "windows= or only=",
        parameter="logits_limit",
    )
