"""Plan: what is left to score, in which layout, and on which node; a model that fits nowhere is refused here."""

import dataclasses
import math
import uuid
from collections.abc import Iterable, Mapping, Sequence

from byheart.contracts.errors import ModelError
from byheart.contracts.model import Model, read_model
from byheart.contracts.plan import Plan, PlannedDevices, asked_windows, write_plan
from byheart.contracts.progress import format_estimate, say
from byheart.contracts.settings import Settings
from byheart.contracts.windows import Selection, read_tokenization
from byheart.machines.accelerators import Accelerator
from byheart.machines.automatic import choose_accelerator
from byheart.machines.placement import PLAIN, Placement, choose_placement
from byheart.machines.planned import Books, Planned, Refusal, Subject, plan_on
from byheart.machines.speed import Duration, estimate_duration
from byheart.models.families import find_family
from byheart.models.folder import read_config
from byheart.scores.kinds import SCORES
from byheart.scores.measurements import Measurement, find_measurements
from byheart.scores.parts import Missing, asked_of, parts_of_shard
from byheart.scores.store import Reuse, ScoreStore
from byheart.store import open_store

_LONG_SECONDS = 60.0
"""Scoring that takes longer is told what a longer stride would save."""
_LONGER = 5
"""By what factor that stride is longer."""
_CHARACTERS_A_TOKEN = 2
"""Few suffixes have less: a stride of so many characters for each of their tokens leaves no gaps."""


def run(*, books: str, model: str, windows: str, settings: str, store: str, plan: str) -> tuple[list[int], Placement]:
    """Write the plan; the shards that have something to score, 1 alone where none has, and where they run.

    Args:
        books, model, windows, settings: what the stages before wrote.
        store: where the scores are kept.
        plan: the file to write.

    Raises:
        ModelError: the model does not fit the accelerator.
        SettingsError: the devices, the mesh or the batch cannot be had there.
        StoreError: the store has no room for the scores.
    """
    given, described, tokenization = Settings.read(settings), read_model(model), read_tokenization(windows)
    subject = _subject(described, given)
    accelerator = choose_accelerator(subject)
    precision = subject.resolve_precision(accelerator)
    chosen = dataclasses.replace(given, score=dataclasses.replace(given.score, precision=precision))
    measurements = list(find_measurements(books, windows, described, tokenization, chosen))
    counts = {one.address: one.windows for one in measurements}  # the same text under two names is scored once
    asked = _asked(measurements)
    numbers = asked_windows(asked)

    scores, forced, drawn = ScoreStore(open_store(store)), given.reuse.force, uuid.uuid4().hex[:12]
    parts = parts_of_shard(counts, SCORES, 1, 1)
    replaced = scores.unusable([part for part in parts if len(asked_of(part, numbers))], force=forced)
    reuse = Reuse(replaced=replaced, run=drawn if forced else "")
    scores.tidy(parts, reuse)
    missing = scores.missing(parts, numbers, reuse)
    shards = _shards(missing, counts, given.layout.shards)
    planned = None
    if missing:
        scores.check_room(missing, tokenization.scored_tokens)
        longest = Books(number=len(measurements), characters=0, windows=max(shards.values()))
        planned = _fitting(accelerator, dataclasses.replace(subject, books=longest))
        _say_what_is_not_used(scores, () if forced else replaced)
    for one in measurements:
        scores.describe(one.address, one.about)
    whole = Plan(
        run=drawn,
        accelerator=accelerator.name,
        precision=precision,
        devices=_devices(planned) if planned else None,
        addresses={one.book: one.address for one in measurements if not one.is_control},
        control_addresses={one.book: one.address for one in measurements if one.is_control},
        windows=counts,
        missing=sum(len(one.windows) for one in missing),
        forced=forced,
        replaced=replaced,
        asked=asked,
    )
    write_plan(plan, whole)
    total = sum(len(numbers[address]) if address in numbers else count for address, count in counts.items())
    if planned:
        say(_left(planned, whole.missing, total, len(shards)) + _saved(planned, measurements, given))
    else:
        say(f"all {total:,} windows are scored already: no accelerator is asked for")
    return list(shards) or [1], choose_placement(planned, given.placement) if planned else PLAIN


