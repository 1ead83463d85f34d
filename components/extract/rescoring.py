"""Scores windows near thresholds again, in float32 from weights as they were published, once all windows have scores.

Which windows these are, the scores of all of them say, those of controls first (`byheart.measures.near`). So of several
shards the last one does it, and any of them after a kill: its own windows are then scored already.
"""

import dataclasses
import time
from collections.abc import Sequence

from byheart.components.extract.decoder import Params
from byheart.components.extract.devices import find_planned_devices
from byheart.components.extract.engine import Engine, Machine, make_layout
from byheart.components.extract.laps import Laps
from byheart.components.extract.score_work import score_work
from byheart.components.extract.scoring import BatchScorer
from byheart.components.extract.work import Work, find_devices_for
from byheart.contracts.model import Model
from byheart.contracts.plan import Plan, Rescoring, list_asked_windows
from byheart.contracts.progress import format_duration, say
from byheart.contracts.settings import Settings
from byheart.contracts.windows import Tokenization
from byheart.machines.accelerators import find_accelerator
from byheart.machines.workload import FLOAT32
from byheart.measures.near import NEAR, Numbers
from byheart.measures.rescored import ToScore, find_rescored
from byheart.models.adapted import open_described_model
from byheart.scores.kinds import SCORES
from byheart.scores.parts import Missing, list_shard_parts, select_asked
from byheart.scores.store import ScoreStore
from byheart.scores.wanted import Wanted


def rescore(
    first: Work,
    rescoring: Rescoring,
    scores: ScoreStore,
    *,
    books: str,
    windows: str,
    settings: Settings,
    model: Model,
    tokenization: Tokenization,
    shard: int,
    weights: Params | None,
) -> int:
    """Score the windows near thresholds again, if no window lacks first scores; returns how many.

    Args:
        first: the work of this shard, which is done.
        rescoring: of its plan.
        books, windows: what the earlier stages wrote.
        weights: on the devices, as published; None loads them.

    Raises:
        DamagedError: scores that were in the store at planning time are gone.
        DeviceError: the planned devices are missing.
        ModelError: the weights cannot be used.
        StoreError: the store has no room for the scores.
    """
    plan, began, count = first.plan, time.monotonic(), 0
    loaded: tuple[Engine, BatchScorer] | None = None
    asked, parts = list_asked_windows(plan.asked), list_shard_parts(plan.windows, SCORES, 1, 1)
    if scores.find_missing(parts, asked, first.reuse):
        say("windows near thresholds are scored again by the task that ends last")
        return 0
    while True:
        try:
            chosen = find_rescored(books, windows, settings, plan, scores)
        except ToScore as more:
            find_devices_for(plan, scores, more.missing)
            scores.check_room(more.missing, tokenization.scored_tokens)
            loaded = loaded or _load(plan, rescoring, settings, model, tokenization, weights)
            count += score_work(*loaded, _make_work(first, rescoring, scores, more.missing, shard), scores, Laps())
        else:
            _say_what_was_scored(chosen, sum(len(select_asked(part, asked)) for part in parts), count, began)
            return count


def _load(
    plan: Plan,
    rescoring: Rescoring,
    settings: Settings,
    model: Model,
    tokenization: Tokenization,
    weights: Params | None,
) -> tuple[Engine, BatchScorer]:
    """The engine in float32 with its weights, which stay while the thresholds of controls are found."""
    devices = rescoring.devices
    engine = Engine.lay_out(
        open_described_model(model),
        Machine(devices=find_planned_devices(find_accelerator(plan.accelerator), devices)),
        dataclasses.replace(settings.score, precision=FLOAT32),
        make_layout(devices),
        positions=tokenization.count_positions(settings.window.prompt_tokens),
        scored_tokens=tokenization.scored_tokens,
        is_padded=tokenization.is_padded,
        as_published=True,
    )
    return engine, engine.load(weights).score


def _make_work(first: Work, rescoring: Rescoring, scores: ScoreStore, missing: Sequence[Missing], shard: int) -> Work:
    """The work of scoring these windows at the addresses in float32."""
    again = rescoring.addresses
    plan = dataclasses.replace(
        first.plan,
        run=f"{first.plan.run} {shard}",  # tasks that end at once begin at different windows
        addresses={name: again[address] for name, address in first.plan.addresses.items()},
        control_addresses={name: again[address] for name, address in first.plan.control_addresses.items()},
    )
    counts = dict.fromkeys(again.values(), 0)
    for item in missing:
        counts[item.part.address] += len(item.windows)
    return Work(
        plan=plan,
        reuse=first.reuse,
        windows=counts,
        wanted=Wanted(
            score_store=scores,
            logits_store=None,
            parts=[item.part for item in missing],
            scores={item.part: item.windows for item in missing},
            logits={},
        ),
        loaders={again[address]: loader for address, loader in first.loaders.items()},
        tokens=first.tokens,
    )


def _say_what_was_scored(chosen: Numbers, total: int, count: int, began: float) -> None:
    near = sum(map(len, chosen.values()))
    before = "" if count == near else f", {near - count:,} of them before"
    took = f", in {format_duration(time.monotonic() - began)} with compilation" if count else ""
    say(
        f"{near:,} of {total:,} windows ({near / max(total, 1):.1%}) are within {NEAR:g} nats of a threshold, and were "
        f"scored again in {FLOAT32}{before}{took}"
    )
