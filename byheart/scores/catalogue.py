"""The addresses in a store of scores: what they hold, and descriptions for people."""

import dataclasses
import difflib
import json
import re
from collections.abc import Iterable
from typing import Any

from byheart.contracts.errors import SettingsError, StoreError
from byheart.contracts.foreign import spell_out
from byheart.contracts.json_files import to_json
from byheart.contracts.version import CONTRACT_VERSION
from byheart.scores.logits import IN_ADDRESS
from byheart.scores.parts import FOLDER
from byheart.store import Store
from byheart.store.in_order import map_in_order
from byheart.store.stored import Stored, StoredGroup, group_by_folder

_ABOUT = "about.json"
"""The file of an address that describes it for people."""
_OBJECTS = ("book", "model", "settings")
"""Its fields that are objects."""
_MOST_BYTES = 2**20
"""A larger one is not read."""
_FINISHED = re.compile(r"[^/]+/part-\d+\.parquet")
_OLDER = re.compile(r"part-\d+\.parquet")
"""A part under contract 1, which had no kinds and no pieces."""
_PIECE = re.compile(r"(?P<part>[^/]+/part-\d+)\.pieces/(?P<run>[^/]+/)?[^/]+\.parquet")
"""A piece; `run` matches for a forced run."""
_READERS = 8
"""How many descriptions are read at once."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class StoredScores(StoredGroup):
    """What a store holds at an address."""

    address: str

    @property
    def parts(self) -> int:
        """How many parts are finished."""
        return len(self.finished) + len(self._matching(_OLDER))

    @property
    def pieces(self) -> int:
        """How many pieces there are."""
        return sum(".pieces/" in stored.name for stored in self.objects)

    @property
    def description(self) -> list[Stored]:
        """The object of about.json; empty if there is none."""
        return [stored for stored in self.objects if self._inner(stored) == _ABOUT]

    @property
    def finished(self) -> list[Stored]:
        """The objects of finished parts."""
        return self._matching(_FINISHED)

    @property
    def logits(self) -> list[Stored]:
        """The objects of raw logits."""
        return self._matching(IN_ADDRESS)

    @property
    def open_pieces(self) -> list[Stored]:
        """The pieces that the next run reuses: their parts are not finished."""
        return self._pieces(orphaned=False)

    @property
    def orphans(self) -> list[Stored]:
        """The pieces that a run without `force` never reads: of forced runs, or of finished parts."""
        return self._pieces(orphaned=True)

    @property
    def is_older(self) -> bool:
        """Whether an earlier contract wrote the address, which this release cannot read."""
        return bool(self._matching(_OLDER))

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
    """The addresses of a store, for commands."""

    def __init__(self, store: Store) -> None:
        self.store = store

    def list_addresses(self) -> list[StoredScores]:
        """All addresses, latest first."""
        by_address = group_by_folder(self.store.list(f"{FOLDER}/"))
        scores = [StoredScores(address=address, objects=objects) for address, objects in by_address.items()]
        return sorted(scores, key=lambda stored: stored.changed, reverse=True)

    def find(self, beginning: str) -> StoredScores:
        """The address with this beginning.

        Raises:
            SettingsError: the beginning is empty.
            StoreError: no address has the beginning, or several have.
        """
        return self.choose([beginning])[0]

    def choose(self, beginnings: Iterable[str]) -> list[StoredScores]:
        """The addresses with these beginnings, without duplicates.

        Raises:
            SettingsError: a beginning is empty.
            StoreError: no address has a beginning, or several have.
        """
        by_address = {scores.address: scores for scores in self.list_addresses()}
        chosen: dict[str, StoredScores] = {}
        for beginning in beginnings:
            text = beginning.strip().removeprefix(f"{FOLDER}/").rstrip("/")
            if not text:
                raise SettingsError("an address must be given, found none: `byheart store list` names them")
            matching = sorted(address for address in by_address if address.startswith(text))
            if len(matching) != 1:
                raise self._make_unclear_error(text, matching, list(by_address))
            chosen[matching[0]] = by_address[matching[0]]
        return list(chosen.values())

    def _make_unclear_error(self, beginning: str, matching: list[str], addresses: list[str]) -> StoreError:
        location = self.store.locate(FOLDER)
        if len(matching) > 1:
            some = ", ".join(matching[:3]) + ", ..." * (len(matching) > 3)
            return StoreError(
                f"an address must be the only one that begins with {beginning!r}, found {len(matching):,}: {some}: "
                "give more of it"
            )
        if not addresses:
            return StoreError(f"an address must be at {location}, found no scores there yet: check the store")
        near = difflib.get_close_matches(beginning, [address[: len(beginning)] for address in addresses], 1)
        like = next((address for address in addresses if near and address.startswith(near[0])), "")
        return StoreError(
            f"an address must begin with {beginning!r}, found none of the {len(addresses):,} at {location}"
            + (f", the nearest is {like}" if like else "")
            + ": `byheart store list` names them"
        )

    def find_address(self, address: str) -> StoredScores | None:
        """What the store holds at an address; None if nothing."""
        objects = list(self.store.list(f"{FOLDER}/{address}/"))
        return StoredScores(address=address, objects=objects) if objects else None

    def read_about(self, scores: StoredScores) -> dict[str, Any]:
        """The content of about.json; empty if it is missing, as after a killed run, or is not what a run writes."""
        for description in scores.description:
            if description.size_bytes > _MOST_BYTES:
                continue
            try:
                about = json.loads(self.store.read(description.name))
            except (ValueError, RecursionError):
                continue
            if isinstance(about, dict) and all(isinstance(about.get(name, {}), dict) for name in _OBJECTS):
                spelled: dict[str, Any] = _spell_out(about)
                return spelled
        return {}

    def read_abouts(self, scores: Iterable[StoredScores]) -> list[dict[str, Any]]:
        """The content of about.json of several addresses, read in parallel."""
        return list(map_in_order(self.read_about, scores, threads=_READERS, ahead=_READERS))

    def describe(self, address: str, about: dict[str, Any]) -> None:
        """Write about.json if it does not exist."""
        name = f"{FOLDER}/{address}/{_ABOUT}"
        if not self.store.exists(name):
            content = {"contract": CONTRACT_VERSION, **about}
            self.store.create(name, to_json(content))

    def locate(self, scores: StoredScores) -> str:
        """The full location of an address, for people."""
        return self.store.locate(f"{FOLDER}/{scores.address}")


def _spell_out(value: Any) -> Any:
    """A JSON value whose texts can be printed: a terminal obeys control characters, whoever wrote them."""
    if isinstance(value, dict):
        return {_spell_out(name): _spell_out(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_spell_out(item) for item in value]
    return spell_out(value, kept="") if isinstance(value, str) else value
