"""Plans for scoring books under a model on an accelerator: layout, memory, speed and duration."""

import dataclasses
import math

from byheart.contracts.errors import ModelError, SettingsError
from byheart.contracts.logits import KeptLogits, describe_logits
from byheart.contracts.setting_groups import AUTO, LayoutSettings
from byheart.contracts.settings import Settings
from byheart.contracts.windows import Tokenization
from byheart.machines.accelerators import Accelerator
from byheart.machines.layout import Layout, choose_layout
from byheart.machines.memory import Memory, estimate_memory
from byheart.machines.speed import Duration, Speed, estimate_duration, estimate_speed
from byheart.machines.workload import FLOAT32, Workload, describe_workload
from byheart.models.decoder_config import DecoderConfig
from byheart.models.families.family import Family

_BATCH_SECONDS = 10.0
"""The longest that a batch of automatic size may take: a kill loses the batch that is being computed."""

AUTOMATIC = LayoutSettings(batch_size=0, shards=1, num_devices=0, mesh_shape=AUTO)
"""Settings that leave the whole layout to the plan."""

RESCORED_SHARE = 0.1
"""The share of windows near thresholds of which plans say what they cost; how many there are, only scores can say."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Books:
    """How much there is to score."""

    number: int
    """How many books; 0 where none is named."""
    characters: int
    windows: int
    """One for each cursor: a run has a few less."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Subject:
    """The model, the books and the settings that a plan is made for, on any accelerator."""

    name: str
    """The model's name."""
    model_type: str
    family: Family
    decoder: DecoderConfig
    settings: Settings
    books: Books
    published_bytes: int = 0
    """Bytes of the model's weights as they were published; 0 where that is not known, and taken as 2 a parameter."""
    tokenization: Tokenization | None = None
    """How the books were tokenized; None before they are, so that windows of characters have as many tokens as
    `WindowSettings` assumes."""

    @property
    def has_bos(self) -> bool:
        """Whether a BOS is fed before each window."""
        return self.family.takes_bos(self.settings.window.bos)

    @property
    def scored_tokens(self) -> int:
        """The suffix tokens that are scored in each window, with those that pad a shorter one."""
        if self.tokenization:
            return self.tokenization.scored_tokens
        return self.settings.window.count_scored_tokens(has_bos=self.has_bos)

    @property
    def positions(self) -> int:
        """The tokens that are fed for a window."""
        if self.tokenization:
            return self.tokenization.count_positions(self.settings.window.prompt_tokens)
        return self.settings.window.count_positions(has_bos=self.has_bos)

    def resolve_precision(self, accelerator: Accelerator) -> str:
        """The precision on an accelerator: `auto` becomes float32 on a CPU and bfloat16 elsewhere."""
        precision = self.settings.score.precision
        return precision if precision != AUTO else "bfloat16" if accelerator.generation.resource else FLOAT32

    def rescores(self, accelerator: Accelerator) -> bool:
        """Whether windows near thresholds are scored again in float32: with `auto`, where that is another precision."""
        return self.settings.score.precision == AUTO and self.resolve_precision(accelerator) != FLOAT32

    def describe_workload(self, accelerator: Accelerator) -> Workload:
        """The work of scoring a window on an accelerator, at the precision that it gets there."""
        return describe_workload(
            self.family,
            self.decoder,
            precision=self.resolve_precision(accelerator),
            positions=self.positions,
            scored_tokens=self.scored_tokens,
            is_padded=self.settings.window.suffix_characters > 0,
            kept=self.describe_logits(),
            head_windows=accelerator.generation.head_windows,
            copies_weights=accelerator.generation.copies_weights,
        )

    def describe_logits(self) -> KeptLogits | None:
        """The logits that are kept of each window; None if none are.

        Raises:
            SettingsError: `topN` asks for more values than there are.
        """
        return describe_logits(
            self.settings.logits,
            scored_tokens=self.scored_tokens,
            positions=self.positions,
            vocabulary=self.decoder.vocab,
        )


@dataclasses.dataclass(frozen=True, kw_only=True)
class Planned:
    """A plan on an accelerator that holds the model."""

    accelerator: Accelerator
    workload: Workload
    layout: Layout
    memory: Memory
    speed: Speed
    duration: Duration


