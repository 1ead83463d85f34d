"""Scores some windows on this machine as a run would: with the engine, in the layout that a plan chooses.

For `byheart check`, which stores no scores.
"""

import dataclasses
import time
from collections.abc import Iterator

import jax
import numpy as np

from byheart.components.extract.devices import find_devices
from byheart.components.extract.engine import Engine, Machine
from byheart.components.extract.flight import score_batches
from byheart.components.extract.here import identify_accelerator
from byheart.contracts.errors import DeviceError
from byheart.contracts.model_input import ModelInput
from byheart.contracts.setting_groups import ScoreSettings
from byheart.machines.accelerators import Accelerator
from byheart.machines.gpus import claim_program_share
from byheart.machines.planned import lay_out
from byheart.machines.workload import FLOAT32, describe_workload
from byheart.models.folder import ModelFolder
from byheart.models.published import count_published_bytes
from byheart.scores.scores import Scores

_TIMED_SECONDS = 1.0
"""For a rate, windows are scored again until this time is over."""


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Trial:
    """The scores of W windows with S scored tokens each, and how fast they were computed."""

    precision: str
    token_log_probs: np.ndarray
    """float32 [W, S]"""
    log_p_z: np.ndarray
    """float64 [W]"""
    description: str
    """The layout in words."""
    batch_size: int
    windows_per_second: float
    """Loading and compilation are not counted."""


def find_own_accelerator() -> Accelerator:
    """The accelerator that JAX's default devices on this machine make up.

    Raises:
        DeviceError: they make up no known accelerator, or JAX cannot start them.
    """
    claim_program_share()
    try:
        devices = jax.devices()
    except RuntimeError as error:  # with JAX_PLATFORMS=tpu, and no TPU
        raise DeviceError(
            f"JAX must find a device, found none: {' '.join(str(error).split())}: see its setup"
        ) from None
    if accelerator := identify_accelerator(devices):
        return accelerator
    raise DeviceError(
        f"this machine must have a GPU, a CPU, or the TPUs of one host, found {len(devices)} of "
        f"{devices[0].device_kind} ({devices[0].platform}): run it on another"
    )


def score_windows(
    model: ModelFolder, token_ids: np.ndarray, accelerator: Accelerator, score: ScoreSettings, *, scored_tokens: int
) -> Trial:
    """Score windows, and time it; in float32 on TPUs and GPUs, weights are held as they were published.

    Args:
        token_ids: int32 [W, T], model input.
        score: precision is resolved, never `auto`.

    Raises:
        DeviceError: the accelerator is not there.
        ModelError: the model does not fit, a file is damaged, or a score is not finite.
    """
    positions = token_ids.shape[1] - 1
    as_published = score.precision == FLOAT32 and accelerator.flavour != "cpu"
    workload = describe_workload(
        model.family,
        model.decoder,
        precision=score.precision,
        positions=positions,
        scored_tokens=scored_tokens,
        head_windows=accelerator.generation.head_windows,
        published_bytes=count_published_bytes(model) if as_published else None,
    )
    layout, _ = lay_out(accelerator, workload, score.top_k)
    machine = Machine(devices=find_devices(accelerator)[: layout.devices])
    engine = Engine.lay_out(
        model, machine, score, layout, positions=positions, scored_tokens=scored_tokens, as_published=as_published
    )
    call = engine.load().score

    def batches() -> Iterator[tuple[None, ModelInput]]:
        for first in range(0, len(token_ids), layout.batch_size):
            yield None, ModelInput(token_ids=token_ids[first : first + layout.batch_size])

    def fly() -> Iterator[tuple[None, Scores]]:
        return score_batches(call, batches(), layout.batch_size, score.top_k, engine.explain_not_finite)

    batches_scored = [scores for _, scores in fly()]
    began, rounds = time.monotonic(), 0
    while not rounds or time.monotonic() - began < _TIMED_SECONDS:
        for _ in fly():
            pass
        rounds += 1
    seconds = time.monotonic() - began
    return Trial(
        precision=score.precision,
        token_log_probs=np.concatenate([scores.token_log_probs for scores in batches_scored]),
        log_p_z=np.concatenate([scores.log_p_z for scores in batches_scored]),
        description=layout.description,
        batch_size=layout.batch_size,
        windows_per_second=rounds * len(token_ids) / seconds,
    )
