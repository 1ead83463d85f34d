"""What a shard has to score: what of its plan is not in the store, whole."""

import dataclasses
import itertools
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from functools import partial

import numpy as np

from byheart.contracts.model_input import control_input, model_input
from byheart.contracts.plan import Plan
from byheart.contracts.settings import Settings
from byheart.contracts.windows import Tokenization
from byheart.scores.score_parts import Part, missing_parts, parts_of_shard
from byheart.store import Store


@dataclasses.dataclass(frozen=True, kw_only=True)
class Work:
    """The windows of a shard."""

    plan: Plan
    windows: dict[str, int]
    """How many are this shard's, at each address."""
    missing: list[Part]
    """What is still to compute."""
    loaders: dict[str, Callable[[], np.ndarray]]
    """What reads the model input of each address anew, int32 [W, T]: books are many, and memory is not."""

    @property
    def total(self) -> int:
        """Windows of this shard."""
        return sum(self.windows.values())

    @property
    def done(self) -> int:
        """Those of them whose scores are in the store."""
        return self.total - sum(len(part.rows) for part in self.missing)

    def inputs(self, parts: Iterable[Part]) -> Iterator[tuple[Part, np.ndarray]]:
        """Each part with its model input: the BOS if there is one, the prompt and the scored tokens."""
        for address, some in itertools.groupby(parts, key=lambda part: part.address):
            rows = self.loaders[address]()
            for part in some:
                yield part, rows[part.rows.start : part.rows.stop]


def work_of(plan: Plan, windows: str, store: Store, tokenization: Tokenization, settings: Settings, shard: int) -> Work:
    """The work of one shard of a run.

    Args:
        windows: what `tokenize` wrote.
        shard: from 1.
    """
    parts = parts_of_shard(plan.windows, shard, settings.layout.shards)
    counts = Counter(dict.fromkeys(plan.windows, 0))
    for part in parts:
        counts[part.address] += len(part.rows)
    read = {model_input: plan.addresses, control_input: plan.control_addresses}
    return Work(
        plan=plan,
        windows=dict(counts),
        missing=missing_parts(store, parts, force=settings.reuse.force),
        loaders={
            address: partial(reader, windows, book, settings, tokenization)
            for reader, addresses in read.items()
            for book, address in addresses.items()
        },
    )
