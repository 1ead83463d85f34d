"""The text of every token, which `tokenize` writes beside the windows, for pages that name tokens."""

from collections.abc import Sequence
from pathlib import Path

from byheart.contracts.json_files import read_json, write_json

_FILE = "pieces.json"


def write_pieces(folder: str | Path, pieces: Sequence[str]) -> None:
    """Write the text of each token, by its id, into the folder of the windows."""
    Path(folder).mkdir(parents=True, exist_ok=True)
    write_json(Path(folder) / _FILE, pieces)


def read_pieces(folder: str | Path) -> list[str]:
    """The text of each token, by its id; empty where there is no such token."""
    return read_json(Path(folder) / _FILE, list[str])
