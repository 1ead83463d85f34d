"""The model of a run, as the first stage hands it to the others: where it is and what it is, never its weights."""

import dataclasses
from pathlib import Path

from byheart.contracts.json_files import read_json, write_json


@dataclasses.dataclass(frozen=True, kw_only=True)
class ModelIdentity:
    """What a model is, wherever it lies."""

    source: str
    """The repository's name on the Hub, or the folder that the user named."""
    commit: str | None
    """The full commit on the Hugging Face Hub; None for a folder."""
    model_type: str
    """Its family, as its config.json names it."""
    parameters: int
    """How many weights it has."""
    weights_sha256: str
    """Over config.json and the safetensors."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Model(ModelIdentity):
    """A model, checked and hashed."""

    address: str
    """The folder, local or at gs://, that holds it."""

    @property
    def identity(self) -> ModelIdentity:
        """What it is, wherever it lies."""
        names = [field.name for field in dataclasses.fields(ModelIdentity)]
        return ModelIdentity(**{name: getattr(self, name) for name in names})


def write_model(path: str | Path, model: Model) -> None:
    """Write the model's description as JSON."""
    write_json(path, model)


def read_model(path: str | Path) -> Model:
    """The description that `write_model` wrote."""
    return read_json(path, Model)
