"""The numbers of one book, as pure functions of its windows, scores and character maps."""

import dataclasses
import math
from typing import Any

import numpy as np

from components.contracts.scores import Scores
from components.contracts.windows import Windows
from components.plot.character_map import CharacterMap

THRESHOLDS = (0.001, 0.01, 0.1, 0.5, 0.75)
"""Values of p_z; source: Cooper et al. 2025, arXiv 2505.12546."""
EVIDENCE_FLOOR = 0.001
"""Below this p_z, unrelated text begins to qualify; same source."""
HEADLINE_THRESHOLD = 0.5


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
    qualifying_share: float | None
    """Share of those windows at or above the threshold."""
    longest_consecutive: int
    """Longest run of consecutive windows among them that are at or above the threshold."""

    @property
    def characters(self) -> int:
        """Its length."""
        return self.stop - self.start


def passages(covered: CharacterMap, windows: Windows, log_p_z: np.ndarray, threshold: float) -> list[Passage]:
    """The passages at a threshold of p_z, in the order of the text.

    Args:
        covered: the map over suffixes.
        log_p_z: float [W], the values that the map was made of.
    """
    edges = np.diff(covered.reaches(math.log(threshold)).astype(np.int8), prepend=0, append=0)
    return [
        _passage(int(start), int(stop), windows, log_p_z, math.log(threshold))
        for start, stop in zip(np.flatnonzero(edges == 1), np.flatnonzero(edges == -1), strict=True)
    ]


def _passage(start: int, stop: int, windows: Windows, log_p_z: np.ndarray, log_threshold: float) -> Passage:
    inside = np.flatnonzero((windows.suffix_start >= start) & (windows.stop <= stop))
    values = log_p_z[inside]
    weakest = int(inside[np.argmin(values)]) if len(inside) else None
    return Passage(
        start=start,
        stop=stop,
        windows=len(inside),
        weakest_window=weakest,
        weakest_log_p_z=None if weakest is None else float(log_p_z[weakest]),
        qualifying_share=float(np.mean(values >= log_threshold)) if len(inside) else None,
        longest_consecutive=_longest_run(inside[values >= log_threshold]),
    )


def _longest_run(indices: np.ndarray) -> int:
    """The length of the longest run of consecutive integers in ascending `indices`."""
    if not len(indices):
        return 0
    breaks = np.flatnonzero(np.diff(indices) != 1)
    return int(np.diff(breaks, prepend=-1, append=len(indices) - 1).max())


def statistics(
    windows: Windows, scores: Scores, suffix_map: CharacterMap, window_map: CharacterMap, *, stride: int
) -> dict[str, Any]:
    """The statistics of a book, ready for JSON; shares are None where there is nothing to take a share of.

    Args:
        suffix_map, window_map: the maps of `scores.log_p_z` over suffixes, and over whole windows.
        stride: characters from cursor to cursor, on which coverage depends.
    """
    longest = max(
        passages(suffix_map, windows, scores.log_p_z, HEADLINE_THRESHOLD),
        key=lambda passage: passage.characters,
        default=None,
    )
    by_window = _window_shares(scores.log_p_z)
    coverage = {"suffix": _coverage(suffix_map), "window": _coverage(window_map)}
    return {
        "headline": {
            "share_of_measurable_characters_at_0.5": coverage["suffix"]["at"]["0.5"]["share"],
            "share_of_windows_at_0.001": by_window["0.001"]["share"],
            "longest_passage_characters_at_0.5": longest.characters if longest else 0,
        },
        "windows": {
            "count": len(windows),
            "dropped_tail": windows.dropped_tail,
            "dropped_inside": windows.dropped_inside,
            "greedy": int(scores.greedy.sum()),
            "at": by_window,
            "at_top_k": _window_shares(scores.log_p_z_top_k),
        },
        "coverage": {"stride_characters": stride, **coverage},
        "longest_passage_at_0.5": longest and {"characters": longest.characters, **dataclasses.asdict(longest)},
    }


def _window_shares(log_p_z: np.ndarray) -> dict[str, dict[str, Any]]:
    return {str(threshold): _share(log_p_z >= math.log(threshold), len(log_p_z)) for threshold in THRESHOLDS}


def _coverage(covered: CharacterMap) -> dict[str, Any]:
    characters, measurable = len(covered.window), int(covered.measurable.sum())
    return {
        "characters": characters,
        "measurable": measurable,
        "not_measurable": characters - measurable,
        "at": {str(threshold): _share(covered.reaches(math.log(threshold)), measurable) for threshold in THRESHOLDS},
    }


def _share(qualifying: np.ndarray, of: int) -> dict[str, Any]:
    count = int(qualifying.sum())
    return {"count": count, "share": count / of if of else None}
