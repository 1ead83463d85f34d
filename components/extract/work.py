"""What a shard has to score: what of its plan is not in the store."""

import dataclasses
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from functools import partial

import numpy as np

from byheart.contracts.model_input import read_control_input, read_model_input
from byheart.contracts.plan import Plan, list_asked_windows
from byheart.contracts.settings import Settings
from byheart.contracts.windows import Tokenization
from byheart.scores.batches import Batch
from byheart.scores.kinds import SCORES
from byheart.scores.parts import Missing, asked_of, parts_of_shard
from byheart.scores.store import Reuse, ScoreStore


@dataclasses.dataclass(frozen=True, kw_only=True)
class Work:
    """The windows of a shard."""

    plan: Plan
    reuse: Reuse
    """What of the store counts as computed."""
    windows: dict[str, int]
    """How many are asked of this shard, at each address."""
    missing: list[Missing]
    """What is still to compute."""
    loaders: dict[str, Callable[[], np.ndarray]]
    """What reads the model input of each address, int32 [W, T], which is read again each time to bound memory."""

    @property
    def total(self) -> int:
        """Windows that are asked of this shard."""
        return sum(self.windows.values())

    @property
    def done(self) -> int:
        """Those of them whose scores are in the store."""
        return self.total - sum(len(one.windows) for one in self.missing)

    def inputs(self, batches: Iterable[Batch]) -> Iterator[tuple[Batch, np.ndarray]]:
        """Each batch with its model input: the BOS if there is one, the prompt and the scored tokens."""
        address, rows = "", np.empty((0, 0), np.int32)
        for batch in batches:
            if batch.part.address != address:
                address, rows = batch.part.address, self.loaders[batch.part.address]()
            yield batch, rows[batch.windows]


def work_of(
    plan: Plan, windows: str, scores: ScoreStore, tokenization: Tokenization, settings: Settings, shard: int
) -> Work:
    """The work of one shard of a run, once what a kill has left undone in the store is done.

    Args:
        windows: what `tokenize` wrote.
        shard: from 1.
    """
    reuse, asked = Reuse.of(plan), list_asked_windows(plan.asked)
    parts = parts_of_shard(plan.windows, SCORES, shard, settings.layout.shards)
    scores.tidy(parts, reuse)  # of a forced run, which counts its own pieces, only a second attempt can
    counts = Counter(dict.fromkeys(plan.windows, 0))
    for part in parts:
        counts[part.address] += len(asked_of(part, asked))
    read = {read_model_input: plan.addresses, read_control_input: plan.control_addresses}
    return Work(
        plan=plan,
        reuse=reuse,
        windows=dict(counts),
        missing=scores.missing(parts, asked, reuse),
        loaders={
            address: partial(reader, windows, book, settings, tokenization)
            for reader, addresses in read.items()
            for book, address in addresses.items()
        },
    )
