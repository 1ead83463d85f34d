"""Plan: what is left to score, in which layout, and on which node; a model that fits nowhere is refused here."""

import dataclasses

from byheart.contracts.errors import ModelError
from byheart.contracts.model import Model, read_model
from byheart.contracts.plan import Plan, write_plan
from byheart.contracts.progress import duration, say
from byheart.contracts.settings import AUTO, Settings
from byheart.contracts.windows import read_tokenization
from byheart.machines.accelerators import ONE_HOST, Accelerator, find_accelerator
from byheart.machines.layout import smallest_slice
from byheart.machines.placement import PLAIN, Placement, placement_of
from byheart.machines.planned import Books, Planned, Refusal, Subject, plan_on
from byheart.models.families import family_of
from byheart.models.folder import read_config
from byheart.models.known import KNOWN
from byheart.scores.score_parts import check_room, missing_parts, parts_of_shard
from byheart.scores.scored import Scored, describe, scored_windows
from byheart.store import open_store


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
    precision = subject.precision(accelerator)
    chosen = dataclasses.replace(given, score=dataclasses.replace(given.score, precision=precision))
    scored = list(scored_windows(books, windows, described, tokenization, chosen))
    counts = {one.address: one.windows for one in scored}  # the same text under two names is scored once

    place, shards = open_store(store), given.layout.shards
    missing = missing_parts(place, parts_of_shard(counts, 1, 1), force=given.reuse.force)
    names, total = {part.name for part in missing}, sum(len(part.rows) for part in missing)
    left = {}
    for shard in range(1, shards + 1):
        mine = sum(len(part.rows) for part in parts_of_shard(counts, shard, shards) if part.name in names)
        if mine:
            left[shard] = mine
    planned = None
    if left:
        check_room(place, missing, tokenization.scored_tokens)
        longest = Books(number=len(scored), characters=0, windows=max(left.values()))
        planned = _fitting(accelerator, dataclasses.replace(subject, books=longest))
    for one in scored:
        describe(place, one)
    write_plan(plan, _plan(accelerator, precision, planned, scored, counts, total))
    _say(planned, total, sum(counts.values()), len(left))
    return list(left) or [1], placement_of(planned, given.placement) if planned else PLAIN


def choose_accelerator(subject: Subject) -> Accelerator:
    """What the settings name; else what models.yaml names for the model, where it fits; else the smallest slice that
    holds it, or the largest where none does.
    """
    asked = subject.settings.placement.accelerator
    if asked != AUTO:
        return find_accelerator(asked)
    for name, known in KNOWN.items():
        if known.accelerator and subject.name in (name, known.repository):
            accelerator = find_accelerator(known.accelerator)
            if isinstance(plan_on(accelerator, subject), Planned):
                return accelerator
    slices = [one for one in ONE_HOST.values() if one.is_tpu]
    largest = max(slices, key=lambda one: one.devices * (one.device_bytes or 0))
    return smallest_slice(subject.workload(largest)) or largest


def _subject(described: Model, settings: Settings) -> Subject:
    config = read_config(open_store(described.address))
    family = family_of(config)
    return Subject(
        name=described.source,
        model_type=described.model_type,
        family=family,
        decoder=family.decoder_config(config),
        settings=settings,
        books=Books(number=0, characters=0, windows=0),
    )


def _fitting(accelerator: Accelerator, subject: Subject) -> Planned:
    planned = plan_on(accelerator, subject, subject.settings.layout)
    if isinstance(planned, Refusal):
        raise ModelError(f"accelerator must hold the model, found {accelerator.name}: {planned.why}")
    return planned


def _plan(
    accelerator: Accelerator,
    precision: str,
    planned: Planned | None,
    scored: list[Scored],
    counts: dict[str, int],
    missing: int,
) -> Plan:
    layout = planned.layout if planned else None
    return Plan(
        accelerator=accelerator.name,
        precision=precision,
        missing=missing,
        layout=f"{layout.data}x{layout.model}, {layout.described}" if layout else "",
        batch_size=layout.batch_size if layout else 0,
        addresses={one.book: one.address for one in scored if not one.is_control},
        control_addresses={one.book: one.address for one in scored if one.is_control},
        windows=counts,
    )


def _say(planned: Planned | None, missing: int, total: int, shards: int) -> None:
    if planned is None:
        say(f"all {total:,} windows are scored already: no accelerator is asked for")
        return
    layout, tasks = planned.layout, f" in {shards} tasks" if shards > 1 else ""
    time = f"; about {duration(planned.duration.total)}" if planned.accelerator.generation.resource else ""
    say(
        f"{missing:,} of {total:,} windows are to be scored{tasks} on {planned.accelerator.name}, in "
        f"{planned.workload.precision}: {layout.data}x{layout.model}, {layout.described}, batches of "
        f"{layout.batch_size:,}{time}"
    )
