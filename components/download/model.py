"""Brings a model from the Hugging Face Hub into the store, or uses it in a folder or in huggingface_hub's cache."""

import dataclasses
import re
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from byheart.components.download.adapter import (
    PARAMETER,
    FoundAdapter,
    describe_adapted,
    explain_base,
    fetch_adapter,
    find_kept_adapter,
    name_base,
    use_adapter_folder,
)
from byheart.components.download.cache import NotKeptError, Snapshot, find_snapshot
from byheart.components.download.describe import describe_model, resolve_address
from byheart.components.download.digests import hash_objects
from byheart.components.download.fetch import fetch, is_away, name_folder, name_kept
from byheart.components.download.gguf.convert import choose_tokenizer, use_gguf
from byheart.components.download.gguf.find import choose_gguf, find_gguf
from byheart.components.download.gguf.folder import TOKENIZER, TOKENIZER_CONFIG, GgufFolder
from byheart.components.download.gguf.header import read_gguf
from byheart.components.download.hub import HubRepository
from byheart.components.download.manifest import MANIFEST, read_manifest
from byheart.components.download.tokenizer import FILES
from byheart.components.download.transfer import Hashes
from byheart.contracts.errors import MisfitError, ModelError, StoreError
from byheart.contracts.model import Model
from byheart.contracts.progress import say
from byheart.models.adapted import adapt, check_changes
from byheart.models.adapter import Adapter, is_adapter, is_adapter_at, open_adapter
from byheart.models.address import HubAddress
from byheart.models.folder import CONFIG, ModelFolder, open_model, open_model_at
from byheart.models.weights import INDEX, WEIGHTS
from byheart.store import Place, Store, open_store

_SMALL = (CONFIG, INDEX, *FILES)
_COMMIT = re.compile(r"[0-9a-f]{40}")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Reading:
    """How the user says that a model's files are read."""

    tokenizer: Mapping[str, bytes] = dataclasses.field(default_factory=dict)
    """The files of a tokenizer that is used in place of the model's own, by name; the model need then not have one that
    can be used."""
    ignored: tuple[str, ...] = ()
    """Fields of config.json of unknown meaning that change no score."""
    base: str = ""
    """The base of an adapter; empty for the one that the adapter names."""
    adapter: Adapter | None = None
    """The adapter whose base the model is."""


def bring_model(model: str, store: str, reading: Reading = Reading()) -> Model:
    """Bring a model's files into the store, unless they are on this machine, and return the checked and hashed model.

    Args:
        model: a folder, of a model or of an adapter, a GGUF file, or what `HubAddress.parse` reads as a repository.
        store: receives the files of a repository, and remembers the hashes of other files.

    Raises:
        ModelError: the model cannot be found, read or used.
        StoreError: its folder cannot be read, or the store cannot be written.
        SettingsError: a folder is named with a revision, or a field is ignored that has a meaning.
    """
    if hub := HubAddress.parse(model):
        if hub.file:
            return _use_hub_gguf(hub, store, reading)
        if kept := find_kept_adapter(hub.repository, hub.revision, open_store(store)):
            return _use_adapter(kept, store, reading)
        return _use_hub(hub.repository, hub.revision, store, reading)
    if found := find_gguf(model):
        return _use_gguf(*found, open_store(store), reading, source=model, commit=None)
    return _use_folder(model, store, reading)


def _use_folder(model: str, store: str, reading: Reading) -> Model:
    """The model in a folder, used in place."""
    if (model.startswith("gs://") or Path(model).is_dir()) and is_adapter_at(open_store(model, "model")):
        return _use_adapter(use_adapter_folder(model, open_store(store)), store, reading)
    folder = open_model(model, reading.ignored)
    _check(folder, reading)
    address = model if model.startswith("gs://") else str(Path(model).resolve())
    hashed = hash_objects(open_store(address, "model"), [CONFIG, INDEX, *folder.list_weight_files()], open_store(store))
    return describe_model(folder, hashed, source=model, commit=None, address=address)


