"""Brings the tokenizer that the setting `tokenizer` names into the store.

    models/tokenizer--ORGANISATION--NAME@COMMIT/   from the Hub
    models/tokenizer--NAME@SHA256/                 from a folder, named by its content

It gets a folder of its own, among the models. It cannot lie in the model's: many models are used in place, where
nothing may be written, and one model may be measured with several tokenizers. Among the models it is listed, copied and
removed as they are.
"""

import hashlib
import re
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import NoReturn

from byheart.components.download.describe import resolve_address
from byheart.components.download.fetch import fetch, name_folder, name_kept
from byheart.components.download.gguf.folder import TOKENIZER, TOKENIZER_CONFIG
from byheart.components.download.hub import HubRepository
from byheart.components.download.manifest import read_manifest, remove_damaged, write_manifest
from byheart.contracts.errors import ModelError
from byheart.contracts.model import OtherTokenizer
from byheart.models.address import HubAddress
from byheart.models.folder import hash_files
from byheart.store import Store, open_store

FILES = (TOKENIZER, TOKENIZER_CONFIG, "special_tokens_map.json")
"""The files of a tokenizer; all but the first may be missing."""
PARAMETER = "tokenizer"
_COMMIT = re.compile(r"[0-9a-f]{40}")


def bring_tokenizer(tokenizer: str, store: str) -> OtherTokenizer:
    """Bring the files of a tokenizer into the store, unless they are there, and return where they lie.

    Args:
        tokenizer: a folder, or what `HubAddress.parse` reads as a repository.

    Raises:
        ModelError: there is no tokenizer.json, or the Hub cannot be asked.
        SettingsError: a folder is named with a revision.
        StoreError: the folder cannot be read, or the store cannot be written.
    """
    if hub := HubAddress.parse(tokenizer, PARAMETER):
        if hub.file:
            _refuse(f"the GGUF file {tokenizer}")
        return _use_hub(hub.repository, hub.revision, open_store(store))
    if not tokenizer.startswith("gs://") and not Path(tokenizer).is_dir():
        _refuse(f"no folder {tokenizer!r}")
    return _use_folder(tokenizer, open_store(store))


def read_tokenizer_files(address: str) -> dict[str, bytes]:
    """The content of the tokenizer's files in a folder, by name."""
    place = open_store(address, PARAMETER)
    return {name: place.read(name) for name in FILES if place.find(name)}


def name_tokenizer(source: str, commit: str | None, sha256: str) -> str:
    """The folder of a tokenizer in the store."""
    if commit:
        return name_folder(f"{PARAMETER}--{source}", commit)
    return f"models/{PARAMETER}--{PurePosixPath(source).name}@{sha256}"


def _use_hub(repository: str, revision: str, store: Store) -> OtherTokenizer:
    """A tokenizer of the Hub; if the store has it at the full commit, the Hub is not asked."""
    commit, source = revision, None
    hashed = read_manifest(store, name_tokenizer(repository, commit, "")) if _COMMIT.fullmatch(commit) else None
    if hashed is None:
        try:
            source = HubRepository(repository, revision, parameter=PARAMETER)
        except ModelError as error:
            raise name_kept(error, repository, name_folder(f"{PARAMETER}--{repository}", ""), store) from None
        repository, commit = source.repository, source.commit
        hashed = read_manifest(store, name_tokenizer(repository, commit, ""))
    folder = name_tokenizer(repository, commit, "")
    if hashed is None:
        assert source, "without a manifest the Hub was asked"
        if TOKENIZER not in source.files:
            _refuse(f"none in {repository} at {commit[:12]}")
        hashed = fetch(source, [name for name in FILES if name in source.files], store, folder)
    return _describe(repository, commit, hashed, store, folder)


def _use_folder(tokenizer: str, store: Store) -> OtherTokenizer:
    """The tokenizer in a folder, copied."""
    contents = read_tokenizer_files(tokenizer)
    if TOKENIZER not in contents:
        _refuse(f"none in {tokenizer}")
    hashed = {name: hashlib.sha256(data).hexdigest() for name, data in contents.items()}
    folder = name_tokenizer(tokenizer, None, hash_files(hashed))
    if read_manifest(store, folder) is None:
        sizes = {name: len(data) for name, data in contents.items()}
        remove_damaged(store, folder, sizes)
        for name, data in contents.items():
            store.create(f"{folder}/{name}", data)
        write_manifest(store, folder, sizes, hashed)
    return _describe(tokenizer, None, hashed, store, folder)


def _describe(source: str, commit: str | None, hashed: Mapping[str, str], store: Store, folder: str) -> OtherTokenizer:
    ordered = {name: hashed[name] for name in FILES if name in hashed}
    return OtherTokenizer(
        source=source, commit=commit, sha256=hash_files(ordered), address=resolve_address(store, folder)
    )


def _refuse(found: str) -> NoReturn:
    raise ModelError(
        f"tokenizer must be a folder or a repository on the Hub with {TOKENIZER}, found {found}: name one, or leave it "
        "out for the model's own",
        parameter=PARAMETER,
    )
