"""Finds the model of finished results, and checks that it is that model."""

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path

from byheart.components.download.model import bring_model
from byheart.contracts.errors import ByheartError
from byheart.measures.provenance import Provenance
from byheart.models.folder import CONFIG, hash_files, open_model
from byheart.store import open_store
from byheart.verification.files import hash_file


def find_model(provenance: Provenance, *, given: str, store: str, remembered: Sequence[str]) -> str | None:
    """The folder of the model: the given one, else one in the store or at a remembered address; None without any.

    Args:
        given: what a run takes as `model`; a repository that is not on this machine is fetched.
        remembered: where the run may have found it.

    Raises:
        ByheartError: the given model cannot be found.
    """
    if given:  # a folder is used where it is; anything else is brought into the store, as a run does
        return given if given.startswith("gs://") or Path(given).is_dir() else bring_model(given, store).address
    for address in _list_addresses(provenance, store, remembered):
        try:
            open_model(address)
        except ByheartError:
            continue
        return address
    return None


def compute_weights_hash(address: str) -> str:
    """The hash of a model's config.json and weights, from the bytes that are there now.

    Raises:
        ModelError: it is no model folder.
    """
    place = open_store(address, "model")
    names = [CONFIG, *open_model(address).list_weight_files()]
    if address.startswith("gs://"):
        return hash_files({name: hashlib.sha256(place.read(name)).hexdigest() for name in names})
    return hash_files({name: hash_file(Path(address) / name) for name in names})


def _list_addresses(provenance: Provenance, store: str, remembered: Sequence[str]) -> Iterator[str]:
    model = provenance.model
    if model.commit:
        yield f"{store}/models/{model.source.replace('/', '--')}@{model.commit}"
    elif model.gguf_sha256:  # converted, under a name that ends with its hash
        held = open_store(store).list("models/gguf-")
        folders = dict.fromkeys("/".join(stored.name.split("/")[:2]) for stored in held)
        yield from (f"{store}/{folder}" for folder in folders if folder.endswith(f"@{model.gguf_sha256}"))
    else:
        yield from remembered
        yield model.source
