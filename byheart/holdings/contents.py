"""Lists everything that a store holds.

scores/ADDRESS/...               scores, in parts and pieces, and raw logits: `byheart.scores`
models/ORGANISATION--NAME@COMMIT/...   a model from the Hub
models/gguf-1--NAME@SHA256/...   what was made of a GGUF file
models/tokenizer--NAME@SHA256/...   a tokenizer that a run took in place of the model's own
models/adapter--ORGANISATION--NAME@COMMIT/...   an adapter from the Hub, without its base
registered/DIGEST.json           what was measured, and when that was first registered
runs/DIGEST/...                  the record that a run file was submitted, so that it is submitted once
hashes/...                       the hashes of models that are used in their own folders
compiled/...                     programs that older releases kept; no run reads them
"""

import dataclasses
import json
from collections.abc import Iterable
from typing import Any

from byheart.contracts.errors import SettingsError, StoreError
from byheart.models.known import KNOWN
from byheart.scores.catalogue import StoredScores
from byheart.scores.parts import FOLDER as SCORES
from byheart.scores.registration import FOLDER as REGISTERED
from byheart.scores.store import ScoreStore
from byheart.store import Store
from byheart.store.stored import Stored, StoredGroup, group_by_folder

MODELS, RUNS, HASHES = "models", "runs", "hashes"
FOLDERS = (SCORES, MODELS, RUNS, REGISTERED, HASHES)
_OLDER = "compiled"
"""The folder of programs that older releases kept: native code of anyone who may write to the store, so none is run."""
_MANIFEST = "manifest.json"
"""The file of a model that is written last: a model with it is complete."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class StoredFolder(StoredGroup):
    """The objects of a folder, such as the records of one submitted run."""

    name: str
    """The folder's name, without its parent."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class KeptModel(StoredFolder):
    """A model from the Hub or a GGUF file, an adapter, or a tokenizer.

    Its objects are its files, and pieces of incomplete ones.
    """

    @property
    def title(self) -> str:
        """The model as people write it: `organisation/name@commit`."""
        return self.name.replace("--", "/", 1)

    @property
    def is_whole(self) -> bool:
        """Whether the model is complete."""
        return bool(self.manifest)

    @property
    def manifest(self) -> list[Stored]:
        """manifest.json, in a list; empty if it does not exist."""
        return [stored for stored in self.objects if stored.name == f"{MODELS}/{self.name}/{_MANIFEST}"]

    @property
    def leftovers(self) -> list[Stored]:
        """Pieces of incomplete files: hidden files in a folder, pieces at gs://."""
        return [stored for stored in self.objects if "/." in stored.name or ".pieces/" in stored.name]

    def list_files(self, store: Store) -> list[Stored]:
        """The files that the manifest names, and the manifest last.

        Raises:
            StoreError: the manifest cannot be read, or a file is missing or of another size.
        """
        where = store.locate(f"{MODELS}/{self.name}")
        try:
            files = json.loads(store.read(self.manifest[0].name))["files"]
            sizes = {f"{MODELS}/{self.name}/{file}": int(entry["size_bytes"]) for file, entry in files.items()}
        except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError):
            raise StoreError(f"{where} must have a readable {_MANIFEST}, found a damaged one: fetch it again") from None
        stored_files = {stored.name: stored for stored in self.objects}
        for name, size_bytes in sizes.items():
            if name not in stored_files or stored_files[name].size_bytes != size_bytes:
                found = f"{stored_files[name].size_bytes:,}" if name in stored_files else "none"
                raise StoreError(f"{store.locate(name)} must have {size_bytes:,} bytes, found {found}: fetch it again")
        return [stored_files[name] for name in sizes] + self.manifest


