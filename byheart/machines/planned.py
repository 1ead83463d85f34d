"""A model and books on an accelerator: the plan itself, before it is a page."""

import dataclasses
import math

from byheart.contracts.errors import ModelError, SettingsError
from byheart.contracts.settings import AUTO, LayoutSettings, Settings
from byheart.machines.accelerators import Accelerator
from byheart.machines.layout import Layout, choose_layout
from byheart.machines.memory import Memory, memory_of
from byheart.machines.speed import Duration, Speed, duration_of, speed_of
from byheart.machines.workload import Workload, workload_of
from byheart.models.decoder_config import DecoderConfig
from byheart.models.families.family import Family

_BATCH_SECONDS = 10.0
"""What a batch whose size is not asked for may take: a kill loses the batch at hand."""

AUTOMATIC = LayoutSettings(batch_size=0, shards=1, num_devices=0, mesh_shape=AUTO)
"""All of it left to the plan."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Books:
    """What is to be scored."""

    number: int
    """0 where none is named."""
    characters: int
    windows: int
    """A window for each cursor: a run has a few less."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Subject:
    """What a plan is about, whatever the accelerator."""

    name: str
    """Of the model."""
    model_type: str
    family: Family
    decoder: DecoderConfig
    settings: Settings
    books: Books

    @property
    def has_bos(self) -> bool:
        """Whether a BOS is fed before each window."""
        bos = self.settings.window.bos
        return bos == "true" or (bos == "auto" and self.family.needs_bos)

    def precision(self, accelerator: Accelerator) -> str:
        """The arithmetic there: `auto` is bfloat16 but on a CPU."""
        asked = self.settings.score.precision
        return asked if asked != AUTO else "bfloat16" if accelerator.generation.resource else "float32"

    def workload(self, accelerator: Accelerator) -> Workload:
        """What is asked of the model there."""
        window = self.settings.window
        return workload_of(
            self.family,
            self.decoder,
            precision=self.precision(accelerator),
            positions=window.positions(has_bos=self.has_bos),
            scored_tokens=window.scored_tokens(has_bos=self.has_bos),
        )


@dataclasses.dataclass(frozen=True, kw_only=True)
class Planned:
    """The model on an accelerator that holds it."""

    accelerator: Accelerator
    workload: Workload
    layout: Layout
    memory: Memory
    speed: Speed
    duration: Duration


@dataclasses.dataclass(frozen=True, kw_only=True)
class Refusal:
    """The model on an accelerator that does not."""

    accelerator: Accelerator
    workload: Workload
    why: str


def plan_on(accelerator: Accelerator, subject: Subject, layout: LayoutSettings = AUTOMATIC) -> Planned | Refusal:
    """What becomes of the model on that accelerator.

    Raises:
        SettingsError: the devices, the mesh or the batch cannot be had there.
    """
    workload = subject.workload(accelerator)
    try:
        chosen, speed = lay_out(accelerator, workload, subject.settings.score.top_k, layout)
    except ModelError as error:
        return Refusal(accelerator=accelerator, workload=workload, why=str(error))
    return Planned(
        accelerator=accelerator,
        workload=workload,
        layout=chosen,
        memory=memory_of(workload, chosen, chosen.batch_size),
        speed=speed,
        duration=duration_of(workload, speed, subject.books.windows),
    )


def lay_out(
    accelerator: Accelerator, workload: Workload, top_k: int, layout: LayoutSettings = AUTOMATIC
) -> tuple[Layout, Speed]:
    """The layout of a model on that accelerator, and how fast it is.

    Raises:
        ModelError: the model does not fit.
        SettingsError: the devices, the mesh or the batch cannot be had there.
    """
    chosen = choose_layout(
        workload,
        _devices(accelerator, layout),
        accelerator.device_bytes,
        accelerator.generation.windows_per_device,
        layout.mesh_shape,
        layout.batch_size,
    )
    speed = speed_of(workload, chosen, accelerator, top_k)
    while not layout.batch_size and speed.batch > _BATCH_SECONDS and chosen.windows_per_device > 1:
        chosen = dataclasses.replace(chosen, batch_size=chosen.windows_per_device // 2 * chosen.window_shards)
        speed = speed_of(workload, chosen, accelerator, top_k)
    return chosen, speed


def _devices(accelerator: Accelerator, layout: LayoutSettings) -> int:
    """How many of the accelerator's devices are used; a CPU is as many as JAX is told that it is."""
    if not accelerator.generation.resource:
        along = (1,) if layout.mesh_shape == AUTO else map(int, layout.mesh_shape.split("x"))
        return layout.num_devices or math.prod(along)
    if layout.num_devices > accelerator.devices:
        raise SettingsError(
            f"num_devices must be at most the {accelerator.devices} of {accelerator.name}, found "
            f"{layout.num_devices}: lower it, or leave it at 0",
            parameter="num_devices",
        )
    return layout.num_devices or accelerator.devices
