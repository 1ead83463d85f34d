"""The first tokens of slices, each slice tokenized on its own: every faster way must give the same tokens."""

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

import numpy as np

from byheart.contracts.setting_groups import WindowSettings

_SLICES = 512
"""Slices encoded at once: enough to keep every core busy, about 1 MB of text."""


class Encoding(NamedTuple):
    """The tokens of one text, without special tokens."""

    ids: Sequence[int]
    offsets: Sequence[tuple[int, int]]
    """The half-open span of characters in the text that each token came from."""


Encode = Callable[[list[str]], Iterable[Encoding]]


class FirstTokens(NamedTuple):
    """The first tokens of N slices, at most T; positions count the book's characters.

    Their number is `chunk_size`, or as many as begin before a position that each slice has: its reach.
    """

    is_known: np.ndarray
    """bool [N]: whether the slice's row is filled."""
    counts: np.ndarray
    """int64 [N]: how many tokens the row has."""
    ids: np.ndarray
    """int32 [N, T]; -1 behind the tokens."""
    starts: np.ndarray
    """int64 [N, T + 1]: the start of each token, then the start of the next token, or the slice's stop."""
    stops: np.ndarray
    """int64 [N, T]: the stop of each token."""

    def widen(self, width: int) -> "FirstTokens":
        """The same tokens with T of at least `width`."""
        more = ((0, 0), (0, max(width - self.ids.shape[1], 0)))
        return self._replace(
            ids=np.pad(self.ids, more, constant_values=-1),
            starts=np.pad(self.starts, more),
            stops=np.pad(self.stops, more),
        )

    def fill(self, rows: np.ndarray, other: "FirstTokens") -> "FirstTokens":
        """The same tokens, but in these rows another's."""
        width = max(self.ids.shape[1], other.ids.shape[1])
        filled = self.widen(width)
        for column, values in zip(filled, other.widen(width), strict=True):
            column[rows] = values
        return filled


def encode_alone(
    text: str, cursors: Sequence[int], encode: Encode, settings: WindowSettings, reach: np.ndarray | None = None
) -> FirstTokens:
    """The first tokens of the slices at `cursors`; a slice of too few tokens is not known.

    Args:
        reach: int64 [N]: the tokens of each slice that begin before it; None asks for `chunk_size` tokens.
    """
    length = settings.slice_length
    rows = make_unknown(len(cursors), 0 if reach is not None else settings.chunk_size)
    for first in range(0, len(cursors), _SLICES):
        batch = cursors[first : first + _SLICES]
        encodings = encode([text[cursor : cursor + length] for cursor in batch])
        for row, (cursor, encoding) in enumerate(zip(batch, encodings, strict=True), first):
            slice_stop = min(length, len(text) - cursor)
            width = settings.chunk_size if reach is None else _count_before(encoding, slice_stop, reach[row] - cursor)
            if not width or len(encoding.ids) < width:
                continue
            spans = [*encoding.offsets[: width + 1], (slice_stop, slice_stop)][: width + 1]
            rows = rows if width <= rows.ids.shape[1] else rows.widen(width)
            _fill_row(rows, row, encoding.ids[:width], np.asarray(spans, np.int64) + cursor)
    return rows


def _count_before(encoding: Encoding, slice_stop: int, reach: int) -> int:
    """How many of the first tokens begin before `reach`; 0 if the slice stops before."""
    if slice_stop < reach:
        return 0
    starts = np.fromiter((start for start, _ in encoding.offsets), np.int64, len(encoding.offsets))
    return int((np.maximum.accumulate(starts) < reach).sum())


def _fill_row(rows: FirstTokens, row: int, ids: Sequence[int], spans: np.ndarray) -> None:
    count = len(ids)
    rows.is_known[row], rows.counts[row], rows.ids[row, :count] = True, count, ids
    rows.starts[row, : count + 1], rows.stops[row, :count] = spans[:, 0], spans[:-1, 1]


def make_unknown(rows: int, width: int) -> FirstTokens:
    """Rows of no tokens, none of them known."""
    return FirstTokens(
        is_known=np.zeros(rows, bool),
        counts=np.zeros(rows, np.int64),
        ids=np.full((rows, width), -1, np.int32),
        starts=np.zeros((rows, width + 1), np.int64),
        stops=np.zeros((rows, width), np.int64),
    )
