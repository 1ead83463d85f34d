"""The kinds of part, each with its columns.

A process that writes or reads parts holds about one part in memory, so the number of windows in a part bounds that
memory: a window of `scores` takes about a kilobyte. Raw logits take thousands of times as much, and are no part but an
object for each window: `byheart.scores.logits`.
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
    """Whether a window has a value for each scored token; if not, it has a single value."""
    width: int = 1
    """How many numbers make a value."""

    def size_bytes(self, scored_tokens: int) -> int:
        """The bytes of a window."""
        return np.dtype(self.dtype).itemsize * self.width * (scored_tokens if self.per_token else 1)


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Kind:
    """A kind of part, compared by identity."""

    name: str
    """Its folder below an address."""
    columns: dict[str, Column]
    part_windows: int
    """Windows in a part; the batch and the device do not change it."""

    def estimate_part_bytes(self, windows: int, scored_tokens: int) -> int:
        """An upper bound on the size of a part in the store: its columns, and 32 KB of metadata.

        Text that a model does not know takes almost as much; memorised text takes about half.
        """
        return windows * sum(column.size_bytes(scored_tokens) for column in self.columns.values()) + 2**15

    def count_parts(self, windows: int) -> int:
        """How many parts `windows` windows make."""
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
