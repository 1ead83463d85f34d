"""What people see of the scores in a store: what each address holds, what it stands for, and how to be rid of it."""

import dataclasses
import json
import re
from datetime import datetime
from typing import Any

from byheart.contracts.errors import StoreError
from byheart.contracts.json_files import to_json
from byheart.contracts.version import CONTRACT_VERSION
from byheart.scores.parts import FOLDER
from byheart.store import Store
from byheart.store.stored import Stored

_ABOUT = "about.json"
"""The file of an address that describes it for people."""
_FINISHED = re.compile(r"[^/]+/part-\d+\.parquet")
_OLDER = re.compile(r"part-\d+\.parquet")
"""Parts of contract 1, which had no kinds and no pieces."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Held:
    """What a store holds at an address."""

    address: str
    objects: list[Stored]

    def _count(self, pattern: re.Pattern[str]) -> int:
        folder = f"{FOLDER}/{self.address}/"
        return sum(bool(pattern.fullmatch(stored.name.removeprefix(folder))) for stored in self.objects)

    @property
    def parts(self) -> int:
        """Finished parts."""
        return self._count(_FINISHED) + self._count(_OLDER)

    @property
    def pieces(self) -> int:
        """Pieces of parts that are not finished."""
        return sum(".pieces/" in stored.name for stored in self.objects)

    @property
    def is_older(self) -> bool:
        """Whether an earlier contract wrote it: this release reads none of it."""
        return self._count(_OLDER) > 0

    @property
    def size_bytes(self) -> int:
        """What all of it takes."""
        return sum(stored.size_bytes for stored in self.objects)

    @property
    def changed(self) -> datetime:
        """When the last of it was written."""
        return max(stored.created for stored in self.objects)


class Catalogue:
    """The addresses of a store: the part of `ScoreStore` that people call."""

    def __init__(self, store: Store) -> None:
        self.store = store

    def held(self) -> list[Held]:
        """All addresses, the latest first."""
        by_address: dict[str, list[Stored]] = {}
        for stored in self.store.list(f"{FOLDER}/"):
            by_address.setdefault(stored.name.split("/")[1], []).append(stored)
        found = [Held(address=address, objects=objects) for address, objects in by_address.items()]
        return sorted(found, key=lambda held: held.changed, reverse=True)

    def find(self, beginning: str) -> Held:
        """The address that begins so.

        Raises:
            StoreError: there is none, or several.
        """
        found = [held for held in self.held() if held.address.startswith(beginning)]
        if len(found) != 1:
            addresses = ", ".join(sorted(held.address for held in found)[:3]) or "none"
            raise StoreError(
                f"an address must begin with {beginning!r} and be the only one, found {addresses}: `store ls` lists "
                "them"
            )
        return found[0]

    def about(self, held: Held) -> dict[str, Any]:
        """What about.json says of an address; nothing where a run was ended before it was written."""
        name = f"{FOLDER}/{held.address}/{_ABOUT}"
        there = any(stored.name == name for stored in held.objects)
        return json.loads(self.store.read(name)) if there else {}

    def describe(self, address: str, about: dict[str, Any]) -> None:
        """Write about.json, unless it is there."""
        name = f"{FOLDER}/{address}/{_ABOUT}"
        if not self.store.exists(name):
            content = {"contract": CONTRACT_VERSION, **about}
            self.store.create(name, to_json(content))

    def remove(self, held: Held) -> None:
        """Delete everything at an address."""
        for stored in held.objects:
            self.store.delete(stored.name)

    def locate(self, held: Held) -> str:
        """The full place of an address, for people."""
        return self.store.locate(f"{FOLDER}/{held.address}")
