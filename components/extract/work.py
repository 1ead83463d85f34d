"""The work of a shard: its planned windows whose scores, or logits, are not in the store."""

import dataclasses
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial

import numpy as np

from byheart.contracts.errors import DamagedError
from byheart.contracts.model_input import ModelInput, read_control_input, read_model_input
from byheart.contracts.plan import Plan, PlannedDevices, list_asked_windows
from byheart.contracts.settings import Settings
from byheart.contracts.windows import Tokenization
from byheart.scores.batches import Batch
from byheart.scores.kinds import SCORES
from byheart.scores.logits import LogitsStore
from byheart.scores.parts import Missing, list_shard_parts, select_asked
from byheart.scores.store import Reuse, ScoreStore
from byheart.scores.wanted import Wanted


@dataclasses.dataclass(frozen=True, kw_only=True)
class Work:
    """The windows of a shard."""

    plan: Plan
    reuse: Reuse
    """Which objects in the store are reused."""
    windows: dict[str, int]
    """How many selected windows this shard has, by address."""
    wanted: Wanted
    """What is still to be computed."""
    loaders: dict[str, Callable[[], ModelInput]]
    """By address: a function that reads the model input anew at each call, to bound memory."""
    tokens: int
    """T: the tokens of a window, with the BOS and what pads a shorter one."""

    @property
    def missing(self) -> list[Missing]:
        """The windows that are still to be scored, for their scores or their logits."""
        return self.wanted.missing

    @property
    def total(self) -> int:
        """How many selected windows this shard has."""
        return sum(self.windows.values())

    @property
    def done(self) -> int:
        """How many of them have all that is wanted in the store."""
        return self.total - sum(len(item.windows) for item in self.missing)

    def read_inputs(self, batches: Iterable[Batch]) -> Iterator[tuple[Batch, ModelInput]]:
        """The batches with their model input: the BOS if there is one, the prompt and the scored tokens."""
        address, rows = "", ModelInput(token_ids=np.empty((0, 0), np.int32))
        for batch in batches:
            if batch.part.address != address:
                address, rows = batch.part.address, self.loaders[batch.part.address]()
            yield batch, rows.select(batch.windows).pad(0, self.tokens)


def find_work(
    plan: Plan,
    windows: str,
    scores: ScoreStore,
    logits: LogitsStore | None,
    tokenization: Tokenization,
    settings: Settings,
    shard: int,
) -> Work:
    """The work of a shard; first finishes in the store what a killed run left undone.

    Args:
        windows: what `tokenize` wrote.
        shard: from 1.
    """
    reuse, asked = Reuse.from_plan(plan), list_asked_windows(plan.asked)
    parts = list_shard_parts(plan.windows, SCORES, shard, settings.layout.shards)
    scores.tidy(parts, reuse)  # a forced run reuses only its own pieces, so only its retries find any
    counts = Counter(dict.fromkeys(plan.windows, 0))
    for part in parts:
        counts[part.address] += len(select_asked(part, asked))
    readers = {read_model_input: plan.addresses, read_control_input: plan.control_addresses}
    return Work(
        plan=plan,
        reuse=reuse,
        windows=dict(counts),
        wanted=Wanted.find(parts, asked, reuse, scores, logits, plan.addresses.values()),
        loaders={
            address: partial(reader, windows, book, settings, tokenization)
            for reader, addresses in readers.items()
            for book, address in addresses.items()
        },
        tokens=tokenization.count_positions(settings.window.prompt_tokens) + 1,
    )


def find_devices_for(plan: Plan, scores: ScoreStore, missing: Sequence[Missing]) -> PlannedDevices:
    """The planned devices of a task that finds windows without scores.

    Raises:
        DamagedError: the plan has none, since the store had all scores then.
    """
    if plan.devices is None:
        raise DamagedError(
            f"scores must stay in the store while a run goes on, found {sum(len(item.windows) for item in missing):,} "
            f"windows gone since it was planned, as {scores.store.locate(missing[0].part.name)}: run again, which "
            "plans for them"
        )
    return plan.devices
