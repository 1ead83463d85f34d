"""The windows of a book, as a pure function of its text, the settings and an encoder."""

from collections.abc import Callable

import numpy as np

from byheart.components.tokenize.boundaries import Halves, cut_at_counts, cut_halves, find_boundaries, find_targets
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

    With `suffix_characters`, the window is as many tokens as begin before the common boundary at which its suffix stops
    (see boundaries.py).

    Args:
        encode: tokenizes texts, each on its own.
        scored_tokens: suffix tokens that will be scored; a window's `stop` is the stop of the last. It does not count
            with `suffix_characters`.
        cuts: the tokenizer's cuts, if they are known. Text that slices share is then tokenized once, for the same
            windows.
        report: called with the number of cursors that were done since the last call.
    """
    cursors = range(0, len(text), settings.cursor_inc)
    if settings.cursor_inc >= settings.slice_length:
        cuts = None  # no text is shared
    boundaries = find_boundaries(text) if settings.suffix_characters else None
    batch_size = max(1, min(_CURSORS, _CHARACTERS // settings.cursor_inc))
    rows = _Rows(len(cursors), settings.chunk_size if boundaries is None else 1)
    count = dropped_tail = 0
    for first in range(0, len(cursors), batch_size):
        batch = np.asarray(cursors[first : first + batch_size], np.int64)
        targets = None if boundaries is None else find_targets(boundaries, batch, settings)
        reach = None if targets is None else targets.suffix_stop
        tokens = _find_first_tokens(text, batch, encode, settings, cuts, reach)
        if targets is None:
            halves = cut_at_counts(tokens, settings.prompt_tokens, scored_tokens)
            start = tokens.starts[:, 0]
        else:
            tokens = tokens.widen(1)
            halves, start = cut_halves(tokens, targets), batch
        known = np.flatnonzero(tokens.is_known & (halves.prompt_tokens > 0) & (halves.suffix_tokens > 0))
        rows.add(count, known, batch, start, tokens.ids, halves)
        dropped = np.delete(batch, known)
        dropped_tail += int((dropped > len(text) - settings.slice_length).sum())
        count += len(known)
        report(len(batch))

    return Windows(**rows.take(count), dropped_tail=dropped_tail, dropped_inside=len(cursors) - count - dropped_tail)


class _Rows:
    """The columns of at most N windows, filled from the first; tokens may turn out to be more than T."""

    def __init__(self, windows: int, width: int) -> None:
        kinds = {
            "cursor": np.int64, "start": np.int64, "suffix_start": np.int64, "stop": np.int64,
            "prompt_tokens": np.int32, "suffix_tokens": np.int32, "flagged": bool, "spill": np.int32,
        }  # fmt: skip
        self._columns: dict[str, np.ndarray] = {name: np.empty(windows, kind) for name, kind in kinds.items()}
        self._ids = np.empty((windows, width), np.int32)
        self._stops = np.empty((windows, width), np.int64)

    def add(
        self, first: int, known: np.ndarray, cursor: np.ndarray, start: np.ndarray, ids: np.ndarray, halves: Halves
    ) -> None:
        """Fill the rows from `first` on with the `known` ones of a batch."""
        rows = slice(first, first + len(known))
        values = {"cursor": cursor, "start": start, **halves._asdict()}
        for name, column in self._columns.items():
            column[rows] = values[name][known]
        width = max(ids.shape[1], self._ids.shape[1])
        if width > self._ids.shape[1]:
            more = ((0, 0), (0, width - self._ids.shape[1]))
            self._ids, self._stops = np.pad(self._ids, more, constant_values=-1), np.pad(self._stops, more, mode="edge")
        self._ids[rows], self._stops[rows] = -1, halves.stop[known, None]
        self._ids[rows, : ids.shape[1]], self._stops[rows, : ids.shape[1]] = ids[known], halves.token_stops[known]

    def take(self, count: int) -> dict[str, np.ndarray]:
        """The columns of the first windows, by name."""
        columns = {**self._columns, "token_ids": self._ids, "token_stops": self._stops}
        return {name: values[:count] for name, values in columns.items()}


def _find_first_tokens(
    text: str,
    cursors: np.ndarray,
    encode: Encode,
    settings: WindowSettings,
    cuts: Cuts | None,
    reach: np.ndarray | None,
) -> FirstTokens:
    """The first tokens of the slices at `cursors`; a slice with too few tokens is not known."""
    if cuts is None:
        return encode_alone(text, cursors.tolist(), encode, settings, reach)
    tokens = encode_shared_text(text, cursors.tolist(), encode, settings, cuts, reach)
    unknown = np.flatnonzero(~tokens.is_known)
    if not len(unknown):
        return tokens
    left = None if reach is None else reach[unknown]
    return tokens.fill(unknown, encode_alone(text, cursors[unknown].tolist(), encode, settings, left))
