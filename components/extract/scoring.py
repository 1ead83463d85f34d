"""The compiled function that scores a batch: the decoder, then its head on the positions that predict a scored id."""

import functools
from collections.abc import Callable
from typing import Protocol

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.sharding import PartitionSpec as P
from jax.typing import DTypeLike

from byheart.components.extract import decoder, gpu
from byheart.components.extract.attention import MixRows
from byheart.components.extract.head import ScoredTokens, find_scored, score_blocks, score_states
from byheart.components.extract.largest import find_kth_largest, find_kth_largest_by_sorting
from byheart.components.extract.sharding import Sharding
from byheart.components.extract.token_scores import TokenScores
from byheart.contracts.logits import KeptLogits
from byheart.machines.gpus import GPU_HEAD_WINDOWS
from byheart.machines.kernels import has_attention_kernel, has_statistics_kernel
from byheart.machines.mesh import DATA, MODEL
from byheart.machines.workload import HEAD_WINDOWS
from byheart.models.axes import LAYERS
from byheart.models.decoder_config import DecoderConfig
from byheart.models.parameters import Parameters

HEAD_WINDOWS_CPU = 4
"""Windows whose logits a CPU computes at once: few enough for its cache."""
_HEAD_WINDOWS = {"cpu": HEAD_WINDOWS_CPU, "gpu": GPU_HEAD_WINDOWS}
_TPU_OPTIONS = {
    "xla_tpu_scoped_vmem_limit_kib": "65536",
    "xla_enable_async_all_gather": "true",
    "xla_tpu_enable_async_collective_fusion_fuse_all_gather": "true",
}
"""Options of the TPU compiler: the room in the units' own memory that a step may use, which is four times as much as by
default, and to gather weights while it computes something else."""


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
    is_plain: bool = False,
    arithmetic: DTypeLike | None = None,
) -> Scorer:
    """A compiled function from parameters and model input [B, T] to the scores of its last `scored_tokens` ids.

    If windows are padded, a third argument, int32 [B, 2], says for each where its scored ids begin and how many there
    are, at most `scored_tokens`; scores behind them are 0. A decoder looks back only, so ids behind the last scored one
    change nothing before it.

    The last id is scored and never fed; the head runs only on the positions that predict a scored id, or on all those
    whose logits are `kept`. B is a multiple of the sharding's window shards. The arithmetic is in `arithmetic`, by
    default in the parameters' dtype, and has full precision for float32, whatever JAX's default: a GPU's is TF32, with
    10 bits of mantissa. Parameters of another dtype are converted a layer at a time.

    Args:
        is_plain: whether to leave out what a device has a form of its own for.
    """
    on_gpu = sharding.platform == "gpu" and not is_plain
    head_windows = _HEAD_WINDOWS.get(sharding.platform, HEAD_WINDOWS)
    head_names = decoder.list_head(config)
    wanted = ScoredTokens(
        scored_tokens=scored_tokens, temperature=temperature, top_k=top_k, is_padded=is_padded, kept=kept
    )
    convert = decoder.make_converter(arithmetic)

    @functools.partial(jax.jit, compiler_options=gpu.OPTIONS if on_gpu else _compiler_options(sharding))
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
        dtype = params["embed"].dtype if arithmetic is None else arithmetic
        with jax.default_matmul_precision("highest" if dtype == jnp.float32 else "default"):
            hidden = decoder.compute_hidden_states(
                params,
                config,
                fed,
                first=first,
                look_up=functools.partial(sharding.look_up, parameters["embed"]),
                gather=lambda weights: sharding.gather({name: parameters[LAYERS][name] for name in weights}, weights),
                kernel=None if is_plain else _find_attention_kernel(config, sharding, dtype, *fed.shape),
                dtype=arithmetic,
            )
            head = {name: convert(sharding.gather(parameters[name], params[name])) for name in head_names}

            score_rows = None if is_plain else _find_statistics_kernel(config, sharding, len(fed), kept)
            if score_rows:
                compute_logits = functools.partial(decoder.compute_logits, head, config)
                score_rows = functools.partial(score_rows, temperature=temperature, top_k=top_k)
                scores = score_blocks(compute_logits, score_rows, hidden, targets)
            else:
                find_kth = find_kth_largest_by_sorting if on_gpu else find_kth_largest
                scores = score_states(head, config, wanted, hidden, targets, head_windows, find_kth)
            if is_scored is None:
                return scores
            return jax.tree.map(lambda values: jnp.where(is_scored, values, 0), scores)

    return score


def _find_attention_kernel(
    config: DecoderConfig, sharding: Sharding, dtype: DTypeLike, windows: int, tokens: int
) -> MixRows | None:
    """The kernel that computes the attention of so many windows on a device; None where XLA does."""
    if sharding.platform == "gpu" and sharding.mesh.model == 1:
        return gpu.find_fused_attention(config, tokens, dtype)
    if not sharding.has_kernels or not has_attention_kernel(config, windows, tokens):
        return None
    from byheart.components.extract.kernels.attention import attend_rows  # a fifth of a second, on TPUs alone

    return attend_rows


def _find_statistics_kernel(
    config: DecoderConfig, sharding: Sharding, windows: int, kept: KeptLogits | None
) -> Callable[..., TokenScores] | None:
    """The kernel that scores so many windows on a device from their logits; None where XLA does."""
    if kept or not sharding.has_kernels or not has_statistics_kernel(config, windows):
        return None
    from byheart.components.extract.kernels.statistics import score_rows  # as above

    return score_rows


def _compiler_options(sharding: Sharding) -> dict[str, str] | None:
    return _TPU_OPTIONS if sharding.platform == "tpu" else None
