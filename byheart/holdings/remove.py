"""Removes what a store holds: by name, or by the time since it was last changed."""

import dataclasses
import re
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

from byheart.contracts.errors import SettingsError
from byheart.holdings.contents import Contents, KeptModel
from byheart.scores.catalogue import StoredScores
from byheart.store import Store
from byheart.store.stored import Stored

RECENT = timedelta(minutes=10)
"""What was changed within it may be written right now: a run that scores writes every 15 seconds or so, and one that
brings a model after 16 MiB."""
_UNITS = {"h": "hours", "d": "days", "w": "weeks"}
_AT_ONCE = 8


@dataclasses.dataclass(frozen=True, kw_only=True)
class Removal:
    """What is to be removed."""

    scores: Sequence[StoredScores] = ()
    """Whole addresses."""
    models: Sequence[KeptModel] = ()
    orphans: Sequence[Stored] = ()
    """Pieces, of addresses that stay, that no run reads any more."""
    compiled: Sequence[Stored] = ()
    leftovers: Sequence[Stored] = ()
    """Hidden files of writes that were ended."""

    @property
    def objects(self) -> list[Stored]:
        """All of it."""
        whole: list[StoredScores | KeptModel] = [*self.scores, *self.models]
        return [*(stored for kept in whole for stored in kept.objects), *self.orphans, *self.compiled, *self.leftovers]

    @property
    def size_bytes(self) -> int:
        """What all of it takes."""
        return sum(stored.size_bytes for stored in self.objects)

    @property
    def changed(self) -> datetime:
        """When the last of it was written."""
        return max(stored.created for stored in self.objects)

    @property
    def is_recent(self) -> bool:
        """Whether some of it may be written right now."""
        return bool(self.objects) and datetime.now(UTC) - self.changed < RECENT


def parse_age(text: str) -> timedelta:
    """The time that `30d`, `2w` or `12h` says.

    Raises:
        SettingsError: it says none.
    """
    matched = re.fullmatch(r"(\d{1,5})([hdw])", text.strip())
    if not matched:
        raise SettingsError(
            f"an age must be a number of hours, days or weeks, as 12h, 30d or 2w, found {text!r}: write it so",
            parameter="older_than",
        )
    return timedelta(**{_UNITS[matched[2]]: int(matched[1])})


def choose_older(contents: Contents, age: timedelta) -> Removal:
    """What has not been changed for that long: scores, pieces that no run reads, compiled programs, leftovers.

    A model stays, since it is not changed by being used, and so does the record of a run that was submitted, which
    keeps it from being submitted again.
    """
    before = datetime.now(UTC) - age

    def older(objects: Iterable[Stored]) -> list[Stored]:
        return [stored for stored in objects if stored.created < before]

    return Removal(
        scores=[held for held in contents.scores if held.changed < before],
        orphans=_older_orphans([held for held in contents.scores if held.changed >= before], before),
        compiled=[program for group in contents.compiled for program in older(group.objects)],
        leftovers=older([*contents.leftovers, *(file for model in contents.models for file in model.leftovers)]),
    )


def _older_orphans(scores: Iterable[StoredScores], before: datetime) -> list[Stored]:
    """Pieces that no run reads any more; those of a forced run that still writes are none of them."""
    orphans = [piece for held in scores for piece in held.orphans]
    changed: dict[str, datetime] = {}
    for piece in orphans:
        group = _forced_run(piece) or piece.name
        changed[group] = max(changed.get(group, piece.created), piece.created)
    return [piece for piece in orphans if changed[_forced_run(piece) or piece.name] < before]


def _forced_run(piece: Stored) -> str:
    """The forced run that wrote a piece; empty for another."""
    return piece.name.partition(".pieces/")[2].rpartition("/")[0]


def remove(store: Store, removal: Removal) -> None:
    """Delete all of it.

    A kill leaves nothing that a run takes for whole: a model's manifest goes first, and what describes an address last.

    Raises:
        StoreError: the store does not permit it.
    """
    manifests = [stored for model in removal.models for stored in model.manifest]
    descriptions = [stored for held in removal.scores for stored in held.description]
    apart = {*manifests, *descriptions}
    others = [stored for stored in removal.objects if stored not in apart]
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        for objects in (manifests, others, descriptions):
            for _ in pool.map(lambda stored: store.delete(stored.name), objects):
                pass
