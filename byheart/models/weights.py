"""Which files of a folder hold the weights, and what in it other tools would load instead."""

from collections.abc import Iterator
from typing import Any

from byheart.contracts.errors import ModelError
from byheart.models.json_objects import read_json_object
from byheart.models.mistaken import ADAPTER_CONFIG, explain_missing_weights
from byheart.models.tensors import read_tensors
from byheart.store import Place

INDEX = "model.safetensors.index.json"
WEIGHTS = "model.safetensors"
MOST_FILES = 1_000
"""The largest models that are published have 200."""


def list_tensor_files(place: Place, where: str) -> dict[str, str]:
    """The file that holds each tensor, by the tensor's name: `model.safetensors` if it is there, else what the index
    names, as transformers does.

    Args:
        where: the folder's address.

    Raises:
        ModelError: there are no safetensors, or a file is missing or damaged.
    """
    if place.find(WEIGHTS):
        return dict.fromkeys(read_tensors(place, WEIGHTS), WEIGHTS)
    if not place.find(INDEX):
        raise explain_missing_weights(place, where, f"{WEIGHTS} or {INDEX}")
    files = read_json_object(place, INDEX).get("weight_map")
    if not isinstance(files, dict) or not files or not all(isinstance(file, str) for file in files.values()):
        raise ModelError(
            f"{place.locate(INDEX)} must have a weight_map of tensors to files, found none: fetch the model again"
        )
    names = sorted(set(files.values()))
    if len(names) > MOST_FILES:
        raise ModelError(
            f"{place.locate(INDEX)} must name at most {MOST_FILES:,} files, found {len(names):,}: save it in fewer"
        )
    for file in names:
        if not place.find(file):
            raise ModelError(f"{where} must hold {file}, which {INDEX} names, found none: fetch the model again")
    return files


def list_notices(place: Place, config: dict[str, Any], used: list[str]) -> Iterator[str]:
    """A line for everything in a folder that would change what another tool loads from it.

    Args:
        config: the content of config.json.
        used: the weight files that are read.
    """
    if used == [WEIGHTS] and place.find(INDEX):
        yield f"read is {WEIGHTS}, as by transformers; {INDEX} beside it, which vLLM follows, is not"
    if place.find(ADAPTER_CONFIG):
        yield f"{ADAPTER_CONFIG} is not used: transformers with peft would load that adapter, and its base"
    if isinstance(config.get("auto_map"), dict) and "AutoModelForCausalLM" in config["auto_map"]:
        yield "config.json names code of its own (auto_map), which is not run: transformers may be told to run it"
