"""The folder that the first stage hands to the others: the books, the model's description and the settings.

Kubeflow gives a task whole folders: the pods that score, which need no texts, get the books too, a seventh of the size
of the windows that they get anyway.
"""

import dataclasses
from pathlib import Path
from typing import Self


@dataclasses.dataclass(frozen=True, kw_only=True)
class Inputs:
    """The paths in such a folder."""

    books: str
    """A folder, as `write_books` writes it."""
    model: str
    """A file, as `write_model` writes it."""
    settings: str
    """A file, as `Settings.write` writes it."""

    @classmethod
    def at(cls, folder: str | Path) -> Self:
        """The paths in a folder, whether or not anything is there."""
        return cls(
            books=str(Path(folder, "books")),
            model=str(Path(folder, "model.json")),
            settings=str(Path(folder, "settings.json")),
        )
