"""From hidden states to the numbers kept for each scored token, and from those to the numbers of a window."""

import dataclasses
import functools

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.sharding import PartitionSpec as P

from byheart.components.extract import decoder
from byheart.components.extract.sharding import Sharding
from byheart.machines.mesh import DATA
from byheart.machines.workload import HEAD_WINDOWS
from byheart.models.decoder_config import DecoderConfig
from byheart.models.parameters import LAYERS, Parameters
from byheart.scores.scores import Scores

_HEAD_WINDOWS_CPU = 4
"""Windows whose logits a CPU holds at once: few enough for its cache."""
_GROUP = 128
"""Values that `kth_largest` takes together: of 64, 128 and 256 the fastest for 40 of a vocabulary of 49,152."""
_ASYNCHRONOUS_GATHERS = {
    "xla_enable_async_all_gather": "true",
    "xla_tpu_enable_async_collective_fusion_fuse_all_gather": "true",
}
"""What the compiler for TPUs does not do unasked: bring weights together while something else is computed."""


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True, kw_only=True)
class TokenScores:
    """What is kept for each scored token; every field is [..., S], float32 but for the int32 ranks and ids."""

    log_prob: Array
    """At temperature 1, over every row of the head."""
    rank: Array
    """Logits that are strictly greater."""
    top_id: Array
    """The token with the largest logit, the lowest id among equals."""
    log_top_k_mass: Array
    """Log of the probability of the top k together, after temperature."""
    tempered_log_prob: Array
    """As `log_prob`, after temperature."""


Scorer = jax.stages.Wrapped
"""A compiled function from parameters and model input [B, T] to `TokenScores`, [B, S] each."""


def scorer(
    config: DecoderConfig,
    parameters: Parameters,
    sharding: Sharding,
    *,
    scored_tokens: int,
    temperature: float,
    top_k: int,
) -> Scorer:
    """A compiled function from parameters and model input [B, T] to the scores of its last `scored_tokens` ids.

    The last id is scored and never fed; the head runs only on the positions that predict a scored one. B is a multiple
    of the windows' devices. The arithmetic is that of the parameters' dtype, of float32 in full, whatever precision of
    products JAX has been told elsewhere: a GPU's default for it is TF32, with 10 bits of mantissa.
    """
    at_once = _HEAD_WINDOWS_CPU if sharding.platform == "cpu" else HEAD_WINDOWS
    head_name = decoder.head_name(config)

    @functools.partial(jax.jit, compiler_options=_compiler_options(sharding))
    @functools.partial(
        jax.shard_map,
        mesh=sharding.devices,
        in_specs=(jax.tree.map(sharding.by_hand, parameters), P(DATA)),
        out_specs=P(DATA),
        axis_names={DATA},
        check_vma=False,  # families need not say which of their constants are the same on all devices
    )
    def score(params: decoder.Params, token_ids: Array) -> TokenScores:
        fed, targets = token_ids[:, :-1], token_ids[:, -scored_tokens:]
        with jax.default_matmul_precision("highest" if params["embed"].dtype == jnp.float32 else "default"):
            hidden = decoder.hidden_states(
                params,
                config,
                fed,
                first=fed.shape[1] - scored_tokens,
                look_up=functools.partial(sharding.look_up, parameters["embed"]),
                gather=functools.partial(sharding.gather, parameters[LAYERS]),
            )
            head = {head_name: sharding.gather(parameters[head_name], params[head_name])}

            def score_window(window: tuple[Array, Array]) -> TokenScores:
                hidden, targets = window
                return score_tokens(decoder.logits(head, config, hidden), targets, temperature=temperature, top_k=top_k)

            return jax.lax.map(score_window, (hidden, targets), batch_size=at_once)

    return score


def _compiler_options(sharding: Sharding) -> dict[str, str] | None:
    return _ASYNCHRONOUS_GATHERS if sharding.platform == "tpu" else None


