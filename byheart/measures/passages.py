"""Passages: maximal runs of characters that are covered at or above a threshold."""

import dataclasses
import math

import numpy as np

from byheart.contracts.windows import Windows
from byheart.measures.character_map import CharacterMap


@dataclasses.dataclass(frozen=True, kw_only=True)
class Passage:
    """A maximal run of characters whose map value is at or above a threshold.

    It is stitched from windows that were each given the book's own prompt: no single generation produced it.
    """

    start: int
    stop: int
    windows: int
    """Windows whose scored suffix lies wholly inside."""
    weakest_window: int | None
    """The index of the one with the smallest log_p_z, the earliest of equals."""
    weakest_log_p_z: float | None
    """None also where it is -inf: a suffix that fell outside the top k."""
    qualifying_share: float | None
    """Share of those windows at or above the threshold."""
    longest_consecutive: int
    """Longest run of windows at consecutive cursors among them that are at or above the threshold."""

    @property
    def characters(self) -> int:
        """Its length."""
        return self.stop - self.start


def passages(
    covered: CharacterMap, windows: Windows, log_p_z: np.ndarray, threshold: float, *, stride: int
) -> list[Passage]:
    """The passages at a threshold of p_z, in the order of the text.

    Args:
        covered: the map over suffixes.
        log_p_z: float [W], the values that the map was made of.
        stride: characters from cursor to cursor.
    """
    edges = np.diff(covered.reaches(math.log(threshold)).astype(np.int8), prepend=0, append=0)
    longest = int((windows.stop - windows.start).max(initial=0))

    def passage(start: int, stop: int) -> Passage:
        first, last = np.searchsorted(windows.start, (start - longest, stop))
        inside = first + np.flatnonzero(
            (windows.suffix_start[first:last] >= start) & (windows.stop[first:last] <= stop)
        )
        values = log_p_z[inside]
        weakest = int(inside[np.argmin(values)]) if len(inside) else None
        qualifying = values >= math.log(threshold)
        return Passage(
            start=start,
            stop=stop,
            windows=len(inside),
            weakest_window=weakest,
            weakest_log_p_z=float(log_p_z[weakest]) if weakest is not None and np.isfinite(log_p_z[weakest]) else None,
            qualifying_share=float(np.mean(qualifying)) if len(inside) else None,
            longest_consecutive=_longest_run(windows.cursor[inside[qualifying]], stride),
        )

    starts, stops = np.flatnonzero(edges == 1), np.flatnonzero(edges == -1)
    return [passage(int(start), int(stop)) for start, stop in zip(starts, stops, strict=True)]


def _longest_run(cursors: np.ndarray, stride: int) -> int:
    """The length of the longest run in ascending `cursors` whose steps are all `stride`."""
    if not len(cursors):
        return 0
    breaks = np.flatnonzero(np.diff(cursors) != stride)
    return int(np.diff(breaks, prepend=-1, append=len(cursors) - 1).max())
