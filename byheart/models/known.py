"""The models that have a short name: the rows of models.yaml."""

import dataclasses
from pathlib import Path

import yaml

_FILE = Path(__file__).parents[1] / "models.yaml"


@dataclasses.dataclass(frozen=True, kw_only=True)
class KnownModel:
    """A row."""

    repository: str
    revision: str
    family: str
    accelerator: str
    """The smallest that holds its weights with room to work."""


KNOWN = {name: KnownModel(**row) for name, row in yaml.safe_load(_FILE.read_text(encoding="utf-8")).items()}
