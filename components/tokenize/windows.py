"""The windows of a book, as a pure function of its text, the settings and an encoder."""

from collections.abc import Callable

import numpy as np

from byheart.components.tokenize.cuts import Cuts
from byheart.components.tokenize.first_tokens import Encode, FirstTokens, encode_alone
from byheart.components.tokenize.shared_text import encode_shared_text
from byheart.contracts.setting_groups import WindowSettings
from byheart.contracts.windows import Windows

_CURSORS, _CHARACTERS = 1_024, 1 << 17
"""The most cursors in a batch, and the most characters between its first and last: their arrays take a few MB."""


def slide(
    text: str,
    encode: Encode,
    settings: WindowSettings,
    *,
    scored_tokens: int,
    cuts: Cuts | None = None,
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
        encode: tokenizes texts, each on its own.
        scored_tokens: suffix tokens that will be scored; a window's `stop` is the stop of the last.
        cuts: the tokenizer's cuts, if they are known. Text that slices share is then tokenized once, for the same
            windows.
        report: called with the number of cursors that were done since the last call.
    """
    cursors = range(0, len(text), settings.cursor_inc)
    if settings.cursor_inc >= settings.slice_length:
        cuts = None  # no text is shared
    batch_size = max(1, min(_CURSORS, _CHARACTERS // settings.cursor_inc))
    cursor = np.empty(len(cursors), np.int64)
    start = np.empty(len(cursors), np.int64)
    token_ids = np.empty((len(cursors), settings.chunk_size), np.int32)
    token_stops = np.empty((len(cursors), settings.chunk_size), np.int64)
    count = dropped_tail = 0
    for first in range(0, len(cursors), batch_size):
        batch = cursors[first : first + batch_size]
        tokens = _find_first_tokens(text, batch, encode, settings, cuts)
        rows = slice(count, count + int(tokens.is_known.sum()))
        cursor[rows] = np.asarray(batch)[tokens.is_known]
        start[rows] = tokens.starts[tokens.is_known, 0]
        token_ids[rows] = tokens.ids[tokens.is_known]
        # A character in no token, such as an accent that a normalizer composed, belongs to the earlier side.
        stops = np.maximum(tokens.stops, tokens.starts[:, 1:])[tokens.is_known]
        np.maximum.accumulate(stops, axis=1, out=token_stops[rows])
        dropped_tail += int((np.asarray(batch)[~tokens.is_known] > len(text) - settings.slice_length).sum())
        count = rows.stop
        report(len(batch))

    return Windows(
        cursor=cursor[:count],
        start=start[:count],
        suffix_start=token_stops[:count, settings.prompt_tokens - 1],
        stop=token_stops[:count, settings.prompt_tokens + scored_tokens - 1],
        token_ids=token_ids[:count],
        token_stops=token_stops[:count],
        dropped_tail=dropped_tail,
        dropped_inside=len(cursors) - count - dropped_tail,
    )


def _find_first_tokens(
    text: str, cursors: range, encode: Encode, settings: WindowSettings, cuts: Cuts | None
) -> FirstTokens:
    """The first tokens of the slices at `cursors`; a slice with too few tokens is not known."""
    if cuts is None:
        return encode_alone(text, cursors, encode, settings)
    tokens = encode_shared_text(text, cursors, encode, settings, cuts)
    unknown = np.flatnonzero(~tokens.is_known)
    if len(unknown):
        alone = encode_alone(text, [cursors[row] for row in unknown.tolist()], encode, settings)
        for column, values in zip(tokens, alone, strict=True):
            column[unknown] = values
    return tokens
