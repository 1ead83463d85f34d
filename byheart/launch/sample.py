"""The bundled sample: a book, a control, and a small model that was trained on half of the book."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

FOLDER = (Path(__file__).parent.parent / "samples").resolve()
MODEL = FOLDER / "model"
BOOK = FOLDER / "the-soap-winter.txt"
CONTROL = FOLDER / "the-lamp-ledger.txt"

TOY_WARNING = "the sample's model is a toy of one book: of any other, its numbers say nothing"


def list_sample_parameters() -> dict[str, Any]:
    """The parameters of the run that measures the sample."""
    return {"books": [str(BOOK)], "controls": [str(CONTROL)], "model": str(MODEL)}


def is_toy(values: Mapping[str, Any]) -> bool:
    """Whether the sample's model measures a book that is not the sample's."""
    of_the_sample = {Path(book).resolve() for book in values["books"]} <= {BOOK, CONTROL}
    return Path(values["model"]).resolve() == MODEL and not of_the_sample
