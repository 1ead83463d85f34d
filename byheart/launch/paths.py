"""Paths of this machine in a run file: they are relative to the folder that holds the file."""

import glob
import os
from pathlib import Path

_LIST = "@"
"""Prefix of a file that lists books."""
_ROOTS = ("/", "./", "../", "~")
"""How a path begins that cannot be the name of a model."""


def absolute(text: str, folder: Path) -> str:
    """The path or address that a file in `folder` means by a text; an address stays as it is."""
    listed, path = _split(text)
    if "://" in path:
        return text
    named = Path(path).expanduser()
    whole = _joined(str(folder), named)
    if glob.has_magic(path) and not os.path.lexists(whole):
        whole = _joined(glob.escape(str(folder)), named)  # the folder's own brackets are no pattern
    return listed + whole


def absolute_model(text: str, folder: Path) -> str:
    """The same of a model: a text that names neither a folder there nor any path is the Hub's, or of models.yaml."""
    is_path = text.startswith(_ROOTS) or text in (".", "..") or (folder / text).is_dir()
    return absolute(text, folder) if is_path else text


def relative(text: str, folder: Path) -> str:
    """How a file in `folder` names a path, absolute or of the working folder; an address stays as it is."""
    listed, path = _split(text)
    if "://" in path:
        return text
    written = os.path.relpath(Path(path).absolute(), folder.resolve())
    return listed + (written if written.startswith("..") else f"./{written}")


def _split(text: str) -> tuple[str, str]:
    path = text.removeprefix(_LIST)
    return text[: len(text) - len(path)], path


def _joined(folder: str, path: Path) -> str:
    return os.path.normpath(Path(folder) / path)
