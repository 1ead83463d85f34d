"""Brings a model from the Hugging Face Hub into the store, or uses it in a folder or in huggingface_hub's cache."""

import json
import re
from pathlib import Path

from huggingface_hub import constants

from byheart.components.download.cache import NotKeptError, Snapshot, find_blob, find_snapshot
from byheart.components.download.digests import hash_objects
from byheart.components.download.hub import HubRepository
from byheart.components.download.transfer import Hashes, bring
from byheart.contracts.errors import ModelError, StoreError
from byheart.contracts.model import Model
from byheart.contracts.progress import Progress, format_size, say
from byheart.contracts.version import code_version
from byheart.models.address import HubAddress
from byheart.models.folder import (
    CONFIG,
    INDEX,
    WEIGHTS,
    ModelFolder,
    hash_files,
    open_model,
    open_model_at,
    read_config,
)
from byheart.models.parameters import count_parameters
from byheart.store import Store, open_store

_MANIFEST = "manifest.json"
_TOKENIZER = "tokenizer.json"
_SMALL = (CONFIG, INDEX, _TOKENIZER, "tokenizer_config.json", "special_tokens_map.json")
_COMMIT = re.compile(r"[0-9a-f]{40}")
_MIB = 2**20


def bring_model(model: str, store: str) -> Model:
    """Bring a model's files into the store, unless they are on this machine, and return the checked and hashed model.

    Args:
        model: a folder, or what `HubAddress.parse` reads as a repository.
        store: receives the files of a repository, and remembers the hashes of other files.

    Raises:
        ModelError: the model cannot be found, read or used.
        StoreError: its folder cannot be read, or the store cannot be written.
        SettingsError: a folder is named with a revision.
    """
    hub = HubAddress.parse(model)
    return _use_hub(hub.repository, hub.revision, store) if hub else _use_folder(model, store)


def _use_folder(model: str, store: str) -> Model:
    """The model in a folder, used in place."""
    folder = open_model(model)
    folder.check_tensors()
    address = model if model.startswith("gs://") else str(Path(model).resolve())
    hashed = hash_objects(open_store(address, "model"), [CONFIG, *folder.list_weight_files()], open_store(store))
    return _describe(folder, hashed, source=model, commit=None, address=address)


def _use_hub(repository: str, revision: str, store: str) -> Model:
    """A model of the Hub: from the store or, if the store is local, from huggingface_hub's cache; else fetched."""
    target, snapshot = open_store(store), find_snapshot(repository, revision)
    source = unreachable = None
    commit = revision
    is_commit = bool(_COMMIT.fullmatch(revision))
    in_store = is_commit and target.exists(f"{_name_folder(repository, revision)}/{_MANIFEST}")
    if not in_store and not (is_commit and snapshot and snapshot.is_listed):
        try:
            source = HubRepository(repository, revision)
            repository, commit = source.repository, source.commit
            snapshot = find_snapshot(repository, commit, source.files)
        except ModelError as error:
            if not snapshot or not (error.may_pass or constants.is_offline_mode()):
                raise
            unreachable, commit = error, snapshot.commit
            if not is_commit:
                say(f"the Hub cannot be asked: huggingface_hub's cache has {repository}@{revision} at {commit[:12]}")
    folder = _name_folder(repository, commit)
    hashed = _read_manifest(target, folder)
    if hashed is None and snapshot and "://" not in store:
        try:
            return _use_cache(snapshot, target)
        except (NotKeptError, StoreError) as error:
            say(str(error))
    if hashed is None and unreachable:
        raise unreachable
    if hashed is None:
        hashed = _bring(source or HubRepository(repository, commit), target, folder)
    address = target.locate(f"{folder}/{_MANIFEST}").removesuffix(f"/{_MANIFEST}")
    address = address if "://" in address else str(Path(address).resolve())
    model = open_model(address)
    model.check_tensors()
    return _describe(model, hashed, source=repository, commit=commit, address=address)


def _use_cache(snapshot: Snapshot, store: Store) -> Model:
    """The model in huggingface_hub's cache, used in place.

    Raises:
        NotKeptError: the cache lacks a file that a run needs, or a file is damaged.
    """
    _check_tokenizer(snapshot)
    hashed = _verify(snapshot, [name for name in _SMALL if name in snapshot.files], store)
    if INDEX not in snapshot.files and WEIGHTS in snapshot.files:  # without an index, `open_model_at` reads its header
        hashed |= _verify(snapshot, [WEIGHTS], store)
    model = open_model_at(snapshot)
    hashed |= _verify(snapshot, [name for name in model.list_weight_files() if name not in hashed], store)
    model.check_tensors()
    say(f"using {snapshot.repository} at {snapshot.commit[:12]} in huggingface_hub's cache: {snapshot.folder}")
    return _describe(model, hashed, source=snapshot.repository, commit=snapshot.commit, address=str(snapshot.folder))


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


