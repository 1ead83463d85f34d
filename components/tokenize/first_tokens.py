"""The first tokens of slices, each slice tokenized on its own: the definition that everything else must equal."""

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

import numpy as np

from byheart.contracts.settings import WindowSettings

_SLICES = 512
"""Slices encoded at once: enough to keep every core busy, about 1 MB of text."""


class Encoding(NamedTuple):
    """The tokens of one text, without special tokens."""

    ids: Sequence[int]
    offsets: Sequence[tuple[int, int]]
    """The half-open span of the text's characters that each token came from."""


Encode = Callable[[list[str]], Iterable[Encoding]]


class FirstTokens(NamedTuple):
    """The first T = chunk_size tokens of N slices; positions count the book's characters."""

    is_known: np.ndarray
    """bool [N]: whether the row below holds them."""
    ids: np.ndarray
    """int32 [N, T]."""
    starts: np.ndarray
    """int64 [N, T + 1]: where each token begins, and then where the next begins, or where the slice stops."""
    stops: np.ndarray
    """int64 [N, T]: where each token stops."""


def each_alone(text: str, cursors: Sequence[int], encode: Encode, settings: WindowSettings) -> FirstTokens:
    """The first tokens of the slices at `cursors`; unknown where a slice has fewer than `chunk_size`."""
    length, width = settings.slice_length, settings.chunk_size
    rows = nothing_known(len(cursors), width)
    for first in range(0, len(cursors), _SLICES):
        some = cursors[first : first + _SLICES]
        encodings = encode([text[cursor : cursor + length] for cursor in some])
        for row, (cursor, encoding) in enumerate(zip(some, encodings, strict=True), first):
            if len(encoding.ids) < width:
                continue
            slice_stop = (min(length, len(text) - cursor),) * 2
            spans = np.asarray([*encoding.offsets[: width + 1], slice_stop][: width + 1], np.int64) + cursor
            rows.is_known[row] = True
            rows.ids[row] = encoding.ids[:width]
            rows.starts[row], rows.stops[row] = spans[:, 0], spans[:-1, 1]
    return rows


def nothing_known(rows: int, width: int) -> FirstTokens:
    """Rows to fill."""
    return FirstTokens(
        is_known=np.zeros(rows, bool),
        ids=np.zeros((rows, width), np.int32),
        starts=np.zeros((rows, width + 1), np.int64),
        stops=np.zeros((rows, width), np.int64),
    )
