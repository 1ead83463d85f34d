"""The scores of tokens from hidden states, and the scores of windows from those of their tokens."""

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
from byheart.models.axes import LAYERS
from byheart.models.decoder_config import DecoderConfig
from byheart.models.parameters import Parameters
from byheart.scores.scores import Scores

_HEAD_WINDOWS_CPU = 4
"""Windows whose logits a CPU computes at once: few enough for its cache."""
_GROUP = 128
"""The group size in `find_kth_largest`: the fastest of 64, 128 and 256 for the top 40 of a vocabulary of 49,152."""
_ASYNCHRONOUS_GATHERS = {
    "xla_enable_async_all_gather": "true",
    "xla_tpu_enable_async_collective_fusion_fuse_all_gather": "true",
}
"""Options that make the TPU compiler gather weights while it computes something else."""


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True, kw_only=True)
class TokenScores:
    """The scores of tokens; every field is [..., S], ranks and ids are int32, the others float32."""

    log_prob: Array
    """The log-probability at temperature 1, over the whole vocabulary."""
    rank: Array
    """The number of strictly greater logits."""
    top_id: Array
    """The token with the largest logit, the lowest id among equals."""
    log_top_k_mass: Array
    """The log of the top k's total probability, after temperature."""
    tempered_log_prob: Array
    """The log-probability after temperature."""


Scorer = jax.stages.Wrapped
"""A compiled function from parameters and model input [B, T] to `TokenScores`, [B, S] each."""


def make_scorer(
    config: DecoderConfig,
    parameters: Parameters,
    sharding: Sharding,
    *,
    scored_tokens: int,
    temperature: float,
    top_k: int,
) -> Scorer:
    """A compiled function from parameters and model input [B, T] to the scores of its last `scored_tokens` ids.

    The last id is scored and never fed; the head runs only on the positions that predict a scored id. B is a multiple
    of the sharding's window shards. The arithmetic has the precision of the parameters' dtype, and full precision for
    float32, whatever JAX's default: a GPU's is TF32, with 10 bits of mantissa.
    """
    head_windows = _HEAD_WINDOWS_CPU if sharding.platform == "cpu" else HEAD_WINDOWS
    head_names = decoder.list_head(config)

    @functools.partial(jax.jit, compiler_options=_compiler_options(sharding))
    @functools.partial(
        jax.shard_map,
        mesh=sharding.devices,
        in_specs=(jax.tree.map(sharding.make_data_spec, parameters), P(DATA)),
        out_specs=P(DATA),
        axis_names={DATA},
        check_vma=False,  # so that families need not mark constants that are the same on all devices
    )
    def score(params: decoder.Params, token_ids: Array) -> TokenScores:
        fed, targets = token_ids[:, :-1], token_ids[:, -scored_tokens:]
        with jax.default_matmul_precision("highest" if params["embed"].dtype == jnp.float32 else "default"):
            hidden = decoder.compute_hidden_states(
                params,
                config,
                fed,
                first=fed.shape[1] - scored_tokens,
                look_up=functools.partial(sharding.look_up, parameters["embed"]),
                gather=lambda weights: sharding.gather({name: parameters[LAYERS][name] for name in weights}, weights),
            )
            head = {name: sharding.gather(parameters[name], params[name]) for name in head_names}

            def score_window(window: tuple[Array, Array]) -> TokenScores:
                hidden, targets = window
                logits = decoder.compute_logits(head, config, hidden)
                return score_tokens(logits, targets, temperature=temperature, top_k=top_k)

            return jax.lax.map(score_window, (hidden, targets), batch_size=head_windows)

    return score


def _compiler_options(sharding: Sharding) -> dict[str, str] | None:
    return _ASYNCHRONOUS_GATHERS if sharding.platform == "tpu" else None


