"""The bundled sample: a book, three controls, and a small model that was trained on half of the book."""

import glob
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

FOLDER = (Path(__file__).parent.parent / "samples").resolve()
MODEL = FOLDER / "model"
BOOK = FOLDER / "the-soap-winter.txt"
CONTROLS = tuple(FOLDER / f"{name}.txt" for name in ("the-lamp-ledger", "the-ice-house", "the-hive-roll"))

TOY_WARNING = "the sample's model is a toy of one book: of any other, its numbers say nothing"


def list_sample_parameters() -> dict[str, Any]:
    """The parameters of the run that measures the sample."""
    return {
        "books": [_shorten(BOOK)],
        "controls": list(map(_shorten, CONTROLS)),
        "model": [_shorten(MODEL)],
        "label": "the sample model",
    }


def _shorten(path: Path) -> str:
    """The path relative to the working folder if it is below that."""
    return str(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path)


def is_toy(values: Mapping[str, Any]) -> bool:
    """Whether the sample's model measures a book that is not the sample's."""
    files = {file for book in values["books"] for file in _list_files(book)}
    return MODEL in set(map(_resolve, values["model"])) and not files <= {BOOK, *CONTROLS}


def _list_files(book: str) -> list[Path]:
    """The files that a local folder, a glob or a path stands for; any other book stays as it is."""
    if os.path.isdir(book):  # noqa: PTH112  Path.is_dir raises where a name is too long
        return list(map(_resolve, Path(book).rglob("*.txt")))
    return list(map(_resolve, glob.glob(book, recursive=True))) or [Path(book)]  # noqa: PTH207


def _resolve(path: str | Path) -> Path:
    """The path without links; unlike Path.resolve, also of a link that leads to itself."""
    return Path(os.path.realpath(path))
