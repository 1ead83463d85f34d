"""Copies scores and models from one store into another.

Every object is created whole and only once, as a run creates it, and then compared with its source by size and CRC32C.
So a copy may be killed and run again, several copies may run at once, and runs may use both stores meanwhile. Objects
at the target are never replaced.
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
"""How often an address is listed again, if a run has merged pieces of it meanwhile."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Copied:
    """The outcome of a copy."""

    outcomes: dict[str, Outcome]
    """The outcome of each object, by name."""
    size_bytes: int
    """The size of the objects that were copied."""

    def list_names(self, outcome: Outcome) -> list[str]:
        """The names of the objects with this outcome."""
        return [name for name, result in self.outcomes.items() if result is outcome]


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

    Of scores it copies about.json, the finished parts, the pieces of unfinished parts, and raw logits; not the pieces
    of forced runs, which only their own run can use. Of a model it copies the files, then the manifest, which marks it
    as complete.

    Args:
        begin: called once, with the number of bytes to copy.
        report: called with the number of bytes copied since its last call, from several threads.

    Raises:
        SettingsError: source and target are the same store.
        StoreError: a store cannot be read or written, has no room, or does not keep the bytes that it was given.
    """
    if source.locate(SCORES) == target.locate(SCORES):
        raise SettingsError(f"a copy needs another store, found {target.locate(SCORES)} twice: name another")
    files = [model.list_files(source) for model in models]
    target.check_writable()
    at_target = {stored.name for held in scores for stored in target.list(f"{SCORES}/{held.address}/")}
    wanted = [stored for held in scores for stored in _choose_objects(held, at_target)]
    everything = wanted + [stored for objects in files for stored in objects]
    _check_room(target, everything)
    begin(sum(stored.size_bytes for stored in everything))

    transfer, catalogue = Transfer(source, target, report), ScoreStore(source)
    transfer.copy(wanted)
    for _ in range(_ROUNDS):
        changed = {name.split("/")[1] for name, outcome in transfer.outcomes.items() if outcome is Outcome.GONE}
        changed_scores = [held for held in map(catalogue.find_address, sorted(changed)) if held]
        transfer.copy(
            stored
            for held in changed_scores
            for stored in _choose_objects(held, at_target)
            if stored.name not in transfer.outcomes
        )
    for *weights, manifest in files:
        transfer.copy(weights)
        if all(transfer.outcomes[stored.name] in (Outcome.COPIED, Outcome.THERE) for stored in weights):
            transfer.copy([manifest])
    return Copied(outcomes=_drop_merged_pieces(transfer.outcomes), size_bytes=transfer.size_bytes)


def _choose_objects(held: StoredScores, at_target: Container[str]) -> list[Stored]:
    """The objects to copy of an address; pieces only of parts that neither store has finished."""
    return (
        held.description
        + held.finished
        + [piece for piece in held.open_pieces if _name_part(piece.name) not in at_target]
        + held.logits
    )


def _drop_merged_pieces(outcomes: dict[str, Outcome]) -> dict[str, Outcome]:
    """The outcomes without the pieces that a run merged meanwhile: the outcome of the finished part stays."""
    return {
        name: outcome
        for name, outcome in outcomes.items()
        if outcome is not Outcome.GONE or _name_part(name) not in outcomes
    }


def _name_part(piece: str) -> str:
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
