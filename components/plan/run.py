"""Plan: choose what to score, in which layout, and on which node; refuse a model that does not fit."""

import dataclasses
import math
import uuid
from collections.abc import Iterable, Mapping, Sequence

from byheart.components.plan.logits import begin_logits, open_logits
from byheart.contracts.errors import ModelError
from byheart.contracts.model import Model, read_model
from byheart.contracts.plan import Plan, PlannedDevices, list_asked_windows, write_plan
from byheart.contracts.progress import format_estimate, say
from byheart.contracts.selection import Selection
from byheart.contracts.settings import Settings
from byheart.contracts.window_files import read_tokenization
from byheart.contracts.windows import Tokenization
from byheart.machines.accelerators import Accelerator
from byheart.machines.automatic import choose_accelerator
from byheart.machines.cores import find_cores
from byheart.machines.placement import PLAIN, Placement, choose_placement
from byheart.machines.planned import Books, Planned, Refusal, Subject, plan_on
from byheart.machines.speed import Duration, estimate_duration
from byheart.models.families import find_family
from byheart.models.folder import read_config
from byheart.models.hashed import HashedPlace
from byheart.scores.kinds import SCORES
from byheart.scores.measurements import Measurement, find_measurements
from byheart.scores.parts import Missing, list_shard_parts, select_asked
from byheart.scores.registration import RegisteredText, compute_digest, describe_registration, register
from byheart.scores.store import Reuse, ScoreStore
from byheart.scores.wanted import Wanted
from byheart.store import open_store

_LONG_SECONDS = 60.0
"""If scoring takes longer, the log says what a longer stride would save."""
_LONGER = 5
"""The factor of the longer stride."""
_CHARACTERS_A_TOKEN = 2
"""Few suffixes have fewer characters per token, so a stride of this times their tokens leaves no gaps."""


def run(*, books: str, model: str, windows: str, settings: str, store: str, plan: str) -> tuple[list[int], Placement]:
    """Write the plan; returns the shards that have windows to score (only 1 if none has), and their placement.

    Args:
        books, model, windows, settings: what the earlier stages wrote.
        store: the store that keeps the scores.
        plan: the file to write.

    Raises:
        ModelError: the model does not fit the accelerator.
        SettingsError: the accelerator does not have the devices, the mesh or the batch, or the logits would take more
            than `logits_limit`.
        StoreError: the store has no room for what is written.
    """
    run_settings, description = Settings.read(settings), read_model(model)
    tokenization = read_tokenization(windows)
    subject = _make_subject(description, run_settings, tokenization)
    accelerator = choose_accelerator(subject)
    precision = subject.resolve_precision(accelerator)
    resolved = dataclasses.replace(run_settings, score=dataclasses.replace(run_settings.score, precision=precision))
    measurements = list(find_measurements(books, windows, description, tokenization, resolved))
    counts = {item.address: item.windows for item in measurements}  # equal texts are scored once
    asked = _collect_selections(measurements)
    numbers = list_asked_windows(asked)

    scored_tokens = {item.address: item.scored_tokens for item in measurements}
    scores = ScoreStore(open_store(store), scored_tokens)
    logits = open_logits(subject, tokenization, measurements, numbers, scores.store)
    forced, drawn = run_settings.reuse.force, uuid.uuid4().hex[:12]
    parts = list_shard_parts(counts, SCORES, 1, 1)
    replaced = scores.find_unusable([part for part in parts if len(select_asked(part, numbers))], force=forced)
    reuse = Reuse(replaced=replaced, run=drawn if forced else "")
    scores.tidy(parts, reuse)
    of_books = {item.address for item in measurements if not item.is_control}
    wanted = Wanted.find(parts, numbers, reuse, scores, logits, of_books)
    missing = wanted.missing
    shards = _count_by_shard(missing, counts, run_settings.layout.shards)
    planned = None
    if missing:
        longest = Books(number=len(measurements), characters=0, windows=max(shards.values()))
        planned = _plan_or_refuse(accelerator, dataclasses.replace(subject, books=longest))
        scores.check_room(wanted.missing_scores, tokenization.scored_tokens, wanted.logits_bytes)
        _say_what_is_not_reused(scores, () if forced else replaced)
    for item in measurements:
        scores.describe(item.address, item.about)
    if logits:
        begin_logits(logits, measurements, wanted)
    total = sum(len(numbers[address]) if address in numbers else count for address, count in counts.items())
    unscored = scores.find_missing(parts, numbers, Reuse()) if forced else wanted.missing_scores
    registration = register(
        scores.store,
        _compute_digest(measurements, description, tokenization, resolved),
        windows=total,
        scored=total - sum(len(item.windows) for item in unscored),
    )
    run_plan = Plan(
        run=drawn,
        accelerator=accelerator.name,
        precision=precision,
        devices=_describe_devices(planned) if planned else None,
        addresses={item.book: item.address for item in measurements if not item.is_control},
        control_addresses={item.book: item.address for item in measurements if item.is_control},
        windows=counts,
        scored_tokens=scored_tokens,
        missing=sum(len(item.windows) for item in missing),
        forced=forced,
        replaced=replaced,
        asked=asked,
        registration=registration,
    )
    write_plan(plan, run_plan)
    if planned:
        say(
            _describe_work(planned, run_plan.missing, total, len(shards))
            + _describe_saving(planned, measurements, run_settings)
        )
    else:
        say(f"all {total:,} windows are scored already: no accelerator is asked for")
    say(describe_registration(registration))
    return list(shards) or [1], choose_placement(planned, run_settings.placement) if planned else PLAIN


