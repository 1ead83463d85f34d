"""The scores of tokens from hidden states, and the scores of windows from those of their tokens."""

import dataclasses
import functools
from typing import Protocol

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.sharding import PartitionSpec as P

from byheart.components.extract import decoder
from byheart.components.extract.attention import MixRows
from byheart.components.extract.largest import find_kth_largest, find_largest
from byheart.components.extract.sharding import Sharding
from byheart.contracts.logits import KeptLogits
from byheart.machines.kernels import has_attention_kernel
from byheart.machines.mesh import DATA, MODEL
from byheart.machines.workload import HEAD_WINDOWS
from byheart.models.axes import LAYERS
from byheart.models.decoder_config import DecoderConfig
from byheart.models.parameters import Parameters
from byheart.scores.scores import Scores

HEAD_WINDOWS_CPU = 4
"""Windows whose logits a CPU computes at once: few enough for its cache."""
_TPU_OPTIONS = {
    "xla_tpu_scoped_vmem_limit_kib": "65536",
    "xla_enable_async_all_gather": "true",
    "xla_tpu_enable_async_collective_fusion_fuse_all_gather": "true",
}
"""Options of the TPU compiler: the room in the units' own memory that a step may use, which is four times as much as by
default, and to gather weights while it computes something else."""


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True, kw_only=True)
class TokenScores:
    """The scores of tokens: fields are [..., S], ranks and ids are int32, the others float32."""

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
    logits: dict[str, Array] = dataclasses.field(default_factory=dict)
    """The logits that are kept, [..., R, N] each, by the names of `KeptLogits.arrays`; empty if none are."""


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


class BatchScorer(Protocol):
    """Computes the scores of a batch, and returns them before they are ready."""

    def __call__(self, token_ids: np.ndarray, scored: np.ndarray | None = None) -> TokenScores:
        """The scores of B windows; the arguments are the arrays of a `ModelInput`."""
        ...


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
    is_padded: bool = False,
    kept: KeptLogits | None = None,
) -> Scorer:
    """A compiled function from parameters and model input [B, T] to the scores of its last `scored_tokens` ids.

    If windows are padded, a third argument, int32 [B, 2], says for each where its scored ids begin and how many there
    are, at most `scored_tokens`; scores behind them are 0. A decoder looks back only, so ids behind the last scored one
    change nothing before it.

    The last id is scored and never fed; the head runs only on the positions that predict a scored id, or on all those
    whose logits are `kept`. B is a multiple of the sharding's window shards. The arithmetic has the precision of the
    parameters' dtype, and full precision for float32, whatever JAX's default: a GPU's is TF32, with 10 bits of
    mantissa.
    """
    head_windows = HEAD_WINDOWS_CPU if sharding.platform == "cpu" else HEAD_WINDOWS
    head_names = decoder.list_head(config)
    wanted = ScoredTokens(
        scored_tokens=scored_tokens, temperature=temperature, top_k=top_k, is_padded=is_padded, kept=kept
    )

    @functools.partial(jax.jit, compiler_options=_compiler_options(sharding))
    @functools.partial(
        jax.shard_map,
        mesh=sharding.devices,
        in_specs=(jax.tree.map(sharding.make_data_spec, parameters), P(DATA), *[P(DATA)] * is_padded),
        out_specs=P(DATA),
        axis_names={DATA, MODEL} if sharding.mesh.model == 1 else {DATA},  # kernels need all axes
        check_vma=False,  # so that families need not mark constants that are the same on all devices
    )
    def score(params: decoder.Params, token_ids: Array, *scored: Array) -> TokenScores:
        fed = token_ids[:, :-1]
        first, targets, is_scored = find_scored(wanted, token_ids, *scored)
        with jax.default_matmul_precision("highest" if params["embed"].dtype == jnp.float32 else "default"):
            hidden = decoder.compute_hidden_states(
                params,
                config,
                fed,
                first=first,
                look_up=functools.partial(sharding.look_up, parameters["embed"]),
                gather=lambda weights: sharding.gather({name: parameters[LAYERS][name] for name in weights}, weights),
                kernel=_find_attention_kernel(config, sharding, *fed.shape),
            )
            head = {name: sharding.gather(parameters[name], params[name]) for name in head_names}
            scores = score_states(head, config, wanted, hidden, targets, head_windows)
            if is_scored is None:
                return scores
            return jax.tree.map(lambda values: jnp.where(is_scored, values, 0), scores)

    return score


def _find_attention_kernel(config: DecoderConfig, sharding: Sharding, windows: int, tokens: int) -> MixRows | None:
    """The kernel that computes the attention of so many windows on a device; None where XLA does."""
    is_whole = sharding.platform == "tpu" and sharding.mesh.model == 1
    if not is_whole or not has_attention_kernel(config, windows, tokens):
        return None
    from byheart.components.extract.kernels.attention import attend_rows  # a fifth of a second, on TPUs alone

    return attend_rows


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


def _compiler_options(sharding: Sharding) -> dict[str, str] | None:
    return _TPU_OPTIONS if sharding.platform == "tpu" else None


def score_states(
    head: decoder.Params, config: DecoderConfig, wanted: ScoredTokens, hidden: Array, targets: Array, windows: int
) -> TokenScores:
    """The scores of `targets` [B, S] after the states `hidden` [B, R, D], and the logits of all R that are kept.

    Args:
        head: the head's parameters.
        windows: windows whose logits are computed at once.
    """
    kept = wanted.kept

    def score_window(window: tuple[Array, Array]) -> TokenScores:
        hidden, targets = window
        logits = decoder.compute_logits(head, config, hidden)
        scored = logits[len(logits) - len(targets) :]
        scores = score_tokens(scored, targets, temperature=wanted.temperature, top_k=wanted.top_k)
        return dataclasses.replace(scores, logits=choose_kept(logits, kept)) if kept else scores

    return jax.lax.map(score_window, (hidden, targets), batch_size=windows)


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


def choose_kept(logits: Array, kept: KeptLogits) -> dict[str, Array]:
    """The arrays [R, N] of float32 `logits` [R, V] that are kept, by name, in the type in which they are kept."""
    dtype = jnp.dtype(kept.dtype)
    with jax.named_scope("kept"):
        if not kept.has_ids:
            return {"logits": logits.astype(dtype)}
        values, ids = find_largest(logits, kept.values)
        return {"values": values.astype(dtype), "ids": ids}


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
