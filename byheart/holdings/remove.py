"""Removes objects from a store, by name or by the time since their last change."""

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
"""Objects changed within this time may still be written to: a run that scores writes every 15 seconds or so, and a run
that downloads a model after every 16 MiB."""
_UNITS = {"h": "hours", "d": "days", "w": "weeks"}
_AT_ONCE = 8


@dataclasses.dataclass(frozen=True, kw_only=True)
class Removal:
    """The objects to remove."""

    scores: Sequence[StoredScores] = ()
    """Whole addresses."""
    models: Sequence[KeptModel] = ()
    orphans: Sequence[Stored] = ()
    """Pieces that no run reads any more, of addresses that are kept."""
    leftovers: Sequence[Stored] = ()
    """Hidden files of interrupted writes, and what only older releases read."""

    @property
    def objects(self) -> list[Stored]:
        """All objects to remove."""
        whole: list[StoredScores | KeptModel] = [*self.scores, *self.models]
        return [*(stored for kept in whole for stored in kept.objects), *self.orphans, *self.leftovers]

    @property
    def size_bytes(self) -> int:
        """The size of all objects."""
        return sum(stored.size_bytes for stored in self.objects)

    @property
    def changed(self) -> datetime:
        """The time of the latest write."""
        return max(stored.created for stored in self.objects)

    @property
    def is_recent(self) -> bool:
        """Whether a run may be writing some of the objects now."""
        return bool(self.objects) and datetime.now(UTC) - self.changed < RECENT


def parse_age(text: str) -> timedelta:
    """The time that a text such as `30d`, `2w` or `12h` states.

    Raises:
        SettingsError: the text is written in another way.
    """
    matched = re.fullmatch(r"(\d{1,5})([hdw])", text.strip())
    if not matched:
        raise SettingsError(
            f"an age must be a number of hours, days or weeks, as 12h, 30d or 2w, found {text!r}: write it so",
            parameter="older_than",
        )
    return timedelta(**{_UNITS[matched[2]]: int(matched[1])})


def choose_older(contents: Contents, age: timedelta) -> Removal:
    """The objects unchanged for that long: scores, pieces that no run reads, leftovers.

    Models are kept, since using a model does not change it; so are records of submitted runs, which prevent a second
    submission.
    """
    before = datetime.now(UTC) - age

    def choose(objects: Iterable[Stored]) -> list[Stored]:
        return [stored for stored in objects if stored.created < before]

    return Removal(
        scores=[held for held in contents.scores if held.changed < before],
        orphans=_choose_old_orphans([held for held in contents.scores if held.changed >= before], before),
        leftovers=choose([*contents.leftovers, *(file for model in contents.models for file in model.leftovers)]),
    )


def _choose_old_orphans(scores: Iterable[StoredScores], before: datetime) -> list[Stored]:
    """Pieces that no run reads any more; none of a forced run that may still be writing."""
    orphans = [piece for held in scores for piece in held.orphans]
    changed: dict[str, datetime] = {}
    for piece in orphans:
        group = _name_forced_run(piece) or piece.name
        changed[group] = max(changed.get(group, piece.created), piece.created)
    return [piece for piece in orphans if changed[_name_forced_run(piece) or piece.name] < before]


def _name_forced_run(piece: Stored) -> str:
    """The name of the forced run that wrote a piece; empty for other pieces."""
    return piece.name.partition(".pieces/")[2].rpartition("/")[0]


def remove(store: Store, removal: Removal) -> None:
    """Delete the objects.

    A model's manifest goes first, and an address's about.json last, so that after a kill no run takes the rest for
    complete.

    Raises:
        StoreError: the store does not permit it.
    """
    manifests = [stored for model in removal.models for stored in model.manifest]
    descriptions = [stored for held in removal.scores for stored in held.description]
    ordered = {*manifests, *descriptions}
    others = [stored for stored in removal.objects if stored not in ordered]
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        for objects in (manifests, others, descriptions):
            for _ in pool.map(lambda stored: store.delete(stored.name), objects):
                pass
