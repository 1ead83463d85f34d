"""Finds the GGUF file that a parameter names: the file itself, or the only one of a folder that has no safetensors."""

from collections.abc import Collection
from pathlib import Path

from byheart.contracts.errors import ModelError
from byheart.models.weights import INDEX, WEIGHTS
from byheart.store import Place, open_store

_ENDING = ".gguf"


def find_gguf(model: str) -> tuple[Place, str] | None:
    """The place and the name of the GGUF file that is meant by a path or an address; None if it means no such file.

    Raises:
        ModelError: it is another file, or a folder with several GGUF files.
    """
    folder, _, file = model.rpartition("/")
    if model.startswith("gs://"):
        if model.endswith(_ENDING):
            return open_store(folder, "model"), file
    elif Path(model).is_file():
        if not model.endswith(_ENDING):
            raise ModelError(
                f"model must be a folder, a {_ENDING} file, or a repository, found the file {model}: name its folder",
                parameter="model",
            )
        return open_store(str(Path(model).parent), "model"), Path(model).name
    elif not Path(model).is_dir():
        return None
    place = open_store(model, "model")
    if place.find(INDEX) or place.find(WEIGHTS):
        return None  # without a list of all files, of which a bucket may have many
    only = choose_gguf([stored.name for stored in place.list()], model)
    return (place, only) if only else None


def choose_gguf(names: Collection[str], model: str) -> str | None:
    """The only GGUF file among the files of a folder or a repository; None if there are safetensors, or none is GGUF.

    Raises:
        ModelError: there are several.
    """
    files = sorted(name for name in names if name.endswith(_ENDING))
    if {INDEX, WEIGHTS}.intersection(names):
        return None
    if len(files) > 1:
        listed = ", ".join(f"{model.rstrip('/')}/{name}" for name in files[:12])
        raise ModelError(
            f"model must name one of {len(files)} GGUF files, found {model} alone: write one of {listed}"
            f"{', ...' if len(files) > 12 else ''}",
            parameter="model",
        )
    return files[0] if files else None
