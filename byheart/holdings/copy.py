"""Copies scores and models from one store into another.

Every object is created whole and once, as a run creates it, and then held against its source by size and CRC32C. So a
copy may be killed and run again, several may go on at once, and runs may use both stores meanwhile. What is at the
target already is never replaced.
"""

import dataclasses
from collections.abc import Callable, Container, Iterable, Sequence

from byheart.contracts.errors import SettingsError, StoreError
from byheart.holdings.contents import KeptModel
from byheart.holdings.transfer import Outcome, Report, Transfer
from byheart.scores.catalogue import StoredScores
from byheart.scores.parts import FOLDER as SCORES
from byheart.scores.store import ScoreStore
from byheart.store import Store
from byheart.store.stored import Stored

_ROUNDS = 3
"""Times that an address is looked at again, where a run has put pieces of it together meanwhile."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Copied:
    """What became of all objects."""

    outcomes: dict[str, Outcome]
    """By the object's name."""
    size_bytes: int
    """Of what was copied."""

    def names(self, outcome: Outcome) -> list[str]:
        """The objects that this became of."""
        return [name for name, became in self.outcomes.items() if became is outcome]


def copy(
    source: Store,
    target: Store,
    scores: Sequence[StoredScores],
    models: Sequence[KeptModel] = (),
    *,
    begin: Callable[[int], None] = lambda _: None,
    report: Report = lambda _: None,
) -> Copied:
    """Copy these scores and models.

    Of scores that is about.json, the finished parts, and the pieces of others. Pieces of forced runs stay: only their
    own run can use them. Of a model its files are copied, and its manifest after them, which says that it is whole.

    Args:
        begin: called once, with the bytes that are to be done.
        report: called with the number of bytes that are done, from several threads.

    Raises:
        SettingsError: both stores are one.
        StoreError: one of them cannot be read or written, has no room, or does not keep what it is given.
    """
    if source.locate(SCORES) == target.locate(SCORES):
        raise SettingsError(f"a copy needs another store, found {target.locate(SCORES)} twice: name another")
    files = [model.files(source) for model in models]
    target.check_writable()
    there = {stored.name for held in scores for stored in target.list(f"{SCORES}/{held.address}/")}
    wanted = [stored for held in scores for stored in _wanted(held, there)]
    everything = wanted + [stored for of_model in files for stored in of_model]
    _check_room(target, everything)
    begin(sum(stored.size_bytes for stored in everything))

    transfer, catalogue = Transfer(source, target, report), ScoreStore(source)
    transfer.copy(wanted)
    for _ in range(_ROUNDS):
        changed = {name.split("/")[1] for name, outcome in transfer.outcomes.items() if outcome is Outcome.GONE}
        left = [held for held in map(catalogue.find_address, sorted(changed)) if held]
        transfer.copy(
            stored for held in left for stored in _wanted(held, there) if stored.name not in transfer.outcomes
        )
    for *weights, manifest in files:
        transfer.copy(weights)
        if all(transfer.outcomes[stored.name] in (Outcome.COPIED, Outcome.THERE) for stored in weights):
            transfer.copy([manifest])
    return Copied(outcomes=_settled(transfer.outcomes), size_bytes=transfer.size_bytes)


def _wanted(held: StoredScores, there: Container[str]) -> list[Stored]:
    """What is copied of an address: pieces only of parts that are finished neither here nor there."""
    return held.description + held.finished + [piece for piece in held.open_pieces if _part(piece.name) not in there]


def _settled(outcomes: dict[str, Outcome]) -> dict[str, Outcome]:
    """The outcomes without the pieces that were put together meanwhile: the finished part stands for them."""
    return {
        name: outcome
        for name, outcome in outcomes.items()
        if outcome is not Outcome.GONE or _part(name) not in outcomes
    }


def _part(piece: str) -> str:
    """The name of the finished part that a piece belongs to."""
    return f"{piece.split('.pieces/')[0]}.parquet"


def _check_room(target: Store, wanted: Iterable[Stored]) -> None:
    free = target.free_bytes()
    if free is None:
        return
    missing = [stored for stored in wanted if not target.exists(stored.name)]
    needed = sum(max(stored.size_bytes - target.begun_bytes(stored.name), 0) for stored in missing)
    if free < needed:
        raise StoreError(
            f"the target must have {needed:,} bytes free for the copy, found {free:,} at {target.locate(SCORES)}: make "
            "room or choose another"
        )