def _subject(described: Model, settings: Settings) -> Subject:
    config = read_config(open_store(described.address))
    family = find_family(config)
    return Subject(
        name=described.source,
        model_type=described.model_type,
        family=family,
        decoder=family.parse_config(config),
        settings=settings,
        books=Books(number=0, characters=0, windows=0),
    )


def _fitting(accelerator: Accelerator, subject: Subject) -> Planned:
    planned = plan_on(accelerator, subject, subject.settings.layout)
    if isinstance(planned, Refusal):
        raise ModelError(
            f"accelerator must hold the model, found {accelerator.name}: {planned.why}", parameter="accelerator"
        )
    return planned


def _asked(measurements: Iterable[Measurement]) -> dict[str, list[Selection]]:
    """Which windows are asked for, by address; an address of which a book asks for all is left out."""
    by_address: dict[str, list[Selection | None]] = {}
    for measurement in measurements:
        by_address.setdefault(measurement.address, []).append(measurement.selection)
    asked = {address: [selection for selection in some if selection] for address, some in by_address.items()}
    return {address: some for address, some in asked.items() if len(some) == len(by_address[address])}


def _shards(missing: Sequence[Missing], counts: Mapping[str, int], shards: int) -> dict[int, int]:
    """The shards that have something to score, and how many windows each."""
    left = {one.part: len(one.windows) for one in missing}
    windows = {
        shard: sum(left.get(part, 0) for part in parts_of_shard(counts, SCORES, shard, shards))
        for shard in range(1, shards + 1)
    }
    return {shard: count for shard, count in windows.items() if count}


def _devices(planned: Planned) -> PlannedDevices:
    layout = planned.layout
    return PlannedDevices(
        flavour=planned.accelerator.flavour,
        data=layout.data,
        model=layout.model,
        gather=layout.gather,
        batch_size=layout.batch_size,
        device_bytes=planned.memory.total,
    )


def _say_what_is_not_used(scores: ScoreStore, damaged: Iterable[str]) -> None:
    for name in damaged:
        say(f"damaged, and computed again: {scores.store.locate(name)}")
    if older := [held for held in scores.held() if held.is_older]:
        count, many = len(older), len(older) > 1
        say(
            f"the store holds {count:,} address{'es' * many} of an older release, which {'are' if many else 'is'} not "
            "used: `byheart store list` names them"
        )


def _left(planned: Planned, missing: int, total: int, shards: int) -> str:
    """What is left to score, on what, and how long that takes."""
    layout, tasks = planned.layout, f" in {shards} tasks" if shards > 1 else ""
    accelerator = planned.accelerator
    cores = "" if accelerator.generation.resource else " on two cores"  # as the speed of `cpu` is planned
    return (
        f"{missing:,} of {total:,} windows are to be scored{tasks} on {accelerator.name}, in "
        f"{planned.workload.precision}: {layout.data}x{layout.model}, {layout.description}, batches of "
        f"{layout.batch_size:,}; {format_estimate(_seconds(planned, planned.duration))}{cores}"
    )


def _saved(planned: Planned, measurements: Sequence[Measurement], settings: Settings) -> str:
    """What a longer stride would save, where scoring takes its time; the windows of another stride are all new."""
    now, shards = settings.window.cursor_inc, settings.layout.shards
    scored = planned.workload.scored_tokens
    longer = min(_LONGER * now, _CHARACTERS_A_TOKEN * scored)
    if planned.duration.score <= _LONG_SECONDS or settings.selection.windows or longer <= now:
        return ""
    once = {measurement.address: measurement for measurement in measurements}.values()
    samples = sum(sample.windows for sample in once if sample.is_control)
    books = sum(book.selection.inside if book.selection else book.windows for book in once if not book.is_control)
    windows = math.ceil((books * now / longer + samples) / shards)
    time = estimate_duration(planned.workload, planned.speed, windows)
    if time.score > planned.duration.score / 2:
        return ""
    return f"; cursor_inc={longer} would take {format_estimate(_seconds(planned, time))}"


def _seconds(planned: Planned, time: Duration) -> float:
    """How long a run takes; a CPU compiles in no time."""
    return time.total if planned.accelerator.generation.resource else time.load + time.score