@dataclasses.dataclass(frozen=True, kw_only=True)
class Refusal:
    """The reason why an accelerator does not hold the model."""

    accelerator: Accelerator
    workload: Workload
    why: str


def plan_on(accelerator: Accelerator, subject: Subject, settings: LayoutSettings = AUTOMATIC) -> Planned | Refusal:
    """Plan the model on one accelerator, or say why it does not fit.

    Raises:
        SettingsError: the accelerator cannot have the devices, the mesh or the batch that `settings` ask for.
    """
    workload = subject.describe_workload(accelerator)
    try:
        layout, speed = lay_out(accelerator, workload, subject.settings.score.top_k, settings)
    except ModelError as error:
        return Refusal(accelerator=accelerator, workload=workload, why=str(error))
    return Planned(
        accelerator=accelerator,
        workload=workload,
        layout=layout,
        memory=estimate_memory(workload, layout, layout.batch_size),
        speed=speed,
        duration=estimate_duration(workload, speed, subject.books.windows, accelerator),
    )


def plan_rescoring(planned: Planned, subject: Subject) -> Planned | None:
    """The plan of scoring windows again in float32, from weights as published, where they were scored first.

    Its duration is of all windows of `subject`, and compiles anew; weights that were published in the precision of the
    first scores are loaded already, if they lie as they did. None where the model does not fit so.
    """
    accelerator = planned.accelerator
    workload = dataclasses.replace(
        planned.workload,
        precision=FLOAT32,
        kept=None,
        published_bytes=subject.published_bytes or 2 * planned.workload.parameters,
    )
    settings = subject.settings.layout
    try:
        layout, speed = lay_out(
            accelerator, workload, subject.settings.score.top_k, dataclasses.replace(settings, batch_size=0)
        )
    except ModelError:
        return None
    duration = estimate_duration(workload, speed, subject.books.windows, accelerator)
    if layout.is_same_mesh(planned.layout) and workload.weight_bytes == planned.workload.weight_bytes:
        duration = dataclasses.replace(duration, load=0.0)
    return Planned(
        accelerator=accelerator,
        workload=workload,
        layout=layout,
        memory=estimate_memory(workload, layout, layout.batch_size),
        speed=speed,
        duration=duration,
    )


def lay_out(
    accelerator: Accelerator, workload: Workload, top_k: int, settings: LayoutSettings = AUTOMATIC
) -> tuple[Layout, Speed]:
    """The layout of a model on an accelerator, and its speed there.

    Raises:
        ModelError: the model does not fit.
        SettingsError: the accelerator cannot have the devices, the mesh or the batch that `settings` ask for.
    """
    layout = choose_layout(
        workload,
        _count_devices(accelerator, settings),
        accelerator.device_bytes,
        accelerator.generation.windows_per_device,
        settings.mesh_shape,
        settings.batch_size,
        accelerator.generation,
    )
    speed = estimate_speed(workload, layout, accelerator, top_k)
    while not settings.batch_size and speed.batch > _BATCH_SECONDS and layout.windows_per_device > 1:
        layout = dataclasses.replace(layout, batch_size=layout.windows_per_device // 2 * layout.window_shards)
        speed = estimate_speed(workload, layout, accelerator, top_k)
    return layout, speed


def _count_devices(accelerator: Accelerator, settings: LayoutSettings) -> int:
    """How many of the accelerator's devices are used; a CPU has as many devices as the settings ask for.

    Raises:
        SettingsError: `num_devices` is more than the accelerator has.
    """
    if not accelerator.generation.resource:
        mesh = (1,) if settings.mesh_shape == AUTO else map(int, settings.mesh_shape.split("x"))
        return settings.num_devices or math.prod(mesh)
    if settings.num_devices > accelerator.devices:
        raise SettingsError(
            f"num_devices must be at most the {accelerator.devices} of {accelerator.name}, found "
            f"{settings.num_devices}: lower it, or leave it at 0",
            parameter="num_devices",
        )
    return settings.num_devices or accelerator.devices
