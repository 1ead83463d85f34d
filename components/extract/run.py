"""Extract: score windows on the planned devices, in the planned layout."""

import dataclasses
from typing import TYPE_CHECKING

from byheart.components.extract.laps import Laps
from byheart.components.extract.work import Work, find_devices_for, find_work
from byheart.contracts.logits import KeptLogits, describe_logits
from byheart.contracts.model import Model, read_model
from byheart.contracts.plan import read_plan
from byheart.contracts.progress import say
from byheart.contracts.setting_groups import NONE
from byheart.contracts.settings import Settings
from byheart.contracts.window_files import read_tokenization
from byheart.contracts.windows import Tokenization
from byheart.machines.accelerators import find_accelerator
from byheart.models.adapted import open_described_model
from byheart.scores.logits import LogitsStore
from byheart.scores.store import ScoreStore
from byheart.store import open_store

if TYPE_CHECKING:
    from byheart.components.extract.decoder import Params


def run(*, books: str, model: str, windows: str, settings: str, plan: str, store: str, shard: int) -> int:
    """Score the windows of every book; returns how many windows this task scored.

    The task after which no window of any shard lacks scores goes on with the windows near thresholds, in float32.

    Args:
        books, model, windows, settings, plan: what the earlier stages wrote.
        store: the store that keeps the scores.
        shard: the number of this task among those that share the windows, from 1.

    Raises:
        DamagedError: scores that were in the store at planning time are gone.
        DeviceError: the planned devices are missing.
        ModelError: the weights cannot be used.
        StoreError: the store has no room for the scores, or refuses them.
    """
    run_plan, run_settings = read_plan(plan), Settings.read(settings)
    description, tokenization = read_model(model), read_tokenization(windows)
    scores = ScoreStore(open_store(store), run_plan.scored_tokens)
    positions = tokenization.count_positions(run_settings.window.prompt_tokens)
    kept = _describe_logits(run_settings, description, tokenization, positions)
    logits = LogitsStore(scores.store, kept) if kept else None
    work = find_work(run_plan, windows, scores, logits, tokenization, run_settings, shard)

    shards = run_settings.layout.shards
    prefix = "" if shards == 1 else f"shard {shard}/{shards}: "
    texts = len(run_plan.addresses)
    say(f"{prefix}{work.total:,} windows of {texts:,} book{'s' * (texts > 1)}, {work.done:,} scored already")
    scored, weights, laps = 0, None, Laps()
    if work.missing:
        scored, weights = _score_first(work, scores, run_settings, description, tokenization, kept, laps)
    if run_plan.rescoring:
        from byheart.components.extract.rescoring import rescore  # it imports JAX, which takes a second

        scored += rescore(
            work,
            run_plan.rescoring,
            scores,
            books=books,
            windows=windows,
            settings=run_settings,
            model=description,
            tokenization=tokenization,
            shard=shard,
            weights=weights,
        )
        laps.end("score again")
    if scored:
        laps.say()
    return scored


def _score_first(
    work: Work,
    scores: ScoreStore,
    settings: Settings,
    model: Model,
    tokenization: Tokenization,
    kept: KeptLogits | None,
    laps: Laps,
) -> tuple[int, "Params | None"]:
    """Score the windows that lack scores, in the precision of the plan; returns how many.

    Also returns the weights, if windows may be scored again with these.
    """
    from byheart.components.extract.devices import find_planned_devices  # JAX, as above
    from byheart.components.extract.engine import Engine, Machine, make_layout
    from byheart.components.extract.score_work import score_work

    plan, wanted = work.plan, work.wanted
    devices = find_devices_for(plan, scores, work.missing)
    scores.check_room(wanted.missing_scores, tokenization.scored_tokens, wanted.logits_bytes)
    engine = Engine.lay_out(
        open_described_model(model),
        Machine(devices=find_planned_devices(find_accelerator(plan.accelerator), devices)),
        dataclasses.replace(settings.score, precision=plan.precision),
        make_layout(devices),
        positions=tokenization.count_positions(settings.window.prompt_tokens),
        scored_tokens=tokenization.scored_tokens,
        is_padded=tokenization.is_padded,
        kept=kept,
    )
    loaded = engine.load()
    laps.end("load and compile")
    scored = score_work(engine, loaded.score, work, scores, laps)
    again = plan.rescoring and make_layout(plan.rescoring.devices)
    return scored, loaded.weights if again and engine.lends_weights(again) else None


def _describe_logits(settings: Settings, model: Model, tokenization: Tokenization, positions: int) -> KeptLogits | None:
    """What is kept of each window; a model is opened only if anything is."""
    if settings.logits.logits == NONE:
        return None
    return describe_logits(
        settings.logits,
        scored_tokens=tokenization.scored_tokens,
        positions=positions,
        vocabulary=open_described_model(model).decoder.vocab,
    )