def score_tokens(logits: Array, targets: Array, *, temperature: float, top_k: int) -> TokenScores:
    """The scores of `targets` [S] under float32 `logits` [S, V]."""
    vocabulary = logits.shape[-1]
    at_target = jnp.arange(vocabulary) == targets[:, None]
    target = jnp.sum(jnp.where(at_target, logits, 0.0), axis=-1)
    tempered = logits / temperature
    log_total = jax.nn.logsumexp(tempered, axis=-1)
    if 0 < top_k < vocabulary:
        kept = jnp.where(logits >= kth_largest(logits, top_k)[:, None], tempered, -jnp.inf)
        log_mass = jnp.minimum(jax.nn.logsumexp(kept, axis=-1) - log_total, 0.0)
    else:
        log_mass = jnp.zeros_like(log_total)
    return TokenScores(
        log_prob=jnp.minimum(target - jax.nn.logsumexp(logits, axis=-1), 0.0),
        rank=jnp.sum(logits > target[:, None], axis=-1, dtype=jnp.int32),
        top_id=jnp.argmax(logits, axis=-1).astype(jnp.int32),
        log_top_k_mass=log_mass,
        tempered_log_prob=jnp.minimum(target / temperature - log_total, 0.0),
    )


def kth_largest(values: Array, k: int) -> Array:
    """The k-th largest of the last axis of float32 `values`, exactly.

    They may be -inf, not NaN; one that is subnormal may count as 0. On a CPU, of 200 x 128,256 values, it takes 0.165 s
    where `jax.lax.top_k` takes 19.9 s.

    Of many values, few are looked at more than once. Cut into groups, the k-th largest of the groups' largest is a
    lower bound, and what lies above it is in the groups, fewer than k, whose largest does:

        k = 2    3 1 | 9 7 | 2 4 | 5 8    largest 3 9 4 8, bound 8, above it only in 9 7, answer max(8, 7) = 8
    """
    size = values.shape[-1]
    if 2 * k * _GROUP > size:
        return _kth_largest_by_bits(values, k)
    rest = -size % _GROUP
    if rest:
        values = jnp.concatenate([values, jnp.full((*values.shape[:-1], rest), -jnp.inf)], axis=-1)
    groups = values.reshape(*values.shape[:-1], -1, _GROUP)
    largest = jnp.max(groups, axis=-1)
    bound = _kth_largest_by_bits(largest, k)
    passed = jnp.cumsum(largest > bound[..., None], axis=-1)
    which = jnp.sum(passed[..., None, :] <= jnp.arange(k)[:, None], axis=-1)
    above = jnp.take_along_axis(groups, which[..., None], axis=-2, mode="fill", fill_value=-jnp.inf)
    return jnp.maximum(bound, _kth_largest_by_bits(above.reshape(*above.shape[:-2], -1), k))


def _kth_largest_by_bits(values: Array, k: int) -> Array:
    """The same, by looking at each value 32 times.

    Floats are mapped to unsigned integers of the same order, and the answer is found bit by bit: 32 counts instead of
    a sort, which on a vocabulary is what costs.
    """
    bits = jax.lax.bitcast_convert_type(values, jnp.uint32)
    sign = jnp.uint32(1 << 31)
    keys = jnp.where(bits >= sign, ~bits, bits | sign)

    def settle(step: Array, found: Array) -> Array:
        candidate = found | (sign >> step.astype(jnp.uint32))
        enough = jnp.sum(keys >= candidate[..., None], axis=-1) >= k
        return jnp.where(enough, candidate, found)

    key = jax.lax.fori_loop(0, 32, settle, jnp.zeros_like(keys[..., 0]))
    return jax.lax.bitcast_convert_type(jnp.where(key >= sign, key ^ sign, ~key), jnp.float32)


def window_scores(tokens: TokenScores, *, top_k: int) -> Scores:
    """The scores of windows from those of their tokens, [W, S] each; sums are made in float64."""
    log_probs, ranks, log_mass = np.asarray(tokens.log_prob), np.asarray(tokens.rank), np.asarray(tokens.log_top_k_mass)
    wide = functools.partial(np.asarray, dtype=np.float64)
    under_scheme = np.minimum(wide(tokens.tempered_log_prob) - wide(log_mass), 0.0)
    if top_k:
        under_scheme = np.where(ranks < top_k, under_scheme, -np.inf)
    return Scores(
        log_p_z=wide(log_probs).sum(axis=-1),
        log_p_z_top_k=under_scheme.sum(axis=-1),
        greedy=(ranks == 0).all(axis=-1),
        token_log_probs=log_probs,
        token_ranks=ranks,
        top_token_ids=np.asarray(tokens.top_id),
        token_log_top_k_mass=log_mass,
    )
