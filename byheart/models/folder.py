"""A model on paper, wherever its files lie: its configuration and its tensors' headers. No weight is read."""

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

from byheart.contracts.errors import ModelError
from byheart.models.decoder_config import DecoderConfig
from byheart.models.families import family_of
from byheart.models.families.family import Family
from byheart.models.parameters import Parameter, Parameters, leaves
from byheart.models.tensors import BYTES, Tensor, read_tensors
from byheart.store import Place, open_store

CONFIG = "config.json"
INDEX = "model.safetensors.index.json"
WEIGHTS = "model.safetensors"
_PICKLES = (".bin", ".pt", ".pth")
_READERS = 8
"""Headers that are read at once."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class ModelFolder:
    """A Hugging Face model folder whose config.json is understood."""

    place: Place
    family: Family
    decoder: DecoderConfig
    tensor_files: dict[str, str]
    """The file that holds each tensor, by the tensor's name in the checkpoint."""

    def parameters(self) -> Parameters:
        """The tree of its parameters."""
        return self.family.parameters(self.decoder)

    def weight_files(self) -> list[str]:
        """The safetensors files, by name."""
        return sorted(set(self.tensor_files.values()))

    def tensors(self) -> dict[str, Tensor]:
        """Every tensor by its name in the checkpoint; several headers are read at once.

        Raises:
            ModelError: a file is damaged.
        """
        with ThreadPoolExecutor(_READERS) as pool:
            headers = pool.map(partial(read_tensors, self.place), self.weight_files())
            held = [item for header in headers for item in header.items()]
        return {name: tensor for name, tensor in held if self.tensor_files.get(name) == tensor.file}

    def check_tensors(self) -> None:
        """Hold every parameter of the decoder against the headers of the safetensors files.

        Raises:
            ModelError: a tensor is missing, or has another shape or a dtype that is not read.
        """
        where = where_is(self.place)
        if self.decoder.layers > len(self.tensor_files):
            raise ModelError(
                f"{where} must hold the tensors of {self.decoder.layers:,} layers, as config.json says, found "
                f"{len(self.tensor_files):,} in all: fetch the model again"
            )
        wanted = {name: one for one in leaves(self.parameters()) for name in one.tensors().values()}
        missing = sorted(wanted.keys() - self.tensor_files.keys())
        if missing:
            raise ModelError(
                f"{where} must hold {len(wanted)} tensors, found {len(wanted) - len(missing)}; missing is "
                f"{', '.join(missing[:3])}{', ...' if len(missing) > 3 else ''}: fetch the model again"
            )
        held = self.tensors()
        for name, parameter in wanted.items():
            self._check_tensor(name, parameter, held.get(name))

    def _check_tensor(self, name: str, parameter: Parameter, tensor: Tensor | None) -> None:
        path = self.place.locate(self.tensor_files[name])
        if tensor is None:
            raise ModelError(f"{path} must hold {name}, as {INDEX} says, found none: fetch the model again")
        if tensor.shape != parameter.source_shape or tensor.dtype not in BYTES:
            raise ModelError(
                f"{path} must hold {name} as {list(parameter.source_shape)} in one of {', '.join(BYTES)}; "
                f"found {list(tensor.shape)} in {tensor.dtype}: config.json is of another model"
            )


def open_model(address: str | Path) -> ModelFolder:
    """The model in a local folder, or in one at `gs://`.

    Raises:
        ModelError: there is no such folder, its config.json is not understood, or it has no safetensors.
    """
    address = str(address)
    if not address.startswith("gs://") and not (address and Path(address).is_dir()):
        raise ModelError(
            "model must be a folder with config.json, tokenizer.json and safetensors, a name in models.yaml, or "
            f"organisation/name on the Hugging Face Hub, found no folder {address!r}: check it",
            parameter="model",
        )
    return model_at(open_store(address, "model"))


def model_at(place: Place) -> ModelFolder:
    """The model whose files lie there.

    Raises:
        ModelError: its config.json is not understood, or it has no safetensors.
    """
    config = read_config(place)
    family = family_of(config)
    return ModelFolder(
        place=place, family=family, decoder=family.decoder_config(config), tensor_files=_tensor_files(place)
    )


def where_is(place: Place) -> str:
    """The folder's address, for people."""
    return place.locate(CONFIG).removesuffix(f"/{CONFIG}")


def read_config(place: Place) -> dict[str, Any]:
    """The content of a model's config.json."""
    return _read_json(place, CONFIG)


def sha256_of_files(digests: Mapping[str, str]) -> str:
    """One hash of several files, from the name and the SHA-256 of each; their order counts."""
    lines = (f"{name}\0{digest}\n" for name, digest in digests.items())
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def _tensor_files(place: Place) -> dict[str, str]:
    if place.find(INDEX):
        files = _read_json(place, INDEX).get("weight_map")
        if not isinstance(files, dict) or not files or not all(isinstance(file, str) for file in files.values()):
            raise ModelError(
                f"{place.locate(INDEX)} must have a weight_map of tensors to files, found none: fetch the model again"
            )
        for file in sorted(set(files.values())):
            if not place.find(file):
                where = where_is(place)
                raise ModelError(f"{where} must hold {file}, which {INDEX} names, found none: fetch the model again")
        return files
    if place.find(WEIGHTS):
        return dict.fromkeys(read_tensors(place, WEIGHTS), WEIGHTS)
    pickled = sorted(stored.name for stored in place.list() if stored.name.endswith(_PICKLES))
    found = f"only {pickled[0]}, which is pickle and can run code" if pickled else "none"
    raise ModelError(
        f"{where_is(place)} must hold {WEIGHTS} or {INDEX}, found {found}: convert or fetch the model as safetensors"
    )


def _read_json(place: Place, name: str) -> dict[str, Any]:
    where = place.locate(name)
    if not place.find(name):
        raise ModelError(f"{where} must be a JSON file, found none: fetch the model again")
    try:
        content = json.loads(place.read(name).decode())
    except (ValueError, RecursionError) as error:
        found = f"{type(error).__name__}: {error}"
        raise ModelError(f"{where} must be a readable JSON file, found {found}: fetch the model again") from None
    if not isinstance(content, dict):
        raise ModelError(f"{where} must be a JSON object, found a {type(content).__name__}: fetch the model again")
    return content