def _use_adapter(found: FoundAdapter, store: str, reading: Reading) -> Model:
    """The model that an adapter makes of its base, which is brought like any other model."""
    if reading.adapter:
        raise ModelError(
            f"the base must be a whole model, found the adapter {found.source}: merge it into its own base, and name "
            "the result by base=",
            parameter=PARAMETER,
        )
    adapter = open_adapter(open_store(found.address, "model"), reading.ignored)
    base = reading.base or name_base(adapter.place, adapter.config)
    say(f"{found.source} is a {adapter.title}, merged into {base} while it is loaded")
    try:
        model = bring_model(base, store, dataclasses.replace(reading, base="", adapter=adapter))
    except MisfitError:
        raise
    except ModelError as error:
        raise explain_base(error, base, found) from None
    return describe_adapted(model, found, adapter)


def _use_hub(repository: str, revision: str, store: str, reading: Reading) -> Model:
    """A model of the Hub: from the store or, if the store is local, from huggingface_hub's cache; else fetched."""
    target, snapshot = open_store(store), find_snapshot(repository, revision)
    source = unreachable = None
    commit = revision
    is_commit = bool(_COMMIT.fullmatch(revision))
    in_store = is_commit and target.exists(f"{name_folder(repository, revision)}/{MANIFEST}")
    if not in_store and not (is_commit and snapshot and snapshot.is_listed):
        try:
            source = HubRepository(repository, revision)
            repository, commit = source.repository, source.commit
            snapshot = find_snapshot(repository, commit, source.files)
        except ModelError as error:
            if not snapshot or not is_away(error):
                raise name_kept(error, repository, name_folder(repository, ""), target) from None
            unreachable, commit = error, snapshot.commit
            if not is_commit:
                say(f"the Hub cannot be asked: huggingface_hub's cache has {repository}@{revision} at {commit[:12]}")
    if source and is_adapter(source.files):
        return _use_adapter(fetch_adapter(source, reading.ignored, target), store, reading)
    folder = name_folder(repository, commit)
    hashed = read_manifest(target, folder)
    files = source.files if source else snapshot.files if snapshot else {}
    if hashed is None and (file := choose_gguf(files, repository)):
        return _bring_gguf(source or HubRepository(repository, commit), file, target, reading)
    if hashed is None and snapshot and "://" not in store:
        try:
            return _use_cache(snapshot, target, reading)
        except (NotKeptError, StoreError) as error:
            say(str(error))
    if hashed is None and unreachable:
        raise unreachable
    is_new = hashed is None
    if hashed is None:
        hashed = _bring(source or HubRepository(repository, commit), target, folder, reading)
    address = resolve_address(target, folder)
    model = open_model(address, reading.ignored)
    if is_new:
        model.check_tensors()
    else:
        _check(model, reading)
    return describe_model(model, hashed, source=repository, commit=commit, address=address)


def _use_hub_gguf(hub: HubAddress, store: str, reading: Reading) -> Model:
    """The model in a GGUF file of a repository; if the store has it at the full commit, the Hub is not asked."""
    target = open_store(store)
    folder = name_folder(f"{hub.repository}/{hub.file}", hub.revision)
    if _COMMIT.fullmatch(hub.revision) and read_manifest(target, folder) is not None:
        return _use_kept_gguf(target, folder, reading, hub.repository, hub.revision, hub.file)
    try:
        source = HubRepository(hub.repository, hub.revision)
    except ModelError as error:
        named = f"{hub.repository}/{hub.file}"
        raise name_kept(error, named, name_folder(named, ""), target) from None
    return _bring_gguf(source, hub.file, target, reading)


