"""The model of a run, as the first stage hands it to the others: where it is and what it is, never its weights."""

import dataclasses
import json
from pathlib import Path


@dataclasses.dataclass(frozen=True, kw_only=True)
class Model:
    """A model, checked and hashed."""

    source: str
    """What the user called it."""
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
    Path(path).write_text(json.dumps(dataclasses.asdict(model), indent=2) + "\n", encoding="utf-8")


def read_model(path: str | Path) -> Model:
    """The description that `write_model` wrote."""
    return Model(**json.loads(Path(path).read_text(encoding="utf-8")))
