"""A model and books on an accelerator: the plan itself, before it is a page."""

import dataclasses

from components.contracts.errors import ModelError
from components.contracts.settings import Settings
from components.models.accelerators import Accelerator
from components.models.decoder_config import DecoderConfig
from components.models.families import Family
from components.models.layout import AUTO, Layout, choose_layout
from components.models.memory import Memory, memory_of
from components.models.parameters import parameters
from components.models.speed import Duration, Speed, duration_of, speed_of
from components.models.workload import Workload


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

    def workload(self, accelerator: Accelerator) -> Workload:
        """What is asked of the model there: `precision=auto` is bfloat16 but on a CPU."""
        window, precision = self.settings.window, self.settings.score.precision
        if precision == "auto":
            precision = "float32" if accelerator.generation.name == "cpu" else "bfloat16"
        scored = window.scored_tokens(has_bos=self.has_bos)
        model, layer = parameters(self.decoder, self.family.sources)
        return Workload(
            decoder=self.decoder,
            model=model,
            layer=layer,
            precision=precision,
            positions=self.has_bos + window.prompt_tokens + scored - 1,
            scored_tokens=scored,
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


def plan_on(
    accelerator: Accelerator, subject: Subject, *, mesh_shape: str = AUTO, batch_size: int = 0
) -> Planned | Refusal:
    """What becomes of the model on that accelerator.

    Raises:
        SettingsError: the mesh or the batch cannot be had there.
    """
    workload = subject.workload(accelerator)
    try:
        layout = choose_layout(
            workload,
            accelerator.devices,
            accelerator.device_bytes,
            accelerator.generation.windows_per_device,
            mesh_shape,
            batch_size,
        )
    except ModelError as error:
        return Refusal(accelerator=accelerator, workload=workload, why=str(error))
    speed = speed_of(workload, layout, accelerator, subject.settings.score.top_k)
    return Planned(
        accelerator=accelerator,
        workload=workload,
        layout=layout,
        memory=memory_of(workload, layout, layout.batch_size),
        speed=speed,
        duration=duration_of(workload, speed, subject.books.windows),
    )
