"""Where prompts and suffixes that are counted in characters stop: at common boundaries, which the text alone decides.

A common boundary is before a space between two letters or digits: nearly all tokenizers cut there. With
prompt_characters=8 and suffix_characters=10:

    text            The ferryman did not answer her.
    boundaries         |        |   |   |      |
    cursor 0        [The ferryman][ did not answer]
    cursor 4            [ferryman][ did not answer]
    cursor 7               [ryman did][ not answer]

If a tokenizer does not cut at one of the two, or there is none among the next `COMMON_REACH` characters, as in scripts
without spaces, the window is flagged: it goes on to the tokenizer's own next boundary, and its spill is the characters
beyond.
"""

import re
from typing import NamedTuple

import numpy as np

from byheart.components.tokenize.first_tokens import FirstTokens
from byheart.contracts.setting_groups import COMMON_REACH, WindowSettings

_BOUNDARY = re.compile(r"(?<=[^\W_]) (?=[^\W_])")


class Targets(NamedTuple):
    """Where the prompts and suffixes at N cursors are to stop."""

    prompt_stop: np.ndarray
    """int64 [N]"""
    suffix_stop: np.ndarray
    """int64 [N]: beyond the text's last character where the book ends before."""
    is_common: np.ndarray
    """bool [N]: whether both are common boundaries."""


class Halves(NamedTuple):
    """The prompts and suffixes of N windows, as a tokenizer cuts them."""

    prompt_tokens: np.ndarray
    """int32 [N]"""
    suffix_tokens: np.ndarray
    """int32 [N]"""
    suffix_start: np.ndarray
    """int64 [N]"""
    stop: np.ndarray
    """int64 [N]"""
    token_stops: np.ndarray
    """int64 [N, T]"""
    flagged: np.ndarray
    """bool [N]"""
    spill: np.ndarray
    """int32 [N]"""


def find_boundaries(text: str) -> np.ndarray:
    """Every common boundary of a text, int64, ascending: the index of the space."""
    return np.fromiter((match.start() for match in _BOUNDARY.finditer(text)), np.int64)


def find_targets(boundaries: np.ndarray, cursors: np.ndarray, settings: WindowSettings) -> Targets:
    """Where the windows at these cursors are to stop.

    Args:
        boundaries: those of the text.
    """
    prompt_stop, is_common = _find_next(boundaries, cursors + settings.prompt_characters)
    suffix_stop, are_both = _find_next(boundaries, prompt_stop + settings.suffix_characters)
    return Targets(prompt_stop=prompt_stop, suffix_stop=suffix_stop, is_common=is_common & are_both)


def _find_next(boundaries: np.ndarray, least: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The first boundary at or after each position, or the position itself if none is in reach; and whether one is."""
    beyond = np.iinfo(np.int64).max
    following = np.append(boundaries, beyond)[np.searchsorted(boundaries, least)]
    is_near = following - COMMON_REACH <= least
    return np.where(is_near, following, least), is_near


def cut_at_counts(tokens: FirstTokens, prompt_tokens: int, scored_tokens: int) -> Halves:
    """The prompts and suffixes of N known rows of tokens, equally long in tokens."""
    # A character in no token, such as an accent that a normalizer composed, belongs to the earlier side.
    token_stops = np.maximum.accumulate(np.maximum(tokens.stops, tokens.starts[:, 1:]), axis=1)
    none = np.zeros(len(tokens.ids), np.int32)
    return Halves(
        prompt_tokens=none + np.int32(prompt_tokens),
        suffix_tokens=none + np.int32(scored_tokens),
        suffix_start=token_stops[:, prompt_tokens - 1],
        stop=token_stops[:, prompt_tokens + scored_tokens - 1],
        token_stops=token_stops,
        flagged=none.astype(bool),
        spill=none,
    )


def cut_halves(tokens: FirstTokens, targets: Targets) -> Halves:
    """The prompts and suffixes of N known rows of tokens, of which each begins before its `suffix_stop`."""
    place = np.arange(tokens.ids.shape[1])
    is_token = place < tokens.counts[:, None]
    starts, stops = tokens.starts[:, :-1], np.where(is_token, tokens.stops, 0)
    begin_before = np.maximum.accumulate(starts, axis=1) < targets.prompt_stop[:, None]
    prompt_tokens = (begin_before & is_token).sum(axis=1)
    last = np.stack([prompt_tokens, tokens.counts], axis=1) - 1
    target = np.stack([targets.prompt_stop, targets.suffix_stop], axis=1)
    # A token that begins before a boundary may stop behind it. The white space that is in no token may not.
    reached = np.take_along_axis(np.maximum.accumulate(stops, axis=1), np.maximum(last, 0), axis=1)
    are_cut = reached <= target
    token_stops = np.maximum.accumulate(np.where(is_token, np.maximum(stops, tokens.starts[:, 1:]), 0), axis=1)
    edges = np.where(are_cut, target, np.take_along_axis(token_stops, np.maximum(last, 0), axis=1))
    is_prompt = place < prompt_tokens[:, None]
    limit = np.where(is_prompt, edges[:, :1], edges[:, 1:])
    token_stops = np.where(is_token, np.minimum(token_stops, limit), edges[:, 1:])
    return Halves(
        prompt_tokens=prompt_tokens.astype(np.int32),
        suffix_tokens=(tokens.counts - prompt_tokens).astype(np.int32),
        suffix_start=edges[:, 0],
        stop=edges[:, 1],
        token_stops=token_stops,
        flagged=~(targets.is_common & are_cut.all(axis=1)),
        spill=(edges - target).sum(axis=1).astype(np.int32),
    )
