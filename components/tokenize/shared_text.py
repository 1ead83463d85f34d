"""The first tokens of slices that overlap, with the text that they share tokenized once.

Where a tokenizer's texts can be cut (see cuts.py), a slice is cut twice: at the first cut after its cursor, and at the
last before its stop. The text in between is shared with neighbouring slices, and its tokens are taken from one run of
the tokenizer over all of the shared text:

    text                The ferryman did not answer her.
    cuts                   |        |   |   |      |
    run of tokens                    did not answer her.
    slice at cursor 9            man did not answer h
      head                       man                            tokenized on its own
      shared                         did not answer             taken from the run
      rest                                          h           not needed

    tokens(slice) = tokens(head), then rest(shared), then rest(rest), with rest() as in cuts.py

A head is a few characters; equal heads are tokenized once. The run is encoded in pieces, each from the cut before it,
since only the tokens after a cut are the same in all slices. The rest depends on the slice's own stop, which may be
inside a word. So a slice is left to be tokenized on its own unless its head and its shared text have more tokens than
are asked for: one more is needed to know where the last one stops.
"""

from collections.abc import Sequence
from itertools import chain
from typing import NamedTuple

import numpy as np

from byheart.components.tokenize.cuts import Cuts
from byheart.components.tokenize.first_tokens import Encode, Encoding, FirstTokens, make_unknown
from byheart.contracts.setting_groups import WindowSettings

_PIECE = 8_192
"""Characters of shared text in a piece: few enough that every core gets pieces."""
_BEFORE = 64
"""Characters before the first cursor that are searched for a cut, from which the first piece can be encoded."""


class _Run(NamedTuple):
    """N tokens, and their starts and stops in the text; int64 [N]."""

    ids: np.ndarray
    starts: np.ndarray
    stops: np.ndarray


def encode_shared_text(
    text: str,
    cursors: Sequence[int],
    encode: Encode,
    settings: WindowSettings,
    cuts: Cuts,
    reach: np.ndarray | None = None,
) -> FirstTokens:
    """The first tokens of the slices at `cursors`; slices whose tokens cannot be taken from shared text are not known.

    Args:
        cursors: ascending; all the text that their slices cover is encoded.
        cuts: those of the tokenizer behind `encode`.
        reach: int64 [N]: the tokens of each slice that begin before it; None asks for `chunk_size` tokens.
    """
    cursor = np.asarray(cursors, np.int64)
    slice_stop = np.minimum(cursor + settings.slice_length, len(text))
    positions = cuts.find(text, max(int(cursor[0]) - _BEFORE, 0), int(slice_stop[-1]))
    rows = make_unknown(len(cursor), 0 if reach is not None else settings.chunk_size)
    first, last = np.searchsorted(positions[1:], cursor, "right") + 1, np.searchsorted(positions, slice_stop) - 1
    are_cut = np.flatnonzero(first <= last)
    if not len(are_cut):
        return rows
    cursor, first, last = cursor[are_cut], first[are_cut], last[are_cut]

    pieces = _divide_text(positions)
    heads = [text[start:stop] for start, stop in zip(cursor.tolist(), positions[first].tolist(), strict=True)]
    distinct = {head: number for number, head in enumerate(dict.fromkeys(heads))}
    encodings = list(encode([*(text[before:stop] for before, _, stop in pieces), *distinct]))
    run = _tokenize_run(encodings[: len(pieces)], pieces)
    if not _is_in_order(run):
        return rows
    alone, begins = _join(encodings[len(pieces) :], [0] * len(distinct))

    which = np.fromiter((distinct[head] for head in heads), np.int64, len(heads))
    head_tokens = np.diff(begins)[which]
    # No token spans a cut, and each has a character: its start says on which side of a cut it is.
    first_token = np.searchsorted(run.starts, positions[first])
    last_token = np.searchsorted(run.starts, positions[last])
    if reach is None:
        count = np.full(len(are_cut), settings.chunk_size)
    else:
        count = head_tokens + np.searchsorted(run.starts, reach[are_cut]) - first_token
    enough = head_tokens + last_token - first_token > count
    if reach is not None:
        enough &= reach[are_cut] > positions[first]  # or it stops in the head
    are_cut, cursor, which, head_tokens, first_token, count = (
        column[enough] for column in (are_cut, cursor, which, head_tokens, first_token, count)
    )

    width = int(count.max(initial=0))
    column = np.arange(width + 1)
    in_head = column < head_tokens[:, None]
    token = np.where(
        in_head,
        begins[which][:, None] + column,
        len(alone.ids) + (first_token - head_tokens)[:, None] + column,
    )
    offset = np.where(in_head, cursor[:, None], 0)
    ids, starts, stops = (np.concatenate(both) for both in zip(alone, run, strict=True))
    token, is_token = np.minimum(token, len(ids) - 1), column < count[:, None]
    found = FirstTokens(
        is_known=np.ones(len(are_cut), bool),
        counts=count,
        ids=np.where(is_token, ids[token], -1)[:, :-1].astype(np.int32),
        starts=np.where(column <= count[:, None], starts[token] + offset, 0),
        stops=np.where(is_token, stops[token] + offset, 0)[:, :-1],
    )
    return rows.fill(are_cut, found)


def _divide_text(positions: np.ndarray) -> list[tuple[int, int, int]]:
    """The text from the second cut to the last, in pieces of about `_PIECE` characters where cuts allow it.

    A piece is three positions: the cut before it, from which it is encoded, its start and its stop.
    """
    number = (positions[1:] - positions[1]) // _PIECE
    begins = np.flatnonzero(np.diff(number, prepend=-1)) + 1
    stops = [*positions[begins[1:]].tolist(), int(positions[-1])]
    return list(zip(positions[begins - 1].tolist(), positions[begins].tolist(), stops, strict=True))


def _tokenize_run(encodings: Sequence[Encoding], pieces: Sequence[tuple[int, int, int]]) -> _Run:
    """The tokens of the pieces, without those of the text before each piece's start."""
    run, begins = _join(encodings, [before for before, _, _ in pieces])
    is_in_piece = run.starts >= np.repeat([begin for _, begin, _ in pieces], np.diff(begins))
    return _Run(*(column[is_in_piece] for column in run))


def _join(encodings: Sequence[Encoding], offsets: Sequence[int]) -> tuple[_Run, np.ndarray]:
    """The tokens of several texts as one run, and the index of each text's first token in it, int64 [texts + 1].

    Args:
        offsets: added to the positions of each text's tokens.
    """
    counts = np.fromiter((len(encoding.ids) for encoding in encodings), np.int64, len(encodings))
    ids = np.fromiter(chain.from_iterable(encoding.ids for encoding in encodings), np.int64)
    spans = chain.from_iterable(encoding.offsets for encoding in encodings)
    starts, stops = np.fromiter(chain.from_iterable(spans), np.int64).reshape(-1, 2).T + np.repeat(offsets, counts)
    return _Run(ids, starts, stops), np.concatenate([[0], np.cumsum(counts)])


def _is_in_order(run: _Run) -> bool:
    """Whether every token has a character and none begins before the one before it."""
    return bool((run.starts < run.stops).all() and (run.starts[1:] >= run.starts[:-1]).all())