def _bring_gguf(source: HubRepository, file: str, store: Store, reading: Reading) -> Model:
    """Bring a GGUF file into the store, with the tokenizer beside it, and convert it."""
    if file not in source.files:
        raise ModelError(
            f"{source.repository} must hold {file}, found no such file at {source.commit[:12]}: check its name",
            parameter="model",
        )
    gguf = read_gguf(source, file, reading.ignored)
    GgufFolder(gguf, choose_tokenizer(gguf, reading.tokenizer))  # refuses what cannot be read, before gigabytes arrive
    folder = name_folder(f"{source.repository}/{file}", source.commit)
    if read_manifest(store, folder) is None:
        beside = [str(PurePosixPath(file).with_name(name)) for name in (TOKENIZER, TOKENIZER_CONFIG)]
        fetch(source, [*(name for name in beside if name in source.files), file], store, folder)
    return _use_kept_gguf(store, folder, reading, source.repository, source.commit, file)


def _use_kept_gguf(store: Store, folder: str, reading: Reading, repository: str, commit: str, file: str) -> Model:
    kept = open_store(resolve_address(store, folder), "model")
    return _use_gguf(kept, file, store, reading, source=f"{repository}/{file}", commit=commit)


def _use_gguf(place: Place, file: str, store: Store, reading: Reading, *, source: str, commit: str | None) -> Model:
    return use_gguf(place, file, store, reading.tokenizer, reading.ignored, source=source, commit=commit)


def _use_cache(snapshot: Snapshot, store: Store, reading: Reading) -> Model:
    """The model in huggingface_hub's cache, used in place.

    Raises:
        NotKeptError: the cache lacks a file that a run needs, or a file is damaged.
    """
    if not reading.tokenizer:
        _check_tokenizer(snapshot)
    hashed = _verify(snapshot, [name for name in _SMALL if name in snapshot.files], store)
    if WEIGHTS in snapshot.files:  # `open_model_at` reads its header
        hashed |= _verify(snapshot, [WEIGHTS], store)
    model = open_model_at(snapshot, reading.ignored)
    hashed |= _verify(snapshot, [name for name in model.list_weight_files() if name not in hashed], store)
    _check(model, reading)
    say(f"using {snapshot.repository} at {snapshot.commit[:12]} in huggingface_hub's cache: {snapshot.folder}")
    return describe_model(
        model, hashed, source=snapshot.repository, commit=snapshot.commit, address=str(snapshot.folder)
    )


def _verify(snapshot: Snapshot, names: list[str], store: Store) -> dict[str, str]:
    """The SHA-256 of each file by name, after a check that the file has the hash that the Hub gives.

    Raises:
        NotKeptError: a file is missing, or has another hash.
    """
    for name in names:
        snapshot.find(name)
    hashed = hash_objects(snapshot, [name for name in names if snapshot.files[name].sha256], store)
    for name in names:
        file = snapshot.files[name]
        if not file.sha256:  # a small file, outside large file storage
            hashes = Hashes(file)
            hashes.update(snapshot.read(name))
            hashed[name] = hashes.sha256.hexdigest()
        if hashed[name] != file.sha256 if file.sha256 else not hashes.match():
            raise NotKeptError(f"damaged, and not used: {snapshot.locate(name)}")
    return hashed


def _bring(source: HubRepository, store: Store, folder: str, reading: Reading) -> dict[str, str]:
    """Bring the files that a run needs from a repository into the store, and return the SHA-256 of each by name."""
    model = open_model_at(source, reading.ignored)
    _check(model, reading)
    if not reading.tokenizer:
        _check_tokenizer(source)
    return fetch(source, [name for name in _SMALL if name in source.files] + model.list_weight_files(), store, folder)


def _check_tokenizer(source: HubRepository | Snapshot) -> None:
    if not source.find(TOKENIZER):
        raise ModelError(
            f"{source.repository} must hold {TOKENIZER}, which gives character offsets, found none: choose another, "
            "or say by tokenizer= where it is",
            parameter="model",
        )


def _check(model: ModelFolder, reading: Reading) -> None:
    """Compare the configuration and an adapter with the tensors, and say what another tool would load otherwise."""
    model.check_tensors()
    if reading.adapter:
        adapt(model, reading.adapter).check_tensors()
        check_changes(model, reading.adapter)
    for line in model.notices:
        say(line)
