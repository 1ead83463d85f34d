"""The first tokens of slices that share their text: what they share is tokenized once.

Where the tokenizer can be cut (see cuts.py), a slice is cut twice: at the first cut behind its cursor, and at its last.
In between lies text that it shares with its neighbours, and whose tokens are those of one run over all of it:

    text                The ferryman did not answer her.
    cuts                   |        |   |   |      |
    run of tokens                    did not answer her.
    slice at cursor 9            man did not answer h
      head                       man                            tokenized on its own
      shared                         did not answer             taken from the run
      rest                                          h           never looked at

    tokens(slice) = tokens(head), then rest(shared), then rest(rest), with rest() as in cuts.py

A head is a few characters; heads that are alike are tokenized once. The run is encoded in pieces, each from the cut
before it, since only behind a cut is it known what a text's tokens are in all slices. In the rest the slice's own stop
may fall inside a word: a slice whose head and shared text have no more than `chunk_size` tokens, one more being needed
to know where the last stops, remains to be tokenized on its own.
"""

from collections.abc import Sequence
from itertools import chain
from typing import NamedTuple

import numpy as np

from byheart.components.tokenize.cuts import Cuts
from byheart.components.tokenize.first_tokens import Encode, Encoding, FirstTokens, nothing_known
from byheart.contracts.settings import WindowSettings

_PIECE = 8_192
"""Characters of shared text encoded as one, so that every core has some and no search in them is long."""
_BEFORE = 64
"""Characters before the first cursor in which its slice's first cut may find the one before it."""


class _Run(NamedTuple):
    """N tokens, and where they came from; int64 [N]."""

    ids: np.ndarray
    starts: np.ndarray
    stops: np.ndarray


def from_shared_text(
    text: str, cursors: Sequence[int], encode: Encode, settings: WindowSettings, cuts: Cuts
) -> FirstTokens:
    """The first tokens of the slices at `cursors`; unknown where they cannot be told from shared text.

    Args:
        cursors: ascending; all the text that their slices cover is encoded.
        cuts: of the tokenizer that encodes.
    """
    width = settings.chunk_size
    cursor = np.asarray(cursors, np.int64)
    slice_stop = np.minimum(cursor + settings.slice_length, len(text))
    where = cuts.within(text, max(int(cursor[0]) - _BEFORE, 0), int(slice_stop[-1]))
    rows = nothing_known(len(cursor), width)
    first, last = np.searchsorted(where[1:], cursor, "right") + 1, np.searchsorted(where, slice_stop) - 1
    are_cut = np.flatnonzero(first <= last)
    if not len(are_cut):
        return rows
    cursor, first, last = cursor[are_cut], first[are_cut], last[are_cut]

    pieces = _pieces(where)
    heads = [text[start:stop] for start, stop in zip(cursor.tolist(), where[first].tolist(), strict=True)]
    distinct = {head: number for number, head in enumerate(dict.fromkeys(heads))}
    encodings = list(encode([*(text[before:stop] for before, _, stop in pieces), *distinct]))
    run = _run(encodings[: len(pieces)], pieces)
    if not _is_in_order(run):
        return rows
    alone, begins = _joined(encodings[len(pieces) :], [0] * len(distinct))

    which = np.fromiter((distinct[head] for head in heads), np.int64, len(heads))
    head_tokens = np.diff(begins)[which]
    # A token belongs to the part in which it begins: it has a character, and lies in that part.
    first_token, last_token = np.searchsorted(run.starts, where[first]), np.searchsorted(run.starts, where[last])
    settled = head_tokens + last_token - first_token > width
    are_cut, cursor, which, head_tokens, first_token = (
        column[settled] for column in (are_cut, cursor, which, head_tokens, first_token)
    )

    column = np.arange(width + 1)
    in_head = column < head_tokens[:, None]
    token = np.where(
        in_head,
        begins[which][:, None] + column,
        len(alone.ids) + (first_token - head_tokens)[:, None] + column,
    )
    moved = np.where(in_head, cursor[:, None], 0)
    ids, starts, stops = (np.concatenate(both) for both in zip(alone, run, strict=True))
    rows.is_known[are_cut] = True
    rows.ids[are_cut] = ids[token[:, :-1]]
    rows.starts[are_cut] = starts[token] + moved
    rows.stops[are_cut] = stops[token[:, :-1]] + moved[:, :-1]
    return rows


def _pieces(where: np.ndarray) -> list[tuple[int, int, int]]:
    """The text from the second cut to the last, in pieces of about `_PIECE` characters where cuts allow.

    Each as the cut before it, from which it is encoded, where it begins and where it stops.
    """
    number = (where[1:] - where[1]) // _PIECE
    begins = np.flatnonzero(np.diff(number, prepend=-1)) + 1
    stops = [*where[begins[1:]].tolist(), int(where[-1])]
    return list(zip(where[begins - 1].tolist(), where[begins].tolist(), stops, strict=True))


def _run(encodings: Sequence[Encoding], pieces: Sequence[tuple[int, int, int]]) -> _Run:
    """The tokens of the pieces, without those of what is before each."""
    run, begins = _joined(encodings, [before for before, _, _ in pieces])
    belongs = run.starts >= np.repeat([begin for _, begin, _ in pieces], np.diff(begins))
    return _Run(*(column[belongs] for column in run))


def _joined(encodings: Sequence[Encoding], places: Sequence[int]) -> tuple[_Run, np.ndarray]:
    """The tokens of texts, each moved to its place; and int64 [texts + 1], where each text's tokens begin in them."""
    counts = np.fromiter((len(encoding.ids) for encoding in encodings), np.int64, len(encodings))
    ids = np.fromiter(chain.from_iterable(encoding.ids for encoding in encodings), np.int64)
    spans = chain.from_iterable(encoding.offsets for encoding in encodings)
    starts, stops = np.fromiter(chain.from_iterable(spans), np.int64).reshape(-1, 2).T + np.repeat(places, counts)
    return _Run(ids, starts, stops), np.concatenate([[0], np.cumsum(counts)])


def _is_in_order(run: _Run) -> bool:
    """Whether every token has a character and none begins before the one before it."""
    return bool((run.starts < run.stops).all() and (run.starts[1:] >= run.starts[:-1]).all())
