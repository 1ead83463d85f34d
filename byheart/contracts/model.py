"""The model of a run, as the first stage hands it to the others: where it is and what it is, never its weights."""

import dataclasses
from pathlib import Path

from byheart.contracts.json_files import read_json, write_json


@dataclasses.dataclass(frozen=True, kw_only=True)
class Model:
    """A model, checked and hashed."""

    source: str
    """The repository's name on the Hub, or the folder that the user named."""
    commit: str | None
    """The full commit on the Hugging Face Hub; None for a folder."""
    address: str
    """The folder, local or at gs://, that holds it."""
    model_type: str
    parameters: int
    weights_sha256: str
    """Over config.json and the safetensors."""


def write_model(path: str | Path, model: Model) -> None:
    """Write the model's description as JSON."""
    write_json(path, model)


def read_model(path: str | Path) -> Model:
    """The description that `write_model` wrote."""
    return read_json(path, Model)
