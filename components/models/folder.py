"""A model in a local folder, on paper: its configuration, its tensors' headers and its hashes. No weight is read."""

import dataclasses
import hashlib
import json
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open

from components.contracts.errors import ModelError
from components.models.decoder_config import DecoderConfig
from components.models.families import Family, family_of
from components.models.parameters import Parameter, parameters

INDEX = "model.safetensors.index.json"
WEIGHTS = "model.safetensors"
PICKLES = (".bin", ".pt", ".pth")
DTYPES = ("F32", "F16", "BF16")


@dataclasses.dataclass(frozen=True, kw_only=True)
class ModelFolder:
    """A Hugging Face model folder whose config.json is understood."""

    path: Path
    family: Family
    decoder: DecoderConfig
    tensor_files: dict[str, str]
    """The file that holds each tensor, by the tensor's name in the checkpoint."""

    def parameters(self) -> tuple[dict[str, Parameter], dict[str, Parameter]]:
        """The parameters of the whole model, and those of each layer."""
        return parameters(self.decoder, self.family.sources)

    def weight_files(self) -> list[str]:
        """The safetensors files, by name."""
        return sorted(set(self.tensor_files.values()))

    def check_tensors(self) -> None:
        """Hold every parameter of the decoder against the headers of the safetensors files.

        Raises:
            ModelError: a tensor is missing, or has another shape or a dtype that is not read.
        """
        if self.decoder.layers > len(self.tensor_files):
            raise ModelError(
                f"{self.path} must hold the tensors of {self.decoder.layers:,} layers, as config.json says, found "
                f"{len(self.tensor_files):,} in all: fetch the model again"
            )
        model, layer = self.parameters()
        wanted = {parameter.source: parameter for parameter in model.values()}
        wanted |= {p.source.format(layer=index): p for p in layer.values() for index in range(self.decoder.layers)}
        missing = sorted(wanted.keys() - self.tensor_files.keys())
        if missing:
            raise ModelError(
                f"{self.path} must hold {len(wanted)} tensors, found {len(wanted) - len(missing)}; missing is "
                f"{', '.join(missing[:3])}{', ...' if len(missing) > 3 else ''}: fetch the model again"
            )
        for file in self.weight_files():
            _check_file(self.path / file, {name: p for name, p in wanted.items() if self.tensor_files[name] == file})


def open_model(path: str | Path) -> ModelFolder:
    """The model in a local folder.

    Raises:
        ModelError: there is no such folder, its config.json is not understood, or it has no safetensors.
    """
    if not path or not Path(path).is_dir():
        raise ModelError(
            "model must be a folder with config.json, tokenizer.json and safetensors, found no folder "
            f"{str(path)!r}: check the path, or download the model into a folder first"
        )
    path = Path(path)
    config = read_config(path)
    family = family_of(config)
    decoder = family.decoder_config(config)
    return ModelFolder(path=path, family=family, decoder=decoder, tensor_files=_tensor_files(path))


def read_config(path: Path) -> dict[str, Any]:
    """The content of a model folder's config.json."""
    return _read_json(path / "config.json")


def open_weights(path: Path) -> Any:
    """A safetensors file, opened; its tensors are read when asked for."""
    try:
        return safe_open(path, framework="numpy")
    except (SafetensorError, OSError) as error:
        message = f"{path} must be a whole safetensors file, found damage ({error}): fetch the model again"
        raise ModelError(message) from None


def sha256_of_files(path: Path, names: list[str]) -> str:
    """One hash of the content of several files, and of their names."""
    digest = hashlib.sha256()
    for name in names:
        with (path / name).open("rb") as file:
            digest.update(f"{name}\0{hashlib.file_digest(file, 'sha256').hexdigest()}\n".encode())
    return digest.hexdigest()


def _check_file(path: Path, wanted: dict[str, Parameter]) -> None:
    """Hold the tensors that a safetensors file must have against its header."""
    with open_weights(path) as weights:
        held = set(weights.keys())
        for name, parameter in wanted.items():
            if name not in held:
                raise ModelError(f"{path} must hold {name}, as {INDEX} says, found none: fetch the model again")
            header = weights.get_slice(name)
            shape, dtype = tuple(header.get_shape()), header.get_dtype()
            if shape != parameter.source_shape or dtype not in DTYPES:
                raise ModelError(
                    f"{path} must hold {name} as {list(parameter.source_shape)} in one of {', '.join(DTYPES)}; "
                    f"found {list(shape)} in {dtype}: config.json is of another model"
                )


def _tensor_files(path: Path) -> dict[str, str]:
    if (path / INDEX).is_file():
        files = _read_json(path / INDEX).get("weight_map")
        if not isinstance(files, dict) or not files or not all(isinstance(file, str) for file in files.values()):
            raise ModelError(
                f"{path / INDEX} must have a weight_map of tensors to files, found none: fetch the model again"
            )
        for file in sorted(set(files.values())):
            if not (path / file).is_file():
                raise ModelError(f"{path} must hold {file}, which {INDEX} names, found none: fetch the model again")
        return files
    if (path / WEIGHTS).is_file():
        with open_weights(path / WEIGHTS) as weights:
            return dict.fromkeys(weights.keys(), WEIGHTS)
    pickled = sorted(file.name for file in path.iterdir() if file.suffix in PICKLES)
    found = f"only {pickled[0]}, which is pickle and can run code" if pickled else "none"
    raise ModelError(f"{path} must hold {WEIGHTS} or {INDEX}, found {found}: convert or fetch the model as safetensors")


def _read_json(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ModelError(f"{path} must be a JSON file, found none: fetch the model again") from None
    except (OSError, ValueError, RecursionError) as error:
        found = f"{type(error).__name__}: {error}"
        raise ModelError(f"{path} must be a readable JSON file, found {found}: fetch the model again") from None
    if not isinstance(content, dict):
        raise ModelError(f"{path} must be a JSON object, found a {type(content).__name__}: fetch the model again")
    return content
