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
    """The first T = chunk_size tokens of N slices; positions count the book's characters."""

    is_known: np.ndarray
    """bool [N]: whether the slice's row is filled."""
    ids: np.ndarray
    """int32 [N, T]."""
    starts: np.ndarray
    """int64 [N, T + 1]: the start of each token, then the start of the next token, or the slice's stop."""
    stops: np.ndarray
    """int64 [N, T]: the stop of each token."""


def encode_alone(text: str, cursors: Sequence[int], encode: Encode, settings: WindowSettings) -> FirstTokens:
    """The first tokens of the slices at `cursors`; a slice of fewer than `chunk_size` tokens is not known."""
    length, width = settings.slice_length, settings.chunk_size
    rows = make_unknown(len(cursors), width)
    for first in range(0, len(cursors), _SLICES):
        batch = cursors[first : first + _SLICES]
        encodings = encode([text[cursor : cursor + length] for cursor in batch])
        for row, (cursor, encoding) in enumerate(zip(batch, encodings, strict=True), first):
            if len(encoding.ids) < width:
                continue
            slice_stop = (min(length, len(text) - cursor),) * 2
            spans = np.asarray([*encoding.offsets[: width + 1], slice_stop][: width + 1], np.int64) + cursor
            rows.is_known[row] = True
            rows.ids[row] = encoding.ids[:width]
            rows.starts[row], rows.stops[row] = spans[:, 0], spans[:-1, 1]
    return rows


def make_unknown(rows: int, width: int) -> FirstTokens:
    """Rows of zeros, none of them known."""
    return FirstTokens(
        is_known=np.zeros(rows, bool),
        ids=np.zeros((rows, width), np.int32),
        starts=np.zeros((rows, width + 1), np.int64),
        stops=np.zeros((rows, width), np.int64),
    )
