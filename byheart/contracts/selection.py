"""Which windows of a book are measured, and which of their suffixes get the prompt of another."""

import dataclasses
from collections.abc import Sequence

import numpy as np

from byheart.contracts.only import Span
from byheart.contracts.windows import Windows


@dataclasses.dataclass(frozen=True, kw_only=True)
class Selection:
    """Which windows of a book are measured. A window's number is its index among all windows of the book, from 0."""

    characters: tuple[Span, ...]
    """The characters that the setting `only` asks for."""
    stretches: tuple[Span, ...]
    """The windows, by number, whose suffix lies entirely in one of those spans of characters."""
    count: int
    """How many of these windows are measured, evenly spread: all, or as many as the setting `windows` says."""
    of: int
    """How many windows the book has."""

    @property
    def bounds(self) -> tuple[int, int]:
        """The first of the characters asked for, and the one after the last."""
        return self.characters[0].start, self.characters[-1].stop

    @property
    def inside(self) -> int:
        """The number of windows in the stretches."""
        return sum(span.stop - span.start for span in self.stretches)

    @property
    def is_spread(self) -> bool:
        """Whether only some of the windows in the stretches are measured."""
        return self.count < self.inside

    def numbers(self) -> np.ndarray:
        """int64 [count], ascending: the numbers of the measured windows."""
        inside = [np.arange(span.start, span.stop) for span in self.stretches]
        return np.concatenate([np.empty(0, np.int64), *inside])[_spread_evenly(self.count, self.inside)]


def select_windows(windows: Windows, characters: Sequence[Span], most: int = 0) -> Selection:
    """The windows whose suffix lies entirely in one of the spans of `characters`; at most `most`, evenly spread.

    Args:
        most: 0 sets no limit.
    """
    inside = np.zeros(len(windows), bool)
    for span in characters:
        inside |= (windows.suffix_start >= span.start) & (windows.stop <= span.stop)
    edges = np.flatnonzero(np.diff(inside, prepend=False, append=False)).tolist()
    total = int(inside.sum())
    return Selection(
        characters=tuple(characters),
        stretches=tuple(Span(start=start, stop=stop) for start, stop in zip(edges[::2], edges[1::2], strict=True)),
        count=min(most, total) if most else total,
        of=len(windows),
    )


def _spread_evenly(count: int, among: int) -> np.ndarray:
    """int64 [min(count, among)]: indices below `among`, the middle of each of so many equal pieces."""
    count = min(count, among)
    return (2 * np.arange(count) + 1) * among // (2 * max(count, 1))


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class ControlSample:
    """N suffixes, each with the prompt of another window; both are numbers of the book's windows, int64 [N]."""

    suffix_window: np.ndarray
    prompt_window: np.ndarray

    def __len__(self) -> int:
        return len(self.suffix_window)


def choose_control_sample(windows: Windows, count: int, measured: np.ndarray | None = None) -> ControlSample:
    """At most `count` suffixes, evenly spread over the measured windows, each with the prompt from half a book away.

    The score of a suffix without its own context says how probable the text is by itself. Pairs of overlapping windows,
    which occur in a book of few windows, are left out.

    Args:
        windows: all windows of the book; prompts may come from any of them.
        measured: the numbers of the measured windows; None takes all.
    """
    among = np.arange(len(windows)) if measured is None else measured
    suffixes = among[_spread_evenly(count, len(among))]
    prompts = (suffixes + len(windows) // 2) % max(len(windows), 1)
    apart = (windows.stop[prompts] <= windows.start[suffixes]) | (windows.stop[suffixes] <= windows.start[prompts])
    return ControlSample(suffix_window=suffixes[apart], prompt_window=prompts[apart])
