"""What a store holds, all of it.

scores/ADDRESS/...               scores, in parts and pieces: `byheart.scores`
models/ORGANISATION--NAME@COMMIT/...   a model that was brought from the Hub
compiled/DEVICE-jax-VERSION/...  programs that were compiled for such devices
runs/DIGEST/...                  that a run file was submitted, so that it is submitted once
hashes/...                       the hashes of models that are used where they are
"""

import dataclasses
import json
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from byheart.contracts.errors import SettingsError, StoreError
from byheart.models.known import KNOWN
from byheart.scores.catalogue import StoredScores
from byheart.scores.parts import FOLDER as SCORES
from byheart.scores.store import ScoreStore
from byheart.store import Store
from byheart.store.stored import Stored

MODELS, COMPILED, RUNS, HASHES = "models", "compiled", "runs", "hashes"
FOLDERS = (SCORES, MODELS, COMPILED, RUNS, HASHES)
_MANIFEST = "manifest.json"
"""The last file of a model that is written: with it the model is whole."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Group:
    """The objects of a folder, such as the programs that were compiled for one kind of device."""

    name: str
    """Of the folder, without the one above it."""
    objects: list[Stored]

    @property
    def size_bytes(self) -> int:
        """What all of it takes."""
        return sum(stored.size_bytes for stored in self.objects)

    @property
    def changed(self) -> datetime:
        """When the last of it was written."""
        return max(stored.created for stored in self.objects)


@dataclasses.dataclass(frozen=True, kw_only=True)
class KeptModel(Group):
    """A model from the Hub; its objects are files, and what is there of files that are not whole yet."""

    @property
    def title(self) -> str:
        """The model as people write it: `organisation/name@commit`."""
        return self.name.replace("--", "/", 1)

    @property
    def is_whole(self) -> bool:
        """Whether all of it was brought."""
        return bool(self.manifest)

    @property
    def manifest(self) -> list[Stored]:
        """manifest.json, where it is there."""
        return [stored for stored in self.objects if stored.name == f"{MODELS}/{self.name}/{_MANIFEST}"]

    @property
    def leftovers(self) -> list[Stored]:
        """What is there of files that are not whole: hidden files in a folder, pieces at gs://."""
        return [stored for stored in self.objects if "/." in stored.name or ".pieces/" in stored.name]

    def files(self, store: Store) -> list[Stored]:
        """The files that the manifest names, and the manifest as the last.

        Raises:
            StoreError: the manifest cannot be read, or a file is missing or of another size.
        """
        where = store.locate(f"{MODELS}/{self.name}")
        try:
            named = json.loads(store.read(self.manifest[0].name))["files"]
            sizes = {f"{MODELS}/{self.name}/{file}": int(entry["size_bytes"]) for file, entry in named.items()}
        except (ValueError, KeyError, TypeError, AttributeError):
            raise StoreError(f"{where} must have a readable {_MANIFEST}, found a damaged one: fetch it again") from None
        there = {stored.name: stored for stored in self.objects}
        for name, size_bytes in sizes.items():
            if name not in there or there[name].size_bytes != size_bytes:
                there_bytes = f"{there[name].size_bytes:,}" if name in there else "none"
                raise StoreError(
                    f"{store.locate(name)} must have {size_bytes:,} bytes, found {there_bytes}: fetch it again"
                )
        return [there[name] for name in sizes] + self.manifest


@dataclasses.dataclass(frozen=True, kw_only=True)
class Contents:
    """What a store holds."""

    scores: list[StoredScores]
    """The latest first."""
    models: list[KeptModel]
    compiled: list[Group]
    runs: list[Group]
    hashes: list[Stored]
    leftovers: list[Stored]
    """Hidden files of writes that were ended, or are going on; those of models are with them."""

    @property
    def size_bytes(self) -> int:
        """What all of it takes."""
        kept: Sequence[StoredScores | Group] = [*self.scores, *self.models, *self.compiled, *self.runs]
        loose = sum(stored.size_bytes for stored in (*self.hashes, *self.leftovers))
        return sum(group.size_bytes for group in kept) + loose


def contents_of(store: Store) -> Contents:
    """What the store holds.

    Raises:
        StoreError: it cannot be listed, or other things are there and nothing of byheart's.
    """
    leftovers = [stored for folder in FOLDERS for stored in store.leftovers(f"{folder}/")]
    of_models = [stored for stored in leftovers if stored.name.startswith(f"{MODELS}/")]
    contents = Contents(
        scores=ScoreStore(store).list_addresses(),
        models=[
            KeptModel(name=name, objects=objects)
            for name, objects in _by_folder([*store.list(f"{MODELS}/"), *of_models]).items()
        ],
        compiled=_groups(store, COMPILED),
        runs=_groups(store, RUNS),
        hashes=list(store.list(f"{HASHES}/")),
        leftovers=[stored for stored in leftovers if stored not in of_models],
    )
    if not contents.size_bytes and not store.is_empty():
        where = store.locate(SCORES).removesuffix(f"/{SCORES}")
        raise StoreError(
            f"store must be one that byheart has written to, with {SCORES}/ or {MODELS}/, found neither among what "
            f"is at {where}: check its name",
            parameter="store",
        )
    return contents


def choose_models(models: Iterable[KeptModel], names: Iterable[str]) -> list[KeptModel]:
    """The models of these names, each once.

    Args:
        names: a short name of models.yaml, `organisation/name` for all its commits, or the beginning of
            `organisation/name@commit` that only one model has.

    Raises:
        StoreError: no model is called so, or several are.
    """
    kept = {model.title: model for model in models}
    chosen: dict[str, KeptModel] = {}
    for text in names:
        name = KNOWN[text].repository if text in KNOWN else text.removeprefix(f"{MODELS}/").replace("--", "/", 1)
        if not name:
            raise SettingsError("a model's name must be given, found none: `byheart store list` names them")
        matching = [title for title in kept if title.split("@")[0] == name]
        matching = matching or [title for title in kept if title.startswith(name)]
        if not matching:
            there = ", ".join(kept) or "none"
            raise StoreError(f"a model must be in the store, found no {text!r}; there: {there}: choose one of them")
        if len({title.split("@")[0] for title in matching}) > 1:
            raise StoreError(
                f"a model must be the only one that begins with {text!r}, found {', '.join(matching)}: give more of it"
            )
        chosen |= {title: kept[title] for title in matching}
    return list(chosen.values())


def model_of(about: dict[str, Any]) -> str:
    """The title of the model that an about.json names; empty where it did not come from the Hub."""
    model = about.get("model", {})
    return f"{model.get('source')}@{model['commit']}" if model.get("commit") else ""


def _groups(store: Store, folder: str) -> list[Group]:
    return [Group(name=name, objects=objects) for name, objects in _by_folder(store.list(f"{folder}/")).items()]


def _by_folder(objects: Iterable[Stored]) -> dict[str, list[Stored]]:
    """Objects by the second folder of their names."""
    groups: dict[str, list[Stored]] = {}
    for stored in objects:
        groups.setdefault(stored.name.split("/")[1], []).append(stored)
    return groups
