"""A model's folder: its configuration and its tensors' headers, without reading weights."""

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
from byheart.models.families import find_family
from byheart.models.families.family import Family
from byheart.models.parameters import Parameter, Parameters, leaves
from byheart.models.tensors import BYTES, Tensor, read_tensors
from byheart.store import Place, open_store

CONFIG = "config.json"
INDEX = "model.safetensors.index.json"
WEIGHTS = "model.safetensors"
_PICKLES = (".bin", ".pt", ".pth")
_READERS = 8
"""Headers that are read in parallel."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class ModelFolder:
    """A Hugging Face model folder whose config.json is understood."""

    place: Place
    family: Family
    decoder: DecoderConfig
    tensor_files: dict[str, str]
    """The file that holds each tensor, by the tensor's name in the checkpoint."""

    def describe_parameters(self) -> Parameters:
        """The tree of the model's parameters."""
        return self.family.describe_parameters(self.decoder)

    def list_weight_files(self) -> list[str]:
        """The names of the safetensors files, sorted."""
        return sorted(set(self.tensor_files.values()))

    def read_tensor_headers(self) -> dict[str, Tensor]:
        """Every tensor, by its name in the checkpoint.

        Raises:
            ModelError: a file is damaged.
        """
        with ThreadPoolExecutor(_READERS) as pool:
            headers = pool.map(partial(read_tensors, self.place), self.list_weight_files())
            tensors = [item for header in headers for item in header.items()]
        return {name: tensor for name, tensor in tensors if self.tensor_files.get(name) == tensor.file}

    def check_tensors(self) -> None:
        """Compare every parameter of the decoder with the headers of the safetensors files.

        Raises:
            ModelError: a tensor is missing, has another shape, or a dtype that cannot be loaded.
        """
        where = locate_folder(self.place)
        if self.decoder.layers > len(self.tensor_files):
            raise ModelError(
                f"{where} must hold the tensors of {self.decoder.layers:,} layers, as config.json says, found "
                f"{len(self.tensor_files):,} in all: fetch the model again"
            )
        expected = {
            name: parameter
            for parameter in leaves(self.describe_parameters())
            for name in parameter.name_tensors().values()
        }
        missing = sorted(expected.keys() - self.tensor_files.keys())
        if missing:
            raise ModelError(
                f"{where} must hold {len(expected)} tensors, found {len(expected) - len(missing)}; missing is "
                f"{', '.join(missing[:3])}{', ...' if len(missing) > 3 else ''}: fetch the model again"
            )
        tensors = self.read_tensor_headers()
        for name, parameter in expected.items():
            self._check_tensor(name, parameter, tensors.get(name))

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
    """The model in a folder, local or at `gs://`.

    Raises:
        ModelError: there is no such folder, its config.json is not supported, or it has no safetensors.
    """
    address = str(address)
    if not address.startswith("gs://") and not (address and Path(address).is_dir()):
        raise ModelError(
            "model must be a folder with config.json, tokenizer.json and safetensors, a GGUF file, a name in "
            f"models.yaml, or organisation/name on the Hugging Face Hub, found no folder or file {address!r}: check it",
            parameter="model",
        )
    return open_model_at(open_store(address, "model"))


def open_model_at(place: Place) -> ModelFolder:
    """The model whose files are in a place.

    Raises:
        ModelError: its config.json is not supported, or it has no safetensors.
    """
    config = read_config(place)
    family = find_family(config)
    return ModelFolder(
        place=place, family=family, decoder=family.parse_config(config), tensor_files=_list_tensor_files(place)
    )


def locate_folder(place: Place) -> str:
    """The folder's address, as error messages show it."""
    return place.locate(CONFIG).removesuffix(f"/{CONFIG}")


def read_config(place: Place) -> dict[str, Any]:
    """The content of a model's config.json.

    Raises:
        ModelError: there is none, or it is no JSON object.
    """
    if not place.find(CONFIG) and next(iter(place.list()), None) is None:
        raise ModelError(
            f"model must be a folder with {CONFIG}, found nothing at {locate_folder(place)}: check the address",
            parameter="model",
        )
    return _read_json(place, CONFIG)


def hash_files(digests: Mapping[str, str]) -> str:
    """One SHA-256 for several files, made from their names and SHA-256 digests, in the order of `digests`."""
    lines = (f"{name}\0{digest}\n" for name, digest in digests.items())
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def _list_tensor_files(place: Place) -> dict[str, str]:
    if place.find(INDEX):
        files = _read_json(place, INDEX).get("weight_map")
        if not isinstance(files, dict) or not files or not all(isinstance(file, str) for file in files.values()):
            raise ModelError(
                f"{place.locate(INDEX)} must have a weight_map of tensors to files, found none: fetch the model again"
            )
        for file in sorted(set(files.values())):
            if not place.find(file):
                where = locate_folder(place)
                raise ModelError(f"{where} must hold {file}, which {INDEX} names, found none: fetch the model again")
        return files
    if place.find(WEIGHTS):
        return dict.fromkeys(read_tensors(place, WEIGHTS), WEIGHTS)
    pickled = sorted(stored.name for stored in place.list() if stored.name.endswith(_PICKLES))
    found = f"only {pickled[0]}, which is pickle and can run code" if pickled else "none"
    raise ModelError(
        f"{locate_folder(place)} must hold {WEIGHTS} or {INDEX}, found {found}: convert or fetch the model as "
        "safetensors"
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
