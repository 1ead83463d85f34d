"""What the text of `model` names: a folder, or ADDRESS[@REVISION] of a repository on the Hugging Face Hub."""

import dataclasses
import re
from pathlib import Path
from typing import Self

from byheart.contracts.errors import SettingsError
from byheart.models.known import KNOWN

_REPOSITORY = re.compile(r"[\w.-]+/[\w.-]+")


@dataclasses.dataclass(frozen=True, kw_only=True)
class HubAddress:
    """A repository on the Hub."""

    name: str
    """Its name in models.yaml, else the repository's."""
    repository: str
    revision: str
    """A branch, a tag or a commit."""

    @classmethod
    def parse(cls, model: str) -> Self | None:
        """The repository that a text names, at its revision, else that of models.yaml, else `main`; None for a folder.

        A folder's path may hold an @: whatever is at gs://, or is a folder here, is one, and a text whose part before
        its first @ is neither a name in models.yaml nor organisation/name is taken for one.

        Raises:
            SettingsError: a revision of a folder is asked for, or an empty one.
        """
        if model.startswith("gs://") or Path(model).is_dir():
            return None
        name, at, revision = model.partition("@")
        if at and name and Path(name).is_dir():
            raise SettingsError(
                f"model must name no revision of a folder, found {revision!r} behind {name}: leave it out",
                parameter="model",
            )
        known = KNOWN.get(name)
        if not known and not _REPOSITORY.fullmatch(name):
            return None
        if at and not revision:
            raise SettingsError(
                f"model must have a branch, a tag or a commit behind @, found {model}: give one, or leave the @ out",
                parameter="model",
            )
        return cls(
            name=name,
            repository=known.repository if known else name,
            revision=revision or (known.revision if known else "main"),
        )
