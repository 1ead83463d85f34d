"""What people see of the scores in a store: what each address holds, and what it stands for."""

import dataclasses
import difflib
import json
import re
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from byheart.contracts.errors import SettingsError, StoreError
from byheart.contracts.json_files import to_json
from byheart.contracts.version import CONTRACT_VERSION
from byheart.scores.parts import FOLDER
from byheart.store import Store
from byheart.store.in_order import map_in_order
from byheart.store.stored import Stored

_ABOUT = "about.json"
"""The file of an address that describes it for people."""
_FINISHED = re.compile(r"[^/]+/part-\d+\.parquet")
_OLDER = re.compile(r"part-\d+\.parquet")
"""Parts of contract 1, which had no kinds and no pieces."""
_PIECE = re.compile(r"(?P<part>[^/]+/part-\d+)\.pieces/(?P<run>[^/]+/)?[^/]+\.parquet")
"""Of a forced run where `run` is there."""
_READERS = 8
"""Descriptions that are read at once."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Held:
    """What a store holds at an address."""

    address: str
    objects: list[Stored]

    @property
    def parts(self) -> int:
        """Finished parts."""
        return len(self.finished) + len(self._matching(_OLDER))

    @property
    def pieces(self) -> int:
        """Pieces of parts that are not finished."""
        return sum(".pieces/" in stored.name for stored in self.objects)

    @property
    def description(self) -> list[Stored]:
        """about.json, where it is there."""
        return [stored for stored in self.objects if self._inner(stored) == _ABOUT]

    @property
    def finished(self) -> list[Stored]:
        """The objects of finished parts."""
        return self._matching(_FINISHED)

    @property
    def open_pieces(self) -> list[Stored]:
        """Pieces that the next run takes for computed: their parts are not finished."""
        return self._pieces(orphaned=False)

    @property
    def orphans(self) -> list[Stored]:
        """Pieces that a run without `force` never reads: of forced runs, or of parts that are finished."""
        return self._pieces(orphaned=True)

    @property
    def is_older(self) -> bool:
        """Whether an earlier contract wrote it: this release reads none of it."""
        return bool(self._matching(_OLDER))

    @property
    def size_bytes(self) -> int:
        """What all of it takes."""
        return sum(stored.size_bytes for stored in self.objects)

    @property
    def changed(self) -> datetime:
        """When the last of it was written."""
        return max(stored.created for stored in self.objects)

    def _inner(self, stored: Stored) -> str:
        """The object's name below the address."""
        return stored.name.removeprefix(f"{FOLDER}/{self.address}/")

    def _matching(self, pattern: re.Pattern[str]) -> list[Stored]:
        return [stored for stored in self.objects if pattern.fullmatch(self._inner(stored))]

    def _pieces(self, *, orphaned: bool) -> list[Stored]:
        finished = {self._inner(part).removesuffix(".parquet") for part in self.finished}

        def is_orphan(piece: Stored) -> bool:
            matched = _PIECE.fullmatch(self._inner(piece))
            return bool(matched and (matched["run"] or matched["part"] in finished))

        return [piece for piece in self._matching(_PIECE) if is_orphan(piece) == orphaned]


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
            SettingsError: nothing is asked for.
            StoreError: there is none, or several.
        """
        return self.choose([beginning])[0]

    def choose(self, beginnings: Iterable[str]) -> list[Held]:
        """The addresses that begin so, each once.

        Raises:
            SettingsError: one of the beginnings is empty.
            StoreError: none begins so, or several do.
        """
        held = {kept.address: kept for kept in self.held()}
        chosen: dict[str, Held] = {}
        for beginning in beginnings:
            text = beginning.strip().removeprefix(f"{FOLDER}/").rstrip("/")
            if not text:
                raise SettingsError("an address must be given, found none: `byheart store list` names them")
            matching = sorted(address for address in held if address.startswith(text))
            if len(matching) != 1:
                raise self._unclear(text, matching, list(held))
            chosen[matching[0]] = held[matching[0]]
        return list(chosen.values())

    def _unclear(self, beginning: str, matching: list[str], addresses: list[str]) -> StoreError:
        where = self.store.locate(FOLDER)
        if len(matching) > 1:
            some = ", ".join(matching[:3]) + ", ..." * (len(matching) > 3)
            return StoreError(
                f"an address must be the only one that begins with {beginning!r}, found {len(matching):,}: {some}: "
                "give more of it"
            )
        if not addresses:
            return StoreError(f"an address must be at {where}, found no scores there yet: check the store")
        near = difflib.get_close_matches(beginning, [address[: len(beginning)] for address in addresses], 1)
        like = next((address for address in addresses if near and address.startswith(near[0])), "")
        return StoreError(
            f"an address must begin with {beginning!r}, found none of the {len(addresses):,} at {where}"
            + (f", the nearest is {like}" if like else "")
            + ": `byheart store list` names them"
        )

    def held_at(self, address: str) -> Held | None:
        """What is at an address now."""
        objects = list(self.store.list(f"{FOLDER}/{address}/"))
        return Held(address=address, objects=objects) if objects else None

    def about(self, held: Held) -> dict[str, Any]:
        """What about.json says of an address; nothing where a run was ended before it was written, or it is damaged."""
        for description in held.description:
            try:
                about = json.loads(self.store.read(description.name))
            except ValueError:
                return {}
            return about if isinstance(about, dict) else {}
        return {}

    def abouts(self, held: Iterable[Held]) -> list[dict[str, Any]]:
        """What about.json says of each, several read at once."""
        return list(map_in_order(self.about, held, threads=_READERS, ahead=_READERS))

    def describe(self, address: str, about: dict[str, Any]) -> None:
        """Write about.json, unless it is there."""
        name = f"{FOLDER}/{address}/{_ABOUT}"
        if not self.store.exists(name):
            content = {"contract": CONTRACT_VERSION, **about}
            self.store.create(name, to_json(content))

    def locate(self, held: Held) -> str:
        """The full place of an address, for people."""
        return self.store.locate(f"{FOLDER}/{held.address}")
