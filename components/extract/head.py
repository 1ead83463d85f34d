"""From the states of windows to the scores of their tokens: which are scored; the head, plain and in blocks."""

import dataclasses
from collections.abc import Callable

import jax
import jax.numpy as jnp
from jax import Array

from byheart.components.extract import decoder
from byheart.components.extract.largest import find_kth_largest
from byheart.components.extract.token_scores import TokenScores, choose_kept, score_tokens
from byheart.contracts.logits import KeptLogits
from byheart.machines.kernels import BLOCK_WINDOWS
from byheart.models.decoder_config import DecoderConfig


@dataclasses.dataclass(frozen=True, kw_only=True)
class ScoredTokens:
    """What a scorer computes of each window."""

    scored_tokens: int
    """S: its last ids, which are scored."""
    temperature: float
    top_k: int
    is_padded: bool = False
    """Whether each window says which of its ids are scored."""
    kept: KeptLogits | None = None
    """The logits that are returned beside the scores."""

    @property
    def positions(self) -> int:
        """R: positions on which the head runs where windows are not padded."""
        return max(self.scored_tokens, self.kept.positions if self.kept else 0)


def find_scored(
    wanted: ScoredTokens, token_ids: Array, scored: Array | None = None
) -> tuple[int | Array, Array, Array | None]:
    """From where on the head needs states, as the decoder takes it; the scored ids [B, S]; and, where windows are
    padded, which of these there are, bool [B, S].

    Args:
        scored: where the scored ids of padded windows begin and how many there are, int32 [B, 2].
    """
    tokens = token_ids.shape[1]
    if scored is None:
        return tokens - 1 - wanted.positions, token_ids[:, -wanted.scored_tokens :], None
    first, count = scored[:, :1], scored[:, 1:]
    place = jnp.arange(wanted.scored_tokens, dtype=scored.dtype)
    columns = jnp.clip(first + place, 1, tokens - 1)
    return columns - 1, jnp.take_along_axis(token_ids, columns, axis=1), place < count


def score_states(
    head: decoder.Params,
    config: DecoderConfig,
    wanted: ScoredTokens,
    hidden: Array,
    targets: Array,
    windows: int,
    find_kth: Callable[[Array, int], Array] = find_kth_largest,
) -> TokenScores:
    """The scores of `targets` [B, S] after the states `hidden` [B, R, D], and the logits of all R that are kept.

    Args:
        head: the head's parameters.
        windows: windows whose logits are computed at once.
        find_kth: finds the k-th largest logit of each row.
    """
    kept = wanted.kept

    def score_window(window: tuple[Array, Array]) -> TokenScores:
        hidden, targets = window
        logits = decoder.compute_logits(head, config, hidden)
        scored = logits[len(logits) - len(targets) :]
        scores = score_tokens(scored, targets, temperature=wanted.temperature, top_k=wanted.top_k, find_kth=find_kth)
        return dataclasses.replace(scores, logits=choose_kept(logits, kept)) if kept else scores

    return jax.lax.map(score_window, (hidden, targets), batch_size=windows)


def score_blocks(
    compute_logits: Callable[[Array], Array],
    score_rows: Callable[[Array, Array], TokenScores],
    hidden: Array,
    targets: Array,
) -> TokenScores:
    """The scores of `targets` [B, S] after the states `hidden` [B, S, D], for blocks of windows whose rows are joined.

    Args:
        compute_logits: logits of rows, as a kernel takes them.
        score_rows: the kernel.
        hidden: B is a multiple of a block's windows.
    """

    def score_block(block: tuple[Array, Array]) -> TokenScores:
        return score_rows(compute_logits(block[0]), block[1])

    rows = BLOCK_WINDOWS * targets.shape[1]
    blocks = (hidden.reshape(-1, rows, hidden.shape[-1]), targets.reshape(-1, rows))
    return jax.tree.map(lambda values: values.reshape(targets.shape), jax.lax.map(score_block, blocks))
