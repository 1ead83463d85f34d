"""Folders and files that are something else than a model: each is called by its name, with the step that helps."""

import itertools
import json

from byheart.contracts.errors import ModelError
from byheart.contracts.foreign import shorten
from byheart.store import Place

ADAPTER_CONFIG = "adapter_config.json"
_CONFIG = "config.json"
_LFS = b"version https://git-lfs.github.com/spec/"
_PICKLES = (".bin", ".pt", ".pth", ".ckpt")
_WEIGHTS = (".safetensors", ".h5", ".msgpack", ".onnx", *_PICKLES)
_MOST_FILES = 10_000
"""Files of a folder that are looked at: a bucket may hold any number."""
_MOST_BYTES = 2**20
"""Bytes of an adapter's configuration, or of a branch: published ones have some hundred."""
MERGE = (
    "merge it into its base, as AutoPeftModelForCausalLM.from_pretrained(ADAPTER).merge_and_unload()"
    ".save_pretrained(NEW) of peft does, put the base's tokenizer.json into NEW, and name NEW"
)
_NO_PICKLE = (
    "write it as safetensors, as AutoPeftModelForCausalLM.from_pretrained(ADAPTER).save_pretrained(NEW) of peft does, "
    "on a machine that may be lost, and name NEW"
)
_OTHER_LAYOUT = "name the same model in Hugging Face's layout, with model.safetensors"


def check_no_pointer(data: bytes, path: str) -> None:
    """Raise ModelError if a file's first bytes are those of a Git LFS pointer."""
    if data.startswith(_LFS):
        raise ModelError(
            f"{path} must be the file itself, found a Git LFS pointer to it: run `git lfs install` and `git lfs pull` "
            "in its folder",
            parameter="model",
        )


def explain_missing_config(place: Place, where: str) -> ModelError:
    """The error of a folder without a config.json.

    Args:
        where: the folder's address.
    """
    names = _list_names(place)
    if place.find(ADAPTER_CONFIG):
        found, remedy = f"an adapter{_name_base(place)}", MERGE
    elif folders := _list_folders(place, names):
        on_hub = where.startswith("http")
        found = f"one in {folders[0]}"
        remedy = f"fetch the repository and name its folder {folders[0]}" if on_hub else f"name {where}/{folders[0]}"
        found += f" and {len(folders) - 1} other folders" if len(folders) > 1 else ""
    elif "model_index.json" in names:
        found, remedy = "a pipeline of diffusers", "name a language model"
    elif "params.json" in names:
        found, remedy = "params.json, the layout of the model's authors", _OTHER_LAYOUT
    elif names:
        found, remedy = f"none, but {names[0]}", "name the folder that has it"
    else:
        found, remedy = "nothing", "check the address"
    return ModelError(f"model must be a folder with {_CONFIG}, found {found} at {where}: {remedy}", parameter="model")


def explain_missing_weights(place: Place, where: str, needed: str) -> ModelError:
    """The error of a folder with a config.json and no weights that can be read.

    Args:
        where: the folder's address.
        needed: what it must hold.
    """
    weights = [name for name in _list_names(place) if name.endswith(_WEIGHTS) and "/" not in name]
    first = min(weights, key=lambda name: not name.endswith(".safetensors"), default="")
    found, remedy = f"only {first}", "convert or fetch the model as safetensors"
    if not first:
        found, remedy = "none", "bring the weights beside config.json"
    elif first.startswith("adapter_"):
        found, remedy = f"only an adapter{_name_base(place)}", MERGE
    elif first.startswith("model-0"):
        found, remedy = f"only parts of it, as {first}", "fetch the model again"
    elif first.endswith(".safetensors"):
        remedy = _OTHER_LAYOUT
    elif first.endswith(_PICKLES):
        found += ", which is pickle and can run code"
    return ModelError(f"{where} must hold {needed}, found {found}: {remedy}", parameter="model")


def explain_pickled_adapter(place: Place, needed: str) -> ModelError:
    """The error of an adapter's folder without weights that can be read.

    Args:
        needed: what it must hold.
    """
    pickles = [name for name in _list_names(place) if name.startswith("adapter_") and name.endswith(_PICKLES)]
    found = f"only {pickles[0]}, which is pickle and can run code" if pickles else "none"
    remedy = _NO_PICKLE if pickles else "bring it beside adapter_config.json"
    return ModelError(f"{place.locate(needed)} must be there, found {found}: {remedy}", parameter="model")


def _list_names(place: Place) -> list[str]:
    return [stored.name for stored in itertools.islice(place.list(), _MOST_FILES)]


def _list_folders(place: Place, names: list[str]) -> list[str]:
    """The folders below that have a config.json; of huggingface_hub's cache first the branch main's."""
    folders = sorted(name.removesuffix(f"/{_CONFIG}") for name in names if name.endswith(f"/{_CONFIG}"))
    main = f"snapshots/{_read_small(place, 'refs/main').decode(errors='replace').strip()}"
    return sorted(folders, key=lambda folder: folder != main)


def _name_base(place: Place) -> str:
    """The adapter's base as it names it, after ` of `; empty if it names none."""
    try:
        return f" of {shorten(str(json.loads(_read_small(place, ADAPTER_CONFIG))['base_model_name_or_path']))}"
    except (ValueError, KeyError, TypeError, RecursionError):
        return ""


def _read_small(place: Place, name: str) -> bytes:
    """The file's bytes; none if there is no such file, or it is larger than any of its kind."""
    stored = place.find(name)
    return place.read(name) if stored and stored.size_bytes <= _MOST_BYTES else b""
