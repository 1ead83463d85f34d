"""Plan: choose what to score, in which layout, and on which node; refuse a model that does not fit."""

import dataclasses
import uuid
from collections.abc import Iterable, Mapping, Sequence

from byheart.components.plan.logits import begin_logits, open_logits
from byheart.components.plan.rescoring import count_missing, plan_again
from byheart.components.plan.words import describe_saving, describe_work
from byheart.contracts.errors import ModelError
from byheart.contracts.model import Model, read_model
from byheart.contracts.plan import Plan, PlannedDevices, list_asked_windows, write_plan
from byheart.contracts.progress import say
from byheart.contracts.selection import Selection
from byheart.contracts.settings import Settings
from byheart.contracts.window_files import read_tokenization
from byheart.contracts.windows import Tokenization
from byheart.machines.accelerators import Accelerator
from byheart.machines.automatic import choose_accelerator
from byheart.machines.placement import PLAIN, Placement, choose_placement
from byheart.machines.planned import Books, Planned, Refusal, Subject, plan_on
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

    again = plan_again(
        accelerator,
        subject,
        measurements,
        lambda settings: list(find_measurements(books, windows, description, tokenization, settings)),
    )
    every = [*measurements, *(again.measurements if again else [])]
    scored_tokens = {item.address: item.scored_tokens for item in every}
    scores = ScoreStore(open_store(store), scored_tokens)
    logits = open_logits(subject, tokenization, measurements, numbers, scores.store)
    forced, drawn = run_settings.reuse.force, uuid.uuid4().hex[:12]
    parts = list_shard_parts(counts, SCORES, 1, 1)
    second_parts = again.parts if again else []
    used = [part for part in parts if len(select_asked(part, numbers))]
    replaced = scores.find_unusable([*used, *second_parts], force=forced)
    reuse = Reuse(replaced=replaced, run=drawn if forced else "")
    scores.tidy([*parts, *second_parts], reuse)
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
    for item in every:
        scores.describe(item.address, item.about)
    if logits:
        begin_logits(logits, measurements, wanted)
    total = sum(len(numbers[address]) if address in numbers else count for address, count in counts.items())
    unscored = scores.find_missing(parts, numbers, Reuse()) if forced else wanted.missing_scores
    registration = register(
        scores.store,
        _compute_digest(measurements, description, tokenization, resolved, rescored=again is not None),
        windows=total,
        scored=total - sum(len(item.windows) for item in unscored),
    )
    run_plan = Plan(
        run=drawn,
        accelerator=accelerator.name,
        precision=precision,
        devices=None,
        addresses={item.book: item.address for item in measurements if not item.is_control},
        control_addresses={item.book: item.address for item in measurements if item.is_control},
        windows=counts,
        scored_tokens=scored_tokens,
        missing=sum(len(item.windows) for item in missing),
        forced=forced,
        replaced=replaced,
        rescoring=again.describe(_describe_devices) if again else None,
        asked=asked,
        registration=registration,
    )
    if again and not missing:
        run_plan = dataclasses.replace(run_plan, missing=count_missing(books, windows, run_settings, run_plan, scores))
        planned = again.first if run_plan.missing else None
    if planned:
        run_plan = dataclasses.replace(run_plan, devices=_describe_devices(planned))
    write_plan(plan, run_plan)
    if planned and missing:
        say(
            describe_work(planned, run_plan.missing, total, len(shards))
            + (f"; then {again.describe_cost(total)}" if again else "")
            + describe_saving(planned, measurements, run_settings)
        )
    elif planned and again:
        say(f"all {total:,} windows are scored already; left are {again.describe_cost(total)}")
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
        published_bytes=description.published_bytes,
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
    measurements: Sequence[Measurement], model: Model, tokenization: Tokenization, settings: Settings, *, rescored: bool
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
        rescored=rescored,
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
