"""The rows of models.yaml: models that have a short name."""

import dataclasses
from pathlib import Path

import yaml

_FILE = Path(__file__).parents[1] / "models.yaml"


@dataclasses.dataclass(frozen=True, kw_only=True)
class KnownModel:
    """A row of models.yaml."""

    repository: str
    revision: str = "main"
    accelerator: str = ""
    """The accelerator that `auto` chooses for it; empty for the smallest slice that holds it."""


KNOWN = {name: KnownModel(**row) for name, row in yaml.safe_load(_FILE.read_text(encoding="utf-8")).items()}
