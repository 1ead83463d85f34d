"""Reading books in local files."""

import errno
import glob
import itertools
import os
from collections.abc import Iterator
from pathlib import Path

from byheart.components.download.size import MOST_BOOKS, MOST_BYTES, check_count, check_size
from byheart.contracts.errors import BookError, os_error_may_pass


class LocalFiles:
    """Files by their paths."""

    def find(self, source: str) -> list[str]:
        """The file itself, a folder's `.txt` files, or the files that match a glob."""
        path = Path(source)
        try:
            if path.is_dir():
                files = sorted(file for file in path.iterdir() if is_text(file.name) and not file.is_dir())
                return _require_some(list(map(str, files)), f"{path} must hold at least one .txt file")
            if path.exists() or not glob.has_magic(source):
                return [str(path)]
        except (OSError, ValueError) as error:  # a NUL in the path
            raise _explain_unreadable(path, error) from None
        try:
            matches = sorted(set(itertools.islice(_match(source), MOST_BOOKS + 1)))
        except (OSError, ValueError) as error:
            raise _explain_unreadable(path, error) from None
        check_count(len(matches), source)
        return _require_some(matches, f"{source} must match at least one file")

    def read(self, address: str) -> bytes:
        """The file's bytes."""
        path = Path(address)
        try:
            if path.exists() and not path.is_file():
                raise BookError(f"{path} must be a file, found a pipe or a device: save the text as a file")
            with path.open("rb") as file:
                check_size(os.fstat(file.fileno()).st_size, address)
                data = file.read(MOST_BYTES + 1)
        except FileNotFoundError:
            raise BookError(
                f"books must name files that exist, found no {path}: check the path", parameter="books"
            ) from None
        except (OSError, ValueError) as error:  # a NUL in the path
            raise _explain_unreadable(path, error) from None
        check_size(len(data), address)
        return data


def _match(source: str) -> Iterator[str]:
    """Yield the files that match a glob, but hidden ones; `**` follows no links to folders, which may lead back."""
    path = Path(source)
    parts = [part if part == "**" else part.replace("**", "*") for part in path.parts[bool(path.anchor) :]]
    first = next(number for number, part in enumerate(parts) if glob.has_magic(part))
    root = Path(path.anchor, *parts[:first])
    pattern = parts[first:] + ["*"] * (parts[-1] == "**")
    for found in root.glob("/".join(pattern)):
        names = found.relative_to(root).parts
        is_hidden = any(name.startswith(".") for name in names) and not any(part.startswith(".") for part in pattern)
        if not is_hidden and not found.is_dir():
            yield str(found)


def is_text(name: str) -> bool:
    """Whether a file of this name is one of the texts that its folder stands for."""
    return name.lower().endswith(".txt") and not name.startswith(".")


def _require_some(files: list[str], needed: str) -> list[str]:
    if not files:
        raise BookError(f"{needed}, found none: name the book's file")
    return files


def _explain_unreadable(path: Path, error: OSError | ValueError) -> BookError:
    if isinstance(error, OSError) and error.errno == errno.ENAMETOOLONG:
        begin = f"{len(str(path)):,} characters, {str(path)[:40]!r} and so on"
        return BookError(
            f"books must name files, found {begin}: save a text as a file and name that", parameter="books"
        )
    found, may_pass = (error.strerror, os_error_may_pass(error)) if isinstance(error, OSError) else (error, False)
    return BookError(f"{path} must be a readable file, found: {found}: permit it or name another", may_pass=may_pass)
