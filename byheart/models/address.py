"""Parsing the parameter `model`: a folder or a file, or ADDRESS[@REVISION] of a repository on the Hugging Face Hub."""

import dataclasses
import re
from pathlib import Path
from typing import Self

from byheart.contracts.errors import SettingsError
from byheart.models.known import KNOWN, check_row

_REPOSITORY = re.compile(r"(\w[\w.-]*/[\w.-]+?)(?:/([\w./-]+\.gguf))?")


@dataclasses.dataclass(frozen=True, kw_only=True)
class HubAddress:
    """A repository on the Hub."""

    name: str
    """The model's name in models.yaml, otherwise the repository's."""
    repository: str
    revision: str
    """A branch, a tag or a commit."""
    file: str = ""
    """The GGUF file in the repository that is the model; empty if none was named."""

    @classmethod
    def parse(cls, model: str, parameter: str = "model") -> Self | None:
        """The repository that `model` names; None if it names a folder.

        The revision is the text's, otherwise the one in models.yaml, otherwise `main`. A folder's path may hold an @:
        `model` is a folder, or a GGUF file, if it begins with gs://, if there is such a local one, or if the text
        before its first @ is neither a name in models.yaml nor organisation/name nor organisation/name/FILE.gguf.

        Args:
            parameter: the pipeline's parameter that holds the text; errors name it.

        Raises:
            SettingsError: the revision is of a folder, or empty, or the row of models.yaml is broken.
        """
        if model.startswith("gs://") or Path(model).exists():
            return None
        name, at, revision = model.partition("@")
        if at and name and Path(name).is_dir():
            raise SettingsError(
                f"{parameter} must name no revision of a folder, found {revision!r} behind {name}: leave it out",
                parameter=parameter,
            )
        check_row(name)
        known, match = KNOWN.get(name), _REPOSITORY.fullmatch(name)
        if not known and not match:
            return None
        if at and not revision:
            raise SettingsError(
                f"{parameter} must have a branch, a tag or a commit behind @, found {model}: give one, or leave the @ "
                "out",
                parameter=parameter,
            )
        repository, file = match.groups(default="") if match else ("", "")
        return cls(
            name=name,
            repository=known.repository if known else repository,
            revision=revision or (known.revision if known else "main"),
            file=file,
        )
