"""From a book's text to its windows, as a pure function of the text, the settings and an encoder."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from components.contracts.settings import WindowSettings
from components.contracts.windows import Windows

_SLICES = 512
"""Slices encoded at once: enough to keep every core busy, about 1 MB of text."""


class Encoding(NamedTuple):
    """The tokens of one slice, without special tokens."""

    ids: Sequence[int]
    offsets: Sequence[tuple[int, int]]
    """The half-open span of the slice's characters that each token came from."""


Encode = Callable[[list[str]], list[Encoding]]


def slide(
    text: str,
    encode: Encode,
    settings: WindowSettings,
    *,
    scored_tokens: int,
    report: Callable[[int], None] = lambda _: None,
) -> Windows:
    """The windows of `text`.

    A cursor moves over the characters in steps of `cursor_inc`. At each cursor the next `slice_length` characters are
    tokenized on their own, and their first `chunk_size` tokens are the window. With cursor_inc=4, chunk_size=3 and one
    token a word:

        text      The ferryman did not answer her.
        cursor 0  [The][ ferryman][ did]
        cursor 4      [ferryman][ did][ not]
        cursor 8          [yman][ did][ not]
        ...
        cursor 24                         [wer][ her][.]
        cursor 28                             [her][.]     too few tokens: dropped, counted as the book's tail

    Args:
        encode: tokenizes slices, each on its own.
        scored_tokens: suffix tokens that will be scored; `stop` is where the last of them stops.
        report: is told how many more cursors are done.
    """
    length, width = settings.slice_length, settings.chunk_size
    cursors = range(0, len(text), settings.cursor_inc)
    kept: list[int] = []
    ids: list[np.ndarray] = []
    starts: list[int] = []
    stops: list[np.ndarray] = []
    dropped_tail = dropped_inside = 0
    for first in range(0, len(cursors), _SLICES):
        some = cursors[first : first + _SLICES]
        for cursor, encoding in zip(some, encode([text[cursor : cursor + length] for cursor in some]), strict=True):
            if len(encoding.ids) >= width:
                kept.append(cursor)
                ids.append(np.asarray(encoding.ids[:width], np.int32))
                behind = (min(length, len(text) - cursor),) * 2
                spans = np.asarray([*encoding.offsets[: width + 1], behind][: width + 1], np.int64) + cursor
                starts.append(int(spans[0, 0]))
                # A character in no token, such as an accent that a normalizer composed, belongs to the earlier side.
                stops.append(np.maximum.accumulate(np.maximum(spans[:-1, 1], spans[1:, 0])))
            elif cursor + length > len(text):
                dropped_tail += 1
            else:
                dropped_inside += 1
        report(len(some))

    token_stops = np.stack(stops) if stops else np.zeros((0, width), np.int64)
    return Windows(
        cursor=np.asarray(kept, np.int64),
        start=np.asarray(starts, np.int64),
        suffix_start=token_stops[:, settings.prompt_tokens - 1],
        stop=token_stops[:, settings.prompt_tokens + scored_tokens - 1],
        token_ids=np.stack(ids) if ids else np.zeros((0, width), np.int32),
        token_stops=token_stops,
        dropped_tail=dropped_tail,
        dropped_inside=dropped_inside,
    )