@dataclasses.dataclass(frozen=True, kw_only=True)
class Contents:
    """What a store holds."""

    scores: list[StoredScores]
    """Latest first."""
    models: list[KeptModel]
    runs: list[StoredFolder]
    registered: list[Stored]
    """The records of what was measured."""
    hashes: list[Stored]
    leftovers: list[Stored]
    """Hidden files of interrupted or unfinished writes, except those of models; and what only older releases read."""

    @property
    def size_bytes(self) -> int:
        """The size of all objects."""
        loose = StoredGroup(objects=[*self.registered, *self.hashes, *self.leftovers])
        groups: list[StoredGroup] = [*self.scores, *self.models, *self.runs, loose]
        return sum(group.size_bytes for group in groups)


def list_contents(store: Store) -> Contents:
    """Everything that the store holds.

    Raises:
        StoreError: the store cannot be listed, or holds only objects that byheart did not write.
    """
    leftovers = [stored for folder in FOLDERS for stored in store.leftovers(f"{folder}/")]
    of_models = [stored for stored in leftovers if stored.name.startswith(f"{MODELS}/")]
    contents = Contents(
        scores=ScoreStore(store).list_addresses(),
        models=[
            KeptModel(name=name, objects=objects)
            for name, objects in group_by_folder([*store.list(f"{MODELS}/"), *of_models]).items()
        ],
        runs=_list_folders(store, RUNS),
        registered=list(store.list(f"{REGISTERED}/")),
        hashes=list(store.list(f"{HASHES}/")),
        leftovers=[*(stored for stored in leftovers if stored not in of_models), *store.list(f"{_OLDER}/")],
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
    """The models that these names match, each model once.

    Args:
        names: a short name of models.yaml, `organisation/name` for all its commits, or the beginning of
            `organisation/name@commit`, if all matches are commits of one model. A model of another hub has the same
            names, and a longer one with the hub's.

    Raises:
        StoreError: a name matches no model, or several.
        SettingsError: a name is empty.
    """
    kept = {model.title: model for model in models}
    chosen: dict[str, KeptModel] = {}
    for text in names:
        name = KNOWN[text].repository if text in KNOWN else text.removeprefix(f"{MODELS}/")
        name = name if "/" in name else name.replace("--", "/", 1)
        if not name:
            raise SettingsError("a model's name must be given, found none: `byheart store list` names them")
        names_of = {title: (title, _leave_out_hub(title)) for title in kept}
        matching = [title for title, both in names_of.items() if name in {other.split("@")[0] for other in both}]
        if not matching:
            matching = [title for title, both in names_of.items() if any(other.startswith(name) for other in both)]
        if not matching:
            titles = ", ".join(kept) or "none"
            raise StoreError(f"a model must be in the store, found no {text!r}; there: {titles}: choose one of them")
        if len({title.split("@")[0] for title in matching}) > 1:
            raise StoreError(
                f"a model must be the only one that begins with {text!r}, found {', '.join(matching)}: give more of it"
            )
        chosen |= {title: kept[title] for title in matching}
    return list(chosen.values())


def _leave_out_hub(title: str) -> str:
    """`organisation/name@commit` of a model that another hub than Hugging Face's gave, whose name stands before it."""
    return title.partition("/")[2].replace("--", "/", 1) if title.startswith("hub-") else title


def read_model_titles(about: dict[str, Any]) -> list[str]:
    """The titles of what a store keeps of the model that an about.json names: of an adapter its own and its base's.

    The title of a model that is not from the Hub is empty.
    """
    model = about.get("model", {})  # an object: `read_about` gives no other
    adapter = model.get("adapter")
    if not isinstance(adapter, dict):
        return [_make_title(model.get("source"), model.get("commit"))]
    base = _make_title(adapter.get("base"), adapter.get("base_commit"))
    name = KeptModel(name=f"adapter--{str(model.get('source')).replace('/', '--')}", objects=[]).title
    return [_make_title(name, model.get("commit")), base]


def _make_title(source: object, commit: object) -> str:
    return f"{source}@{commit}" if commit else ""


def _list_folders(store: Store, folder: str) -> list[StoredFolder]:
    groups = group_by_folder(store.list(f"{folder}/"))
    return [StoredFolder(name=name, objects=objects) for name, objects in groups.items()]
