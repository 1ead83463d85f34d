"""A model, brought into the store from the Hugging Face Hub, or used where it lies: in a folder, or in its cache."""

import json
import re
from pathlib import Path

from huggingface_hub import constants

from byheart.components.download.cache import NotKeptError, Snapshot, find_blob, find_snapshot
from byheart.components.download.digests import sha256_in_place
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
    """Bring a repository's files into the store, or use what is here already; the model, checked and hashed.

    Args:
        model: as `HubAddress.parse` reads it.
        store: where a repository's files are brought, and other files' hashes remembered.

    Raises:
        ModelError: it cannot be had, or cannot be used.
        StoreError: its folder cannot be read, or the store does not take it.
        SettingsError: a revision of a folder is asked for.
    """
    hub = HubAddress.parse(model)
    return _from_hub(hub.repository, hub.revision, store) if hub else _in_place(model, store)


def _in_place(model: str, store: str) -> Model:
    """A model in a folder."""
    folder = open_model(model)
    folder.check_tensors()
    address = model if model.startswith("gs://") else str(Path(model).resolve())
    hashed = sha256_in_place(open_store(address, "model"), [CONFIG, *folder.list_weight_files()], open_store(store))
    return _described(folder, hashed, source=model, commit=None, address=address)


def _from_hub(repository: str, revision: str, store: str) -> Model:
    """A model of the Hub: in the store or, if that is here, in huggingface_hub's cache; else brought into the store."""
    place, kept = open_store(store), find_snapshot(repository, revision)
    source = unreachable = None
    commit = revision
    is_commit = bool(_COMMIT.fullmatch(revision))
    in_store = is_commit and place.exists(f"{_folder(repository, revision)}/{_MANIFEST}")
    if not in_store and not (is_commit and kept and kept.is_listed):
        try:
            source = HubRepository(repository, revision)
            repository, commit = source.repository, source.commit
            kept = find_snapshot(repository, commit, source.files)
        except ModelError as error:
            if not kept or not (error.may_pass or constants.is_offline_mode()):
                raise
            unreachable, commit = error, kept.commit
            if not is_commit:
                say(f"the Hub cannot be asked: huggingface_hub's cache has {repository}@{revision} at {commit[:12]}")
    folder = _folder(repository, commit)
    hashed = _whole(place, folder)
    if hashed is None and kept and "://" not in store:
        try:
            return _in_cache(kept, place)
        except (NotKeptError, StoreError) as error:
            say(str(error))
    if hashed is None and unreachable:
        raise unreachable
    if hashed is None:
        hashed = _bring(source or HubRepository(repository, commit), place, folder)
    address = open_store(store).locate(f"{folder}/{_MANIFEST}").removesuffix(f"/{_MANIFEST}")
    address = address if "://" in address else str(Path(address).resolve())
    model = open_model(address)
    model.check_tensors()
    return _described(model, hashed, source=repository, commit=commit, address=address)


def _in_cache(kept: Snapshot, store: Store) -> Model:
    """A model used where huggingface_hub keeps it.

    Raises:
        NotKeptError: not all that a run needs is there, whole.
    """
    _check_tokenizer(kept)
    hashed = _verified(kept, [name for name in _SMALL if name in kept.files], store)
    if INDEX not in kept.files and WEIGHTS in kept.files:  # the header of a file without an index is read at once
        hashed |= _verified(kept, [WEIGHTS], store)
    model = open_model_at(kept)
    hashed |= _verified(kept, [name for name in model.list_weight_files() if name not in hashed], store)
    model.check_tensors()
    say(f"using {kept.repository} at {kept.commit[:12]} where it is, in huggingface_hub's cache: {kept.folder}")
    return _described(model, hashed, source=kept.repository, commit=kept.commit, address=str(kept.folder))


def _verified(kept: Snapshot, names: list[str], store: Store) -> dict[str, str]:
    """The SHA-256 of each file by name, whose bytes are those that the Hub promised.

    Raises:
        NotKeptError: a file is missing, or has other bytes.
    """
    for name in names:
        kept.find(name)
    hashed = sha256_in_place(kept, [name for name in names if kept.files[name].sha256], store)
    for name in names:
        file = kept.files[name]
        if not file.sha256:  # a small one
            hashes = Hashes(file)
            hashes.update(kept.read(name))
            hashed[name] = hashes.sha256.hexdigest()
        if hashed[name] != file.sha256 if file.sha256 else not hashes.match():
            raise NotKeptError(f"damaged, and not used: {kept.locate(name)}")
    return hashed


def _bring(source: HubRepository, store: Store, folder: str) -> dict[str, str]:
    """The SHA-256 of each file, once all that a run needs of the repository is in the store."""
    model = open_model_at(source)
    model.check_tensors()
    _check_tokenizer(source)
    names = [name for name in _SMALL if name in source.files] + model.list_weight_files()
    sizes = {name: source.files[name].size_bytes for name in names}
    _remove_damaged(store, folder, sizes)
    free = store.free_bytes()
    needed = sum(sizes.values()) - sum(_bytes_there(store, f"{folder}/{name}") for name in names)
    if free is not None and free < needed:
        raise ModelError(
            f"store must have {format_size(needed)} free for {source.repository}, found {format_size(free)} at "
            f"{store.locate(folder)}: make room or choose another store",
            parameter="store",
        )
    total = sum(sizes.values())
    kept = sum(sizes[name] for name in names if find_blob(source.repository, source.files[name]))
    from_cache = f", of which {format_size(kept)} are in huggingface_hub's cache" if kept else ""
    say(f"fetching {source.repository} at {source.commit[:12]}: {len(names)} files, {format_size(total)}{from_cache}")
    progress = Progress(total // _MIB + len(names), "MiB")
    hashed = bring(
        source,
        names,
        store,
        folder,
        lambda bytes_: progress.add(_mib(bytes_)),
        lambda bytes_: progress.skip(_mib(bytes_)),
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


def _bytes_there(store: Store, name: str) -> int:
    """The bytes of an object that are in the store already, whether it is finished or not."""
    stored = store.find(name)
    return stored.size_bytes if stored else store.begun_bytes(name)


def _whole(store: Store, folder: str) -> dict[str, str] | None:
    """The SHA-256 of each file that a manifest names; None where there is no manifest, or a file is not as it says."""
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
    there = _remove_damaged(store, folder, sizes)
    return hashed if there == sizes.keys() else None


def _remove_damaged(store: Store, folder: str, sizes: dict[str, int]) -> set[str]:
    """Remove the files of another size than they should have; the names of those that are there and of their size."""
    there = {stored.name.removeprefix(f"{folder}/"): stored.size_bytes for stored in store.list(f"{folder}/")}
    for name in there.keys() & sizes.keys():
        if there[name] != sizes[name]:
            say(f"damaged, and fetched again: {store.locate(f'{folder}/{name}')}")
            store.delete(f"{folder}/{name}")
    return {name for name, size_bytes in sizes.items() if there.get(name) == size_bytes}


def _described(folder: ModelFolder, hashed: dict[str, str], *, source: str, commit: str | None, address: str) -> Model:
    weights = {name: hashed[name] for name in [CONFIG, *folder.list_weight_files()]}
    return Model(
        source=source,
        commit=commit,
        address=address,
        model_type=read_config(folder.place)["model_type"],
        parameters=count_parameters(folder.describe_parameters()),
        weights_sha256=hash_files(weights),
    )


def _folder(repository: str, commit: str) -> str:
    return f"models/{repository.replace('/', '--')}@{commit}"


def _mib(size_bytes: int) -> int:
    return -(-size_bytes // _MIB)
