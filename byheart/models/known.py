"""The models that have a short name: the rows of models.yaml."""

import dataclasses
from pathlib import Path

import yaml

_FILE = Path(__file__).parents[1] / "models.yaml"


@dataclasses.dataclass(frozen=True, kw_only=True)
class KnownModel:
    """A model that has a short name."""

    repository: str
    revision: str = "main"
    accelerator: str = ""
    """Where `accelerator=auto` scores it; empty for the smallest slice that holds it."""


KNOWN = {name: KnownModel(**row) for name, row in yaml.safe_load(_FILE.read_text(encoding="utf-8")).items()}
