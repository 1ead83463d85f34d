"""Finds the model and the tokenizer of finished results, and checks that it is that model."""

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from byheart.components.download.adapter import name_adapter
from byheart.components.download.fetch import name_folder
from byheart.components.download.gguf.folder import TOKENIZER
from byheart.components.download.manifest import MANIFEST
from byheart.components.download.model import Reading, bring_model
from byheart.components.download.tokenizer import bring_tokenizer, name_tokenizer, read_tokenizer_files
from byheart.contracts.errors import ByheartError
from byheart.measures.provenance import Provenance
from byheart.models.adapted import list_hashed_files, open_whole_model
from byheart.models.adapter import is_adapter_at
from byheart.models.folder import hash_files, open_model
from byheart.store import open_store
from byheart.verification.files import hash_file


def find_tokenizer(provenance: Provenance, *, given: str, store: str) -> str | None:
    """The folder of the tokenizer that a run took in place of the model's own: the given one, else the store's, else
    the folder that it was from; None without any.

    Raises:
        ByheartError: the given tokenizer cannot be found.
    """
    if given:
        return bring_tokenizer(given, store).address
    recorded = provenance.tokenization.tokenizer
    assert recorded, "the caller asks for no other"
    folder = name_tokenizer(recorded.source, recorded.commit, recorded.sha256)
    addresses = [f"{store}/{folder}", *([] if recorded.commit else [recorded.source])]
    return next((address for address in addresses if open_store(address, "tokenizer").find(TOKENIZER)), None)


def find_adapter(provenance: Provenance, *, given: str, store: str, remembered: Sequence[str]) -> str | None:
    """The folder of the adapter that a run measured: the given one, else one in the store or at a remembered address;
    None without any.

    Args:
        given: what a run takes as `model`; a repository that is not in the store is fetched.
        remembered: where the run may have found it.

    Raises:
        ByheartError: the given adapter cannot be found.
    """
    model = provenance.model
    if given:
        if given.startswith("gs://") or Path(given).is_dir():
            return given
        reading = Reading(ignored=model.ignored_fields, base=name_recorded_base(provenance))
        return bring_model(given, store, reading).adapter_address
    in_store = [f"{store}/{name_adapter(model.source, model.commit)}"] if model.commit else [*remembered, model.source]
    return next((address for address in in_store if is_adapter_at(open_store(address, "model"))), None)


def name_recorded_base(provenance: Provenance) -> str:
    """The base of the adapter that a run measured, as the parameter `base` names it."""
    adapter = provenance.model.adapter
    assert adapter, "the caller asks for no other"
    return f"{adapter.base}@{adapter.base_commit}" if adapter.base_commit else adapter.base


def find_model(
    provenance: Provenance, *, given: str, store: str, remembered: Sequence[str], tokenizer: str | None = None
) -> str | None:
    """The folder of the model, or of an adapter's base: the given one, else one in the store or at a remembered
    address; None without any.

    Args:
        tokenizer: the folder of the tokenizer that is used in place of the model's own.
        given: what a run takes as `model`; a repository that is not on this machine is fetched.
        remembered: where the run may have found it.

    Raises:
        ByheartError: the given model cannot be found.
    """
    if given:  # a folder is used where it is; anything else is brought into the store, as a run does
        if given.startswith("gs://") or Path(given).is_dir():
            return given
        files = read_tokenizer_files(tokenizer) if tokenizer else {}
        return bring_model(given, store, Reading(tokenizer=files, ignored=provenance.model.ignored_fields)).address
    for address in _list_addresses(provenance, store, remembered):
        try:
            open_model(address, provenance.model.ignored_fields)
        except ByheartError:
            continue
        return address
    return None


def compute_weights_hash(address: str, ignored: Iterable[str] = (), *, adapter: str = "") -> str:
    """The hash of a model's config.json and weights, from the bytes that are there now.

    Args:
        adapter: the folder of the adapter that is merged into it; empty without any.
        ignored: the fields of config.json that the run ignored.

    Raises:
        ModelError: it is no model folder.
    """
    model = open_whole_model(address, adapter, ignored)
    digests = {}
    for name in list_hashed_files(model):
        path = model.place.locate(name)
        is_here = "://" not in path
        digests[name] = hash_file(Path(path)) if is_here else hashlib.sha256(model.place.read(name)).hexdigest()
    return hash_files(digests)


def _list_addresses(provenance: Provenance, store: str, remembered: Sequence[str]) -> Iterator[str]:
    model = provenance.model
    if model.gguf_sha256:
        yield from _list_converted(provenance, store)
    elif adapter := model.adapter:
        in_store = [f"{store}/{name_folder(adapter.base, adapter.base_commit)}"] if adapter.base_commit else []
        yield from in_store or [*remembered, adapter.base]
    elif model.commit:
        yield f"{store}/{name_folder(model.source, model.commit)}"
    else:
        yield from remembered
        yield model.source


def _list_converted(provenance: Provenance, store: str) -> list[str]:
    """The folders in the store that were made of the GGUF file; first those with the tokenizer of the results."""
    place, addresses = open_store(store), {}
    for stored in place.list("models/gguf-"):
        folder, _, file = stored.name.rpartition("/")
        if file == MANIFEST:
            try:
                about = json.loads(place.read(stored.name))
                made_of, tokenizer = about["gguf"]["sha256"], about["files"][TOKENIZER]["sha256"]
            except (ValueError, KeyError, TypeError, RecursionError):
                continue
            if made_of == provenance.model.gguf_sha256:
                addresses[f"{store}/{folder}"] = hash_files({TOKENIZER: tokenizer})
    wanted = provenance.tokenization.tokenizer_sha256
    return sorted(addresses, key=lambda address: addresses[address] != wanted)
