"""A model's folder: its configuration and its tensors' headers, without reading weights."""

import dataclasses
import functools
import hashlib
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import MappingProxyType
from typing import Any

from byheart.contracts.errors import ModelError
from byheart.models.adapter import Change
from byheart.models.decoder_config import DecoderConfig
from byheart.models.encoding import find_encoding
from byheart.models.families import find_family
from byheart.models.families.family import Family
from byheart.models.families.fields import list_ignored, mark_ignored
from byheart.models.families.quantisation import Quantisation, read_quantisation
from byheart.models.hashed import HashedPlace
from byheart.models.json_objects import read_json_object
from byheart.models.mistaken import explain_missing_config
from byheart.models.names import find_names
from byheart.models.parameters import Parameter, Parameters, describe_parameters, leaves
from byheart.models.tensors import (
    BYTES,
    LEAST_HEADER_BYTES,
    MOST_HEADER_BYTES,
    Tensor,
    are_alike,
    read_tensors,
)
from byheart.models.weights import INDEX, list_notices, list_tensor_files
from byheart.store import Place, open_store

CONFIG = "config.json"
_READERS = 8
"""Headers that are read in parallel."""
_OTHER_MODEL = "config.json is of another model, or not all weights were saved"


@dataclasses.dataclass(frozen=True, kw_only=True)
class ModelFolder:
    """A Hugging Face model folder whose config.json is understood."""

    place: Place
    family: Family
    decoder: DecoderConfig
    tensor_files: dict[str, str]
    """The file that holds each tensor, by the family's name for it."""
    names: dict[str, str]
    """The name of each tensor in its file, by the family's name for it."""
    ignored: tuple[str, ...]
    """Fields of config.json that are left out, as the user says."""
    notices: tuple[str, ...]
    """Lines on what another tool would load otherwise."""
    digests: Mapping[str, str]
    """The SHA-256 that files must have when they are read, by name; others are not checked."""
    quantisation: Quantisation | None = None
    """How some of the tensors are stored; None if all are plain."""
    changes: Mapping[str, Change] = dataclasses.field(default_factory=dict)
    """What an adapter merges into tensors, by the family's name for them."""

    def describe_parameters(self) -> Parameters:
        """The tree of the model's parameters."""
        return describe_parameters(self.decoder, self.family.find_sources(self.names))

    def list_weight_files(self) -> list[str]:
        """The names of the safetensors files, sorted."""
        return sorted(set(self.tensor_files.values()))

    def read_tensor_headers(self) -> Mapping[str, Tensor]:
        """Every tensor, by the family's name for it; read once.

        Raises:
            ModelError: a file is damaged.
        """
        return self._tensor_headers

    @functools.cached_property
    def _tensor_headers(self) -> dict[str, Tensor]:
        files = self.list_weight_files()
        with ThreadPoolExecutor(_READERS) as pool:
            most = max(LEAST_HEADER_BYTES, MOST_HEADER_BYTES // len(files))
            headers = dict(zip(files, pool.map(lambda file: read_tensors(self.place, file, most), files), strict=True))
        found = {name: headers[file].get(self.names[name]) for name, file in self.tensor_files.items()}
        return {name: tensor for name, tensor in found.items() if tensor}

    def check_tensors(self) -> None:
        """Compare every parameter of the decoder with the headers of the safetensors files.

        Raises:
            ModelError: a tensor is missing, has another shape, or a dtype that cannot be loaded.
        """
        where = locate_folder(self.place)
        least = max(parameter.count_tensors() for parameter in leaves(self.describe_parameters()))
        if least > len(self.tensor_files):
            raise ModelError(
                f"{where} must hold at least {least:,} tensors, for the layers and experts of config.json, found "
                f"{len(self.tensor_files):,} in all: {_OTHER_MODEL}"
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
                f"{', '.join(missing[:3])}{', ...' if len(missing) > 3 else ''}: {self._suggest(missing)}"
            )
        tensors = self.read_tensor_headers()
        for name, parameter in expected.items():
            self._check_tensor(name, parameter, tensors)

        self._check_tied_head(tensors)

    def _check_tied_head(self, tensors: Mapping[str, Tensor]) -> None:
        """Refuse a head of its own where config.json says that the head is the embedding: tools differ about it."""
        embed, head = (tensors.get(str(self.family.sources[name])) for name in ("embed", "head"))
        if self.decoder.tied_head and embed and head and not are_alike(self.place, embed, head):
            raise ModelError(
                f"{locate_folder(self.place)} must hold one matrix as embedding and head, as tie_word_embeddings in "
                f"{CONFIG} says, found two: transformers 5 takes the head, older releases the embedding; to take the "
                f'head, write "tie_word_embeddings": false into {CONFIG}'
            )

    def _suggest(self, missing: list[str]) -> str:
        """What to do about missing tensors."""
        if missing == [self.family.sources["head"]] and not self.decoder.tied_head:
            return (
                f'{CONFIG} does not say that the head is the embedding: if it is, write "tie_word_embeddings": true '
                "into it"
            )
        return _OTHER_MODEL

    def _check_tensor(self, name: str, parameter: Parameter, tensors: Mapping[str, Tensor]) -> None:
        path, tensor = self.place.locate(self.tensor_files[name]), tensors.get(name)
        if tensor is None:
            raise ModelError(f"{path} must hold {name}, as {INDEX} says, found none: fetch the model again")
        encoding = find_encoding(name, tensors, self.quantisation)
        if encoding and (wrong := encoding.check(tensors.get(encoding.scales_name))):
            title = encoding.quantisation.title
            raise ModelError(f"{path} holds {name} in {title}, which must {wrong}: {_OTHER_MODEL}")
        if not encoding and tensor.dtype not in BYTES:
            raise ModelError(
                f"{path} must hold {name} in one of {', '.join(BYTES)}; found {tensor.dtype}, as quantised weights "
                "are: name the model that it was made of, in its own precision"
            )
        shape = encoding.shape if encoding else tensor.shape
        if shape != parameter.source_shape:
            raise ModelError(
                f"{path} must hold {name} as {list(parameter.source_shape)}, found {list(shape)}: {_OTHER_MODEL}"
            )


def open_model(
    address: str | Path, ignored: Iterable[str] = (), digests: Mapping[str, str] = MappingProxyType({})
) -> ModelFolder:
    """The model in a folder, local or at `gs://`.

    Args:
        ignored: fields of config.json whose meaning is unknown and that change no score, as the user says.
        digests: the SHA-256 that files must have when they are read, by name.

    Raises:
        ModelError: there is no such folder, its config.json is not supported, or it has no safetensors.
        SettingsError: an ignored field has a known meaning.
    """
    address = str(address)
    if not address.startswith("gs://") and not (address and Path(address).is_dir()):
        raise ModelError(
            "model must be a folder with config.json, tokenizer.json and safetensors, a GGUF file, a name in "
            f"models.yaml, or organisation/name on the Hugging Face Hub, found no folder or file {address!r}: check it",
            parameter="model",
        )
    return open_model_at(open_store(address, "model"), ignored, digests)


def open_model_at(
    place: Place, ignored: Iterable[str] = (), digests: Mapping[str, str] = MappingProxyType({})
) -> ModelFolder:
    """The model whose files are in a place; like `open_model`."""
    place = HashedPlace(place=place, digests=digests) if digests else place
    config = read_config(place, ignored)
    family = find_family(config)
    decoder, files = family.parse_config(config), list_tensor_files(place, locate_folder(place))
    names = find_names(family.sources, files, tied_head=decoder.tied_head)
    tensor_files = {name: files[names[name]] for name in names}
    return ModelFolder(
        place=place,
        family=family,
        decoder=decoder,
        tensor_files=tensor_files,
        names=names,
        ignored=list_ignored(config),
        notices=tuple(list_notices(place, config, sorted(set(files.values())))),
        digests=digests,
        quantisation=read_quantisation(config),
    )


def locate_folder(place: Place) -> str:
    """The folder's address, as error messages show it."""
    return place.locate(CONFIG).removesuffix(f"/{CONFIG}")


def read_config(place: Place, ignored: Iterable[str] = ()) -> dict[str, Any]:
    """The content of a model's config.json; the values of ignored fields are marked, for `Fields`.

    Raises:
        ModelError: there is none, or it is no JSON object.
    """
    if not place.find(CONFIG):
        raise explain_missing_config(place, locate_folder(place))
    return mark_ignored(read_json_object(place, CONFIG), frozenset(ignored))


def hash_files(digests: Mapping[str, str]) -> str:
    """One SHA-256 for several files, made from their names and SHA-256 digests, in the order of `digests`."""
    lines = (f"{name}\0{digest}\n" for name, digest in digests.items())
    return hashlib.sha256("".join(lines).encode()).hexdigest()
