"""Brings an adapter into the store, or uses it in its folder, and describes the model that it makes of its base.

    models/adapter--ORGANISATION--NAME@COMMIT/   from the Hub

It gets a folder of its own: its base is a model like any other, which may be measured without it, too.
"""

import dataclasses
import re
from pathlib import Path

from byheart.components.download.describe import resolve_address
from byheart.components.download.digests import hash_objects
from byheart.components.download.fetch import fetch, name_folder
from byheart.components.download.hub import HubRepository
from byheart.components.download.manifest import read_manifest
from byheart.contracts.errors import ModelError
from byheart.contracts.model import AdapterIdentity, Model
from byheart.models.adapted import PREFIX, adapt, check_changes, list_hashed_files
from byheart.models.adapter import ADAPTER_WEIGHTS, Adapter, open_adapter
from byheart.models.adapter_config import AdapterConfig
from byheart.models.address import HubAddress
from byheart.models.folder import hash_files, open_model
from byheart.models.mistaken import ADAPTER_CONFIG
from byheart.store import Place, Store, open_store

PARAMETER = "base"
_FILES = (ADAPTER_CONFIG, ADAPTER_WEIGHTS)
_COMMIT = re.compile(r"[0-9a-f]{40}")


@dataclasses.dataclass(frozen=True, kw_only=True)
class FoundAdapter:
    """An adapter on this machine or in the store."""

    source: str
    """The repository's name on the Hub, or the folder that the user named."""
    commit: str | None
    address: str
    hashed: dict[str, str]
    """The SHA-256 of its two files, by name."""


def use_adapter_folder(folder: str, store: Store) -> FoundAdapter:
    """The adapter in a folder, used in place."""
    address = folder if folder.startswith("gs://") else str(Path(folder).resolve())
    hashed = hash_objects(open_store(address, "model"), _FILES, store)
    return FoundAdapter(source=folder, commit=None, address=address, hashed=hashed)


def find_kept_adapter(repository: str, revision: str, store: Store) -> FoundAdapter | None:
    """The adapter in the store, if the revision is a full commit: the Hub need not be asked."""
    hashed = read_manifest(store, name_adapter(repository, revision)) if _COMMIT.fullmatch(revision) else None
    return _find(repository, revision, hashed, store) if hashed else None


def fetch_adapter(source: HubRepository, ignored: tuple[str, ...], store: Store) -> FoundAdapter:
    """The adapter of a repository, brought into the store unless it is there."""
    folder = name_adapter(source.repository, source.commit)
    hashed = read_manifest(store, folder)
    if hashed is None:
        open_adapter(source, ignored)  # refuses what cannot be used, before it is fetched
        hashed = fetch(source, list(_FILES), store, folder)
    return _find(source.repository, source.commit, hashed, store)


def name_adapter(repository: str, commit: str) -> str:
    """The folder of an adapter in the store."""
    return name_folder(f"adapter--{repository}", commit)


def name_base(place: Place, config: AdapterConfig) -> str:
    """The base that an adapter names, as the parameter `base` would.

    Args:
        place: the adapter's folder.

    Raises:
        ModelError: it names none.
    """
    base, revision = config.base, config.base_revision
    if not base:
        raise ModelError(
            f"{place.locate(ADAPTER_CONFIG)} must name its base, found no base_model_name_or_path: say by "
            "base= which model the adapter was trained on",
            parameter=PARAMETER,
        )
    return f"{base}@{revision}" if revision and HubAddress.parse(base, PARAMETER) else base


def explain_base(error: ModelError, base: str, found: FoundAdapter) -> ModelError:
    """The error of a base that cannot be used."""
    return ModelError(
        f"the base of the adapter {found.source} must be a model, found {base}, of which: {error.message}; to take "
        "another, say which by base=",
        parameter=PARAMETER,
        may_pass=error.may_pass,
    )


def describe_adapted(base: Model, found: FoundAdapter, adapter: Adapter) -> Model:
    """The description of the model that an adapter makes of its base.

    Raises:
        ModelError: the adapter does not fit.
    """
    whole = open_model(base.address, base.ignored_fields)
    folder = adapt(whole, adapter)
    folder.check_tensors()
    check_changes(whole, adapter)
    files = base.files | {f"{PREFIX}{name}": digest for name, digest in found.hashed.items()}
    return dataclasses.replace(
        base,
        source=found.source,
        commit=found.commit,
        files=files,
        weights_sha256=hash_files({name: files[name] for name in list_hashed_files(folder)}),
        ignored_fields=tuple(sorted({*base.ignored_fields, *folder.ignored})),
        adapter=AdapterIdentity(
            title=adapter.title, sha256=hash_files(found.hashed), base=base.source, base_commit=base.commit
        ),
        adapter_address=found.address,
    )


def _find(repository: str, commit: str, hashed: dict[str, str], store: Store) -> FoundAdapter:
    address = resolve_address(store, name_adapter(repository, commit))
    ordered = {name: hashed[name] for name in _FILES}
    return FoundAdapter(source=repository, commit=commit, address=address, hashed=ordered)
