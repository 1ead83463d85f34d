"""Converts the local paths of a run file, which are relative to its folder."""

import glob
import os
from pathlib import Path

LIST = "@"
"""Prefix of a file that lists books."""
_ROOTS = ("/", "./", "../", "~")
"""Beginnings that make a model's location a path, and no repository."""


def make_absolute(text: str, folder: Path) -> str:
    """The absolute path of a path in a run file of `folder`; an address is returned unchanged."""
    listed, path = _split(text)
    if "://" in path:
        return text
    named = Path(path).expanduser()
    whole = _join(str(folder), named)
    if glob.has_magic(path) and not os.path.lexists(whole):
        whole = _join(glob.escape(str(folder)), named)  # brackets in the folder's name are no pattern
    return listed + whole


def make_model_absolute(text: str, folder: Path) -> str:
    """The absolute path of a model in a run file of `folder`; a repository or a name in models.yaml unchanged."""
    is_path = text.startswith(_ROOTS) or text in (".", "..") or (folder / text).exists()
    return make_absolute(text, folder) if is_path else text


def make_relative(text: str, folder: Path) -> str:
    """A path relative to `folder`, for a run file there; an address is returned unchanged."""
    listed, path = _split(text)
    if "://" in path:
        return text
    written = os.path.relpath(Path(path).absolute(), folder.resolve())
    return listed + (written if written.startswith("..") else f"./{written}")


def make_model_relative(text: str, folder: Path) -> str:
    """A model's path relative to `folder`, for a run file there; a repository or a name in models.yaml unchanged."""
    is_path = text.startswith(_ROOTS) or text in (".", "..") or os.path.lexists(text)
    return make_relative(text, folder) if is_path else text


def _split(text: str) -> tuple[str, str]:
    path = text.removeprefix(LIST)
    return text[: len(text) - len(path)], path


def _join(folder: str, path: Path) -> str:
    return os.path.normpath(Path(folder) / path)