def _make_subject(description: Model, settings: Settings, tokenization: Tokenization) -> Subject:
    place = HashedPlace(place=open_store(description.address, "model"), digests=description.files)
    config = read_config(place, description.ignored_fields)
    family = find_family(config)
    return Subject(
        name=description.source,
        model_type=description.model_type,
        family=family,
        decoder=family.parse_config(config),
        settings=settings,
        books=Books(number=0, characters=0, windows=0),
        tokenization=tokenization,
    )


def _plan_or_refuse(accelerator: Accelerator, subject: Subject) -> Planned:
    planned = plan_on(accelerator, subject, subject.settings.layout)
    if isinstance(planned, Refusal):
        raise ModelError(
            f"accelerator must hold the model, found {accelerator.name}: {planned.why}", parameter="accelerator"
        )
    return planned


def _compute_digest(
    measurements: Sequence[Measurement], model: Model, tokenization: Tokenization, settings: Settings
) -> str:
    """The digest of what the run measures."""
    samples = {item.book: item.address for item in measurements if item.is_control}
    texts = [
        RegisteredText(
            role=item.about["book"].role,
            sha256=item.about["book"].sha256,
            scores=item.address,
            control_sample=samples.get(item.book),
        )
        for item in measurements
        if not item.is_control
    ]
    return compute_digest(
        texts,
        weights_sha256=model.weights_sha256,
        tokenization=tokenization,
        settings=settings,
        precision=settings.score.precision,
    )


def _collect_selections(measurements: Iterable[Measurement]) -> dict[str, list[Selection]]:
    """The selections by address; an address is absent if a book needs all its windows."""
    by_address: dict[str, list[Selection | None]] = {}
    for measurement in measurements:
        by_address.setdefault(measurement.address, []).append(measurement.selection)
    return {
        address: [selection for selection in selections if selection]
        for address, selections in by_address.items()
        if all(selections)
    }


def _count_by_shard(missing: Sequence[Missing], counts: Mapping[str, int], shards: int) -> dict[int, int]:
    """How many windows each shard has to score; shards without any are left out."""
    left = {item.part: len(item.windows) for item in missing}
    windows = {
        shard: sum(left.get(part, 0) for part in list_shard_parts(counts, SCORES, shard, shards))
        for shard in range(1, shards + 1)
    }
    return {shard: count for shard, count in windows.items() if count}


def _describe_devices(planned: Planned) -> PlannedDevices:
    layout = planned.layout
    return PlannedDevices(
        flavour=planned.accelerator.flavour,
        data=layout.data,
        model=layout.model,
        gather=layout.gather,
        batch_size=layout.batch_size,
        device_bytes=planned.memory.total,
    )


def _say_what_is_not_reused(scores: ScoreStore, damaged: Iterable[str]) -> None:
    for name in damaged:
        say(f"damaged, and computed again: {scores.store.locate(name)}")
    if older := [held for held in scores.list_addresses() if held.is_older]:
        count, many = len(older), len(older) > 1
        say(
            f"the store holds {count:,} address{'es' * many} of an older release, which {'are' if many else 'is'} not "
            "used: `byheart store list` names them"
        )


def _describe_work(planned: Planned, missing: int, total: int, shards: int) -> str:
    """A line on what is left to score, on which devices, and how long it takes."""
    layout, tasks = planned.layout, f" in {shards} tasks" if shards > 1 else ""
    accelerator = planned.accelerator
    count = find_cores().count
    cores = "" if accelerator.generation.resource else f" on {count:,} core{'s' * (count > 1)}"
    return (
        f"{missing:,} of {total:,} windows are to be scored{tasks} on {accelerator.name}, in "
        f"{planned.workload.precision}: {layout.data}x{layout.model}, {layout.description}, batches of "
        f"{layout.batch_size:,}; {format_estimate(_count_seconds(planned, planned.duration))}{cores}"
    )


def _describe_saving(planned: Planned, measurements: Sequence[Measurement], settings: Settings) -> str:
    """A clause on what a longer stride would save, if scoring takes long. With another stride, all windows are new."""
    stride, shards = settings.window.cursor_inc, settings.layout.shards
    suffix = settings.window.suffix_characters or _CHARACTERS_A_TOKEN * planned.workload.scored_tokens
    longer = min(_LONGER * stride, suffix)
    if planned.duration.score <= _LONG_SECONDS or settings.selection.windows or longer <= stride:
        return ""
    distinct = {measurement.address: measurement for measurement in measurements}.values()
    samples = sum(sample.windows for sample in distinct if sample.is_control)
    books = sum(book.selection.inside if book.selection else book.windows for book in distinct if not book.is_control)
    windows = math.ceil((books * stride / longer + samples) / shards)
    time = estimate_duration(planned.workload, planned.speed, windows)
    if time.score > planned.duration.score / 2:
        return ""
    return f"; cursor_inc={longer} would take {format_estimate(_count_seconds(planned, time))}"


def _count_seconds(planned: Planned, time: Duration) -> float:
    """How long a run takes; compilation on a CPU is not counted."""
    return time.total if planned.accelerator.generation.resource else time.load + time.score