def score_tokens(logits: Array, targets: Array, *, temperature: float, top_k: int) -> TokenScores:
    """The scores of `targets` [S] under float32 `logits` [S, V]."""
    vocabulary = logits.shape[-1]
    is_target = jnp.arange(vocabulary) == targets[:, None]
    target = jnp.sum(jnp.where(is_target, logits, 0.0), axis=-1)
    tempered = logits / temperature
    log_total = jax.nn.logsumexp(tempered, axis=-1)
    if 0 < top_k < vocabulary:
        kept = jnp.where(logits >= find_kth_largest(logits, top_k)[:, None], tempered, -jnp.inf)
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


def find_kth_largest(values: Array, k: int) -> Array:
    """The k-th largest of float32 `values` along the last axis, exactly.

    Values may be -inf, but not NaN; a subnormal value may count as 0. For 200 x 128,256 values it takes a CPU 0.165 s,
    and `jax.lax.top_k` 19.9 s.

    Most values are read once. The values are cut into groups. The k-th largest of the groups' maxima is a lower bound,
    and all values above it are in the groups whose maximum is above it, of which there are fewer than k:

        k = 2    3 1 | 9 7 | 2 4 | 5 8    maxima 3 9 4 8, bound 8, above it only in 9 7, answer max(8, 7) = 8
    """
    size = values.shape[-1]
    if 2 * k * _GROUP > size:
        return _find_kth_largest_by_bits(values, k)
    padding = -size % _GROUP
    if padding:
        values = jnp.concatenate([values, jnp.full((*values.shape[:-1], padding), -jnp.inf)], axis=-1)
    groups = values.reshape(*values.shape[:-1], -1, _GROUP)
    maxima = jnp.max(groups, axis=-1)
    bound = _find_kth_largest_by_bits(maxima, k)
    groups_above = jnp.cumsum(maxima > bound[..., None], axis=-1)
    indices = jnp.sum(groups_above[..., None, :] <= jnp.arange(k)[:, None], axis=-1)
    candidates = jnp.take_along_axis(groups, indices[..., None], axis=-2, mode="fill", fill_value=-jnp.inf)
    return jnp.maximum(bound, _find_kth_largest_by_bits(candidates.reshape(*candidates.shape[:-2], -1), k))


def _find_kth_largest_by_bits(values: Array, k: int) -> Array:
    """The k-th largest of float32 `values` along the last axis, by reading each value 32 times.

    Floats are mapped to unsigned integers of the same order, and the answer's bits are determined one after the other:
    32 counts cost less than a sort of a vocabulary.
    """
    bits = jax.lax.bitcast_convert_type(values, jnp.uint32)
    sign = jnp.uint32(1 << 31)
    keys = jnp.where(bits >= sign, ~bits, bits | sign)

    def settle_bit(step: Array, settled: Array) -> Array:
        candidate = settled | (sign >> step.astype(jnp.uint32))
        enough = jnp.sum(keys >= candidate[..., None], axis=-1) >= k
        return jnp.where(enough, candidate, settled)

    key = jax.lax.fori_loop(0, 32, settle_bit, jnp.zeros_like(keys[..., 0]))
    return jax.lax.bitcast_convert_type(jnp.where(key >= sign, key ^ sign, ~key), jnp.float32)


def compute_window_scores(tokens: TokenScores, *, top_k: int) -> Scores:
    """The scores of windows from those of their tokens, [W, S] each; sums are made in float64."""
    log_probs, ranks, log_mass = np.asarray(tokens.log_prob), np.asarray(tokens.rank), np.asarray(tokens.log_top_k_mass)
    to_float64 = functools.partial(np.asarray, dtype=np.float64)
    top_k_log_probs = np.minimum(to_float64(tokens.tempered_log_prob) - to_float64(log_mass), 0.0)
    if top_k:
        top_k_log_probs = np.where(ranks < top_k, top_k_log_probs, -np.inf)
    return Scores(
        log_p_z=to_float64(log_probs).sum(axis=-1),
        log_p_z_top_k=top_k_log_probs.sum(axis=-1),
        greedy=(ranks == 0).all(axis=-1),
        token_log_probs=log_probs,
        token_ranks=ranks,
        top_token_ids=np.asarray(tokens.top_id),
        token_log_top_k_mass=log_mass,
    )
