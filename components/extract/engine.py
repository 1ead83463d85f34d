"""The model on the devices, ready to score: how it is laid on them, its weights, and the compiled function."""

import dataclasses
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from byheart.components.extract import checkpoint
from byheart.components.extract.scoring import TokenScores, scorer
from byheart.components.extract.sharding import Sharding, make_sharding
from byheart.contracts.progress import Progress, say, size
from byheart.contracts.settings import ScoreSettings
from byheart.contracts.version import code_version
from byheart.machines.accelerators import find_generation
from byheart.machines.layout import Layout
from byheart.machines.workload import Workload, describe_workload
from byheart.models.folder import ModelFolder

_MANY = 10**9
"""Elements whose loading takes long enough to say how far it is."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Machine:
    """The devices of a run."""

    devices: list[jax.Device]

    @property
    def kind(self) -> str:
        """What JAX calls a device."""
        return self.devices[0].device_kind

    @property
    def is_cpu(self) -> bool:
        """Whether the devices are no accelerators."""
        return self.devices[0].platform == "cpu"

    def peak_flops(self) -> float | None:
        """Of all devices together, in bfloat16; None where it is not known."""
        generation = find_generation(self.kind)
        if self.is_cpu or generation is None:
            return None
        return generation.peak_flops / generation.devices_per_chip * len(self.devices)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Engine:
    """A model that can be scored with, laid out, before and after its weights are loaded."""

    model: ModelFolder
    machine: Machine
    layout: Layout
    sharding: Sharding
    score_settings: ScoreSettings
    """Precision is resolved: never `auto`."""
    workload: Workload

    @classmethod
    def lay_out(
        cls,
        model: ModelFolder,
        machine: Machine,
        score: ScoreSettings,
        layout: Layout,
        *,
        positions: int,
        scored_tokens: int,
    ) -> "Engine":
        """The engine, before anything is loaded.

        Args:
            machine: as many devices as the layout has.
            positions: tokens of a window that are fed.
        """
        workload = describe_workload(
            model.family,
            model.decoder,
            precision=score.precision,
            positions=positions,
            scored_tokens=scored_tokens,
        )
        return cls(
            model=model,
            machine=machine,
            layout=layout,
            sharding=make_sharding(machine.devices, layout),
            score_settings=score,
            workload=workload,
        )

    def computed_on(self) -> dict[str, Any]:
        """What a part says of how it was computed."""
        return {
            "device": self.machine.kind,
            "devices": len(self.machine.devices),
            "layout": f"{self.layout.data}x{self.layout.model}, {self.layout.description}",
            "precision": self.score_settings.precision,
            "batch_size": self.layout.batch_size,
            "jax": jax.__version__,
            "code": code_version(),
        }

    def load(self) -> Callable[[np.ndarray], TokenScores]:
        """A function from a batch of model input, int32 [B, T], to its scores, which may still be on their way.

        B is the layout's batch size. The first call compiles.

        Raises:
            ModelError: a file is damaged.
        """
        total = self.workload.parameters
        precision, batch = self.score_settings.precision, self.layout.batch_size
        say(
            f"loading {size(self.workload.weight_bytes)} of weights in {precision} on {len(self.machine.devices)} "
            f"{self.machine.kind}: {self.layout.description}, batches of {batch:,}"
        )
        progress = Progress(total, "parameters")
        report = progress.add if total > _MANY else (lambda _: None)
        params = checkpoint.load(self.model, jnp.dtype(precision), self.sharding, report)
        score = scorer(
            self.model.decoder,
            self.model.describe_parameters(),
            self.sharding,
            scored_tokens=self.workload.scored_tokens,
            temperature=self.score_settings.temperature,
            top_k=self.score_settings.top_k,
        )
        return lambda token_ids: score(params, jax.device_put(token_ids, self.sharding.windows))

    def share_of_peak(self, windows_per_second: float) -> str:
        """Model FLOPs utilisation, in words; empty where the peak is not known."""
        peak = self.machine.peak_flops()
        return f", MFU {windows_per_second * self.workload.flops_per_window / peak:.0%}" if peak else ""