def _bring(source: HubRepository, store: Store, folder: str) -> dict[str, str]:
    """Bring the files that a run needs from a repository into the store, and return the SHA-256 of each by name."""
    model = open_model_at(source)
    model.check_tensors()
    _check_tokenizer(source)
    names = [name for name in _SMALL if name in source.files] + model.list_weight_files()
    sizes = {name: source.files[name].size_bytes for name in names}
    _remove_damaged(store, folder, sizes)
    free = store.free_bytes()
    needed = sum(sizes.values()) - sum(_count_bytes_there(store, f"{folder}/{name}") for name in names)
    if free is not None and free < needed:
        raise ModelError(
            f"store must have {format_size(needed)} free for {source.repository}, found {format_size(free)} at "
            f"{store.locate(folder)}: make room or choose another store",
            parameter="store",
        )
    total = sum(sizes.values())
    cached_bytes = sum(sizes[name] for name in names if find_blob(source.repository, source.files[name]))
    from_cache = f", of which {format_size(cached_bytes)} are in huggingface_hub's cache" if cached_bytes else ""
    say(f"fetching {source.repository} at {source.commit[:12]}: {len(names)} files, {format_size(total)}{from_cache}")
    progress = Progress(total // _MIB + len(names), "MiB")
    hashed = bring(
        source,
        names,
        store,
        folder,
        lambda size_bytes: progress.add(_count_mib(size_bytes)),
        lambda size_bytes: progress.skip(_count_mib(size_bytes)),
    )
    manifest = {
        "repository": source.repository,
        "commit": source.commit,
        "files": {name: {"size_bytes": sizes[name], "sha256": hashed[name]} for name in names},
        "code": code_version(),
    }
    store.create(f"{folder}/{_MANIFEST}", (json.dumps(manifest, indent=2) + "\n").encode())
    return hashed


def _check_tokenizer(source: HubRepository | Snapshot) -> None:
    if not source.find(_TOKENIZER):
        raise ModelError(
            f"{source.repository} must hold {_TOKENIZER}, which gives character offsets, found none: choose another, "
            "or convert it into a folder of your own",
            parameter="model",
        )


def _count_bytes_there(store: Store, name: str) -> int:
    """The number of bytes of an object that are in the store, even if it is unfinished."""
    stored = store.find(name)
    return stored.size_bytes if stored else store.begun_bytes(name)


def _read_manifest(store: Store, folder: str) -> dict[str, str] | None:
    """The SHA-256 of each file in the manifest; None without a manifest, or if a file is missing or damaged."""
    name = f"{folder}/{_MANIFEST}"
    if not store.exists(name):
        return None
    try:
        files = json.loads(store.read(name))["files"]
        sizes = {file: int(entry["size_bytes"]) for file, entry in files.items()}
        hashed = {file: str(entry["sha256"]) for file, entry in files.items()}
    except (ValueError, KeyError, TypeError, AttributeError):
        say(f"damaged, and written again: {store.locate(name)}")
        store.delete(name)
        return None
    complete = _remove_damaged(store, folder, sizes)
    return hashed if complete == sizes.keys() else None


def _remove_damaged(store: Store, folder: str, sizes: dict[str, int]) -> set[str]:
    """Remove files that have another size than in `sizes`, and return the names of files that have the right size."""
    stored_sizes = {stored.name.removeprefix(f"{folder}/"): stored.size_bytes for stored in store.list(f"{folder}/")}
    for name in stored_sizes.keys() & sizes.keys():
        if stored_sizes[name] != sizes[name]:
            say(f"damaged, and fetched again: {store.locate(f'{folder}/{name}')}")
            store.delete(f"{folder}/{name}")
    return {name for name, size_bytes in sizes.items() if stored_sizes.get(name) == size_bytes}


def _describe(folder: ModelFolder, hashed: dict[str, str], *, source: str, commit: str | None, address: str) -> Model:
    weights = {name: hashed[name] for name in [CONFIG, *folder.list_weight_files()]}
    return Model(
        source=source,
        commit=commit,
        address=address,
        model_type=read_config(folder.place)["model_type"],
        parameters=count_parameters(folder.describe_parameters()),
        weights_sha256=hash_files(weights),
    )


def _name_folder(repository: str, commit: str) -> str:
    return f"models/{repository.replace('/', '--')}@{commit}"


def _count_mib(size_bytes: int) -> int:
    return -(-size_bytes // _MIB)
