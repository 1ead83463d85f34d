"""Describes a model for the stages that follow: its identity, and the address of its folder."""

from pathlib import Path

from byheart.components.download.manifest import MANIFEST
from byheart.contracts.model import Model
from byheart.models.folder import CONFIG, ModelFolder, hash_files, read_config
from byheart.models.parameters import count_parameters
from byheart.models.published import count_published_bytes
from byheart.store import Store


def describe_model(
    folder: ModelFolder,
    hashed: dict[str, str],
    *,
    source: str,
    commit: str | None,
    address: str,
    quantisation: str = "",
    gguf_sha256: str = "",
    ignored: tuple[str, ...] = (),
) -> Model:
    """The description of a checked model.

    Args:
        hashed: the SHA-256 of config.json, of each safetensors file and of the index if there is one, by name.
        quantisation: of a GGUF file; empty for a folder, whose config.json says it.
        ignored: fields of a GGUF file that are left out, as the user says.
    """
    weights = {name: hashed[name] for name in [CONFIG, *folder.list_weight_files()]}
    return Model(
        source=source,
        commit=commit,
        address=address,
        files=hashed,
        model_type=read_config(folder.place)["model_type"],
        parameters=count_parameters(folder.describe_parameters()),
        weights_sha256=hash_files(weights),
        quantisation=quantisation or (folder.quantisation.title if folder.quantisation else ""),
        gguf_sha256=gguf_sha256,
        ignored_fields=ignored or folder.ignored,
        published_bytes=count_published_bytes(folder),
    )


def resolve_address(store: Store, folder: str) -> str:
    """The address of a folder in the store; a local one is absolute."""
    address = store.locate(f"{folder}/{MANIFEST}").removesuffix(f"/{MANIFEST}")
    return address if "://" in address else str(Path(address).resolve())
