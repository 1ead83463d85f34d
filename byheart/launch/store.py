"""The store at hand: what it holds, what a fingerprint stands for, and how to be rid of it."""

import dataclasses
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from byheart.contracts.errors import SettingsError, StoreError
from byheart.contracts.progress import duration, size
from byheart.scores.scores import SCORES, about_name, folder_name
from byheart.store import Store, open_store
from byheart.store.stored import Stored


@dataclasses.dataclass(frozen=True, kw_only=True)
class Scored:
    """The scores at one address of a store."""

    address: str
    objects: list[Stored]

    @property
    def parts(self) -> int:
        """How many parts are there."""
        return sum(stored.name != about_name(self.address) for stored in self.objects)

    @property
    def size_bytes(self) -> int:
        """What they take."""
        return sum(stored.size_bytes for stored in self.objects)

    @property
    def changed(self) -> datetime:
        """When the last of them was written."""
        return max(stored.created for stored in self.objects)


def list_scores(store: str) -> None:
    """Print a line for each address, the latest first."""
    place = open_store(store)
    found = sorted(_all_scores(place), key=lambda scored: scored.changed, reverse=True)
    for scored in found:
        about = _about(place, scored)
        book, model = about.get("book", {}).get("name", "?"), about.get("model", {}).get("source", "?")
        print(
            f"{scored.address}  {scored.parts:>5} of {about.get('parts', '?')} parts  {size(scored.size_bytes):>9}  "
            f"{_age(scored.changed):>9} old  {about.get('what', '?')} of {book} under {model}"
        )
    print(f"{len(found):,} addresses, {size(sum(scored.size_bytes for scored in found))} in {store}")


def show_scores(store: str, beginning: str) -> None:
    """Print what is kept at the address that begins so."""
    place = open_store(store)
    scored = _the_one(place, beginning)
    print(json.dumps(_about(place, scored), indent=2, ensure_ascii=False))
    print(f"{scored.parts:,} parts, {size(scored.size_bytes)}, the last {_age(scored.changed)} old, at", end=" ")
    print(place.locate(folder_name(scored.address)))


def remove_scores(store: str, beginning: str, *, sure: bool) -> None:
    """Delete what is kept at the address that begins so, once the person at the terminal has said yes."""
    place = open_store(store)
    scored = _the_one(place, beginning)
    about = _about(place, scored)
    print(f"{scored.parts:,} parts, {size(scored.size_bytes)}: {about.get('what', '?')} of {about.get('book')}")
    if not sure and not _agreed(f"remove {place.locate(folder_name(scored.address))}?"):
        print("nothing was removed")
        return
    for stored in scored.objects:
        place.delete(stored.name)
    print(f"removed {len(scored.objects):,} objects; the next run that wants them computes them anew")


def _agreed(question: str) -> bool:
    try:
        return input(f"{question} [y/N] ").strip().lower() == "y"
    except EOFError:
        raise SettingsError("store rm asks before it removes, found nobody to ask: give --yes") from None


def _all_scores(store: Store) -> Iterator[Scored]:
    by_address: dict[str, list[Stored]] = {}
    for stored in store.list(f"{SCORES}/"):
        by_address.setdefault(stored.name.split("/")[1], []).append(stored)
    return (Scored(address=address, objects=objects) for address, objects in by_address.items())


def _the_one(store: Store, beginning: str) -> Scored:
    found = [scored for scored in _all_scores(store) if scored.address.startswith(beginning)]
    if len(found) != 1:
        addresses = ", ".join(scored.address for scored in found[:3]) or "none"
        raise StoreError(
            f"an address must begin with {beginning!r} and be the only one, found {addresses}: `store ls` lists them"
        )
    return found[0]


def _about(store: Store, scored: Scored) -> dict[str, Any]:
    """What `extract` has said of the scores; nothing where it was ended before it could."""
    name = about_name(scored.address)
    return json.loads(store.read(name)) if any(stored.name == name for stored in scored.objects) else {}


def _age(since: datetime) -> str:
    seconds = (datetime.now(UTC) - since).total_seconds()
    return f"{seconds / 86400:.0f} days" if seconds >= 2 * 86400 else duration(max(seconds, 0.0))
