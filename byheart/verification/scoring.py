"""Scores of windows from logits, and by the reference decoder, in float64."""

import dataclasses
from collections.abc import Iterable

import numpy as np

from byheart.store import Place
from byheart.verification.architecture import Architecture
from byheart.verification.decoder import cap
from byheart.verification.layer_norm import compute_states, name_head, read_head_bias
from byheart.verification.rotary import Floats
from byheart.verification.weights import Weights


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class ReferenceScores:
    """The scores of B windows with S scored tokens each, [B, S]; logarithms are natural."""

    log_probs: Floats
    """The log-probability of each suffix token, at temperature 1 over the whole vocabulary."""
    surely_above: np.ndarray
    """int64: how many logits are greater by more than the tolerance."""
    perhaps_above: np.ndarray
    """int64: how many logits are greater, or smaller by at most the tolerance, other than the token's own."""
    top_gaps: Floats
    """How far the logit of the token that is said to be the largest lies below the largest."""
    log_top_k_mass: Floats
    """Log of the probability of the `top_k` largest logits together, after temperature; 0 for the whole vocabulary."""
    tempered_log_probs: Floats
    """The log-probability of each suffix token after temperature."""


def score(
    model: Architecture,
    place: Place,
    model_input: np.ndarray,
    top_token_ids: np.ndarray,
    *,
    temperature: float,
    top_k: int,
    tolerance: float,
    adapter: Place | None = None,
) -> ReferenceScores:
    """The scores of windows.

    Args:
        place: the model's folder.
        adapter: that of the adapter which is merged into it, if there is one.
        model_input: int [B, T], the BOS if any, the prompt, and the suffix.
        top_token_ids: int [B, S], the tokens that are said to have the largest logits.
        tolerance: logits that differ by less may be ranked either way.
    """
    weights, scored = Weights(place, model.prefix, adapter), top_token_ids.shape[1]
    states = compute_states(model, weights, model_input[:, :-1])[:, -scored:]
    states *= model.logit_scale
    targets, limit = model_input[:, -scored:], model.config.get("final_logit_softcapping")
    name, bias = name_head(model), read_head_bias(model, weights)
    own, said = np.empty(targets.shape), np.empty(targets.shape)
    for first, rows in weights.read_rows(name):
        for ids, logits in ((targets, own), (top_token_ids, said)):
            here = (ids >= first) & (ids < first + len(rows))
            logits[here] = cap((states[here] * rows[ids[here] - first]).sum(axis=-1) + bias[ids[here]], limit)
    stretches = (
        cap(states @ rows.T + bias[first : first + len(rows)], limit) for first, rows in weights.read_rows(name)
    )
    return score_logits(stretches, own, said, temperature=temperature, top_k=top_k, tolerance=tolerance)


def score_logits(
    stretches: Iterable[Floats], own: Floats, said: Floats, *, temperature: float, top_k: int, tolerance: float
) -> ReferenceScores:
    """The scores of windows from the logits of their suffixes.

    Args:
        stretches: the logits of all tokens of the vocabulary, [B, S, v] each, one stretch of the vocabulary at a time.
        own: the logit of each suffix token, [B, S].
        said: the logit of each token that is said to have the largest, [B, S].
        tolerance: logits that differ by less may be ranked either way.
    """
    shape = own.shape
    total, tempered_total = np.full(shape, -np.inf), np.full(shape, -np.inf)
    surely, perhaps = np.zeros(shape, np.int64), np.zeros(shape, np.int64)
    largest = np.full((*shape, 0), -np.inf)
    kept = max(top_k, 1)
    for logits in stretches:
        total = np.logaddexp(total, _log_sum_exp(logits))
        tempered_total = np.logaddexp(tempered_total, _log_sum_exp(logits / temperature))
        surely += (logits > own[..., None] + tolerance).sum(axis=-1)
        perhaps += (logits > own[..., None] - tolerance).sum(axis=-1)
        largest = np.concatenate([largest, logits], axis=-1)
        largest = -np.sort(-largest, axis=-1)[..., :kept]
    mass = _log_sum_exp(largest / temperature) - tempered_total if top_k else np.zeros(shape)
    return ReferenceScores(
        log_probs=np.minimum(own - total, 0.0),
        surely_above=surely,
        perhaps_above=perhaps - 1,
        top_gaps=largest[..., 0] - said,
        log_top_k_mass=np.minimum(mass, 0.0),
        tempered_log_probs=np.minimum(own / temperature - tempered_total, 0.0),
    )


def _log_sum_exp(values: Floats) -> Floats:
    largest = values.max(axis=-1)
    return largest + np.log(np.exp(values - largest[..., None]).sum(axis=-1))
