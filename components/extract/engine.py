"""The model on its devices: the layout, the loading of weights, and the compiled function that scores."""

import dataclasses
import time
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from byheart.components.extract import checkpoint
from byheart.components.extract.batch_program import BatchProgram, Loaded
from byheart.components.extract.compilation import Compilation
from byheart.components.extract.decoder import Params
from byheart.components.extract.not_finite import explain_not_finite
from byheart.components.extract.sharding import Sharding, make_sharding
from byheart.contracts.errors import ModelError
from byheart.contracts.logits import KeptLogits
from byheart.contracts.plan import PlannedDevices
from byheart.contracts.progress import Progress, format_duration, format_size, say
from byheart.contracts.setting_groups import ScoreSettings
from byheart.contracts.version import code_version
from byheart.machines.accelerators import find_generation
from byheart.machines.layout import Layout
from byheart.machines.workload import Workload, describe_workload
from byheart.models.folder import ModelFolder
from byheart.models.parameters import leaves
from byheart.models.published import count_published_bytes, find_published

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
    """With the bytes of weights as they were published, they are so held, and converted a layer at a time."""

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
        as_published: bool = False,
    ) -> "Engine":
        """The engine; no weight is loaded yet.

        Args:
            machine: as many devices as the layout has.
            positions: tokens that are fed for a window.
            scored_tokens: suffix tokens that are scored.
            is_padded: whether windows may have fewer tokens than these, so that each says which are scored.
            kept: the logits that are kept of each window.
            as_published: hold weights in the precision in which they were published, which for most models takes half
                the memory of float32, and convert those of a layer when they are used.
        """
        workload = describe_workload(
            model.family,
            model.decoder,
            precision=score.precision,
            positions=positions,
            scored_tokens=scored_tokens,
            is_padded=is_padded,
            kept=kept,
            published_bytes=count_published_bytes(model) if as_published else None,
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

    def load(self, weights: Params | None = None) -> Loaded:
        """The weights on their devices, and the function that scores with them, which is compiled meanwhile.

        Whichever of the two fails first ends both.

        Args:
            weights: those that are on the devices already; None loads them.

        Raises:
            ModelError: a file is damaged.
        """
        started = time.monotonic()
        program = self._make_program()
        compilation = Compilation(program.compile)
        if weights is None:
            weights = self._load_weights(compilation.check)
        loaded = time.monotonic()
        compiled = compilation.wait()
        load_seconds, compile_seconds, seconds = loaded - started, compilation.seconds, time.monotonic() - started
        say(
            f"loaded in {format_duration(load_seconds)}, compiled in {format_duration(compile_seconds)}, "
            f"side by side in {format_duration(seconds)}",
            load_seconds=round(load_seconds, 3),
            compile_seconds=round(compile_seconds, 3),
        )
        return program.join(compiled, weights)

    def _load_weights(self, check: Callable[[], None]) -> Params:
        """The weights on their devices; `check` is called between pieces."""
        total = self.workload.parameters
        say(
            f"loading {format_size(self.workload.weight_bytes)} of weights {self._describe_weights()} on "
            f"{len(self.machine.devices)} {self.machine.kind}: {self.layout.description}, batches of "
            f"{self.layout.batch_size:,}"
        )
        progress = Progress(total, "parameters")

        def report(elements: int) -> None:
            check()
            if total > _SHOW_PROGRESS:
                progress.add(elements)

        return checkpoint.load(self.model, self._held, self.sharding, report)

    def _describe_weights(self) -> str:
        precision = self.score_settings.precision
        return f"in {precision}" if self._held else f"as published, for {precision},"

    @property
    def _held(self) -> np.dtype | None:
        """The dtype of weights on devices; None is each as it was published."""
        return None if self.workload.is_converted else jnp.dtype(self.score_settings.precision)

    def _make_program(self) -> BatchProgram:
        return BatchProgram(
            workload=self.workload,
            parameters=self.model.describe_parameters(),
            sharding=self.sharding,
            batch_size=self.layout.batch_size,
            temperature=self.score_settings.temperature,
            top_k=self.score_settings.top_k,
            weights=checkpoint.describe(self.model, self._held, self.sharding),
        )

    def lends_weights(self, layout: Layout) -> bool:
        """Whether its weights are as published, and lie as in another layout, so that they need not be loaded anew."""
        tensors = self.model.read_tensor_headers()
        return (
            self.layout.is_same_mesh(layout)
            and not self._make_program().is_on_cores
            and all(
                parameter.is_float32 or find_published(self.model, parameter, tensors) == self.score_settings.precision
                for parameter in leaves(self.workload.weights)
            )
        )

    def explain_not_finite(self) -> ModelError:
        """The error of scores that are not finite."""
        return explain_not_finite(self.model, self.score_settings.precision)

    def describe_utilisation(self, windows_per_second: float) -> str:
        """The model FLOPs utilisation as `, MFU 25%`; empty where the peak is not known."""
        peak = self.machine.compute_peak_flops()
        return f", MFU {windows_per_second * self.workload.flops_per_window / peak:.0%}" if peak else ""


def make_layout(devices: PlannedDevices) -> Layout:
    """The layout on planned devices."""
    return Layout(data=devices.data, model=devices.model, gather=devices.gather, batch_size=devices.batch_size)
