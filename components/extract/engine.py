"""The model on its devices: the layout, the loading of weights, and the compiled function that scores."""

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from byheart.components.extract import checkpoint
from byheart.components.extract.cpu.scorer import make_batch_scorer
from byheart.components.extract.not_finite import explain_not_finite
from byheart.components.extract.scoring import BatchScorer, ScoredTokens, TokenScores, make_scorer
from byheart.components.extract.sharding import Sharding, make_sharding
from byheart.contracts.errors import ModelError
from byheart.contracts.logits import KeptLogits
from byheart.contracts.progress import Progress, format_size, say
from byheart.contracts.setting_groups import ScoreSettings
from byheart.contracts.version import code_version
from byheart.machines.accelerators import find_generation
from byheart.machines.cores import find_cores
from byheart.machines.layout import Layout
from byheart.machines.workload import Workload, describe_workload
from byheart.models.folder import ModelFolder

_SHOW_PROGRESS = 10**9
"""Elements from which on loading takes long enough to show its progress."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Machine:
    """The devices of a run."""

    devices: list[jax.Device]

    @property
    def kind(self) -> str:
        """JAX's name for the kind of device."""
        return self.devices[0].device_kind

    @property
    def is_cpu(self) -> bool:
        """Whether the devices are CPUs."""
        return self.devices[0].platform == "cpu"

    def compute_peak_flops(self) -> float | None:
        """The peak of all devices together in bfloat16, in operations a second; None where it is not known."""
        generation = find_generation(self.kind)
        if self.is_cpu or generation is None:
            return None
        return generation.peak_flops / generation.devices_per_chip * len(self.devices)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Engine:
    """A model, its layout on devices and its settings, from which a scoring function can be loaded."""

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
        is_padded: bool = False,
        kept: KeptLogits | None = None,
    ) -> "Engine":
        """The engine; no weight is loaded yet.

        Args:
            machine: as many devices as the layout has.
            positions: tokens that are fed for a window.
            scored_tokens: suffix tokens that are scored.
            is_padded: whether windows may have fewer tokens than these, so that each says which are scored.
            kept: the logits that are kept of each window.
        """
        workload = describe_workload(
            model.family,
            model.decoder,
            precision=score.precision,
            positions=positions,
            scored_tokens=scored_tokens,
            is_padded=is_padded,
            kept=kept,
        )
        return cls(
            model=model,
            machine=machine,
            layout=layout,
            sharding=make_sharding(machine.devices, layout),
            score_settings=score,
            workload=workload,
        )

    def describe_computation(self) -> dict[str, Any]:
        """The device, the layout and the versions that compute scores, as a part of scores records them."""
        return {
            "device": self.machine.kind,
            "devices": len(self.machine.devices),
            "layout": f"{self.layout.data}x{self.layout.model}, {self.layout.description}",
            "precision": self.score_settings.precision,
            "batch_size": self.layout.batch_size,
            "jax": jax.__version__,
            "code": code_version(),
        }

    def load(self) -> BatchScorer:
        """A function from a batch of model input to its scores, which it returns before they are ready.

        B is the layout's batch size, and T all tokens that a window may have. The function's first call compiles.

        Raises:
            ModelError: a file is damaged.
        """
        total = self.workload.parameters
        precision, batch = self.score_settings.precision, self.layout.batch_size
        say(
            f"loading {format_size(self.workload.weight_bytes)} of weights in {precision} on "
            f"{len(self.machine.devices)} {self.machine.kind}: {self.layout.description}, batches of {batch:,}"
        )
        progress = Progress(total, "parameters")
        report = progress.add if total > _SHOW_PROGRESS else (lambda _: None)
        params = checkpoint.load(self.model, jnp.dtype(precision), self.sharding, report)
        wanted = ScoredTokens(
            scored_tokens=self.workload.scored_tokens,
            temperature=self.score_settings.temperature,
            top_k=self.score_settings.top_k,
            is_padded=self.workload.is_padded,
            kept=self.workload.kept,
        )
        if self.machine.is_cpu and self.layout.devices == 1:
            return make_batch_scorer(params, self.model.decoder, wanted, find_cores().count)
        score = make_scorer(self.model.decoder, self.model.describe_parameters(), self.sharding, **vars(wanted))

        def score_batch(token_ids: np.ndarray, scored: np.ndarray | None = None) -> TokenScores:
            arrays = [token_ids] if scored is None else [token_ids, scored]
            return score(params, *jax.device_put(arrays, self.sharding.windows))

        return score_batch

    def explain_not_finite(self) -> ModelError:
        """The error of scores that are not finite."""
        return explain_not_finite(self.model, self.score_settings.precision)

    def describe_utilisation(self, windows_per_second: float) -> str:
        """The model FLOPs utilisation as `, MFU 25%`; empty where the peak is not known."""
        peak = self.machine.compute_peak_flops()
        return f", MFU {windows_per_second * self.workload.flops_per_window / peak:.0%}" if peak else ""
