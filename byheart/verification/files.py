"""Checks the files of a folder of results against its SHA256SUMS."""

import hashlib
import re
from pathlib import Path, PurePosixPath

from byheart.contracts.errors import DamagedError

SUMS, LOG, RUN_FILE = "SHA256SUMS", "log.txt", "run.yaml"
NOT_MADE_AGAIN = (LOG, RUN_FILE)
"""Files of a run that do not follow from its scores."""
_LINE = re.compile(r"([0-9a-f]{64})  (.+)")
_MOST_NAME_BYTES = 255
"""What file systems take; names of runs are shorter."""
_LOCK = ".lock"


def read_sums(folder: Path) -> dict[str, str]:
    """The SHA-256 of each file of the run, by name.

    Raises:
        DamagedError: there is no SHA256SUMS, or it is not as a run writes it.
    """
    path = folder / SUMS
    if not path.is_file():
        raise DamagedError(f"{folder} must hold {SUMS}, found none: give the folder of a run that has ended")
    lines = path.read_bytes().decode(errors="replace").splitlines()
    found = [_LINE.fullmatch(line) for line in lines]
    sums = {match[2]: match[1] for match in found if match}
    if len(sums) != len(lines) or not all(map(_is_name, sums)):
        raise DamagedError(f"{path} must have a hash and a name on each line, found another line: it was changed")
    return sums


def list_differences(folder: Path, sums: dict[str, str]) -> list[str]:
    """A clause for each file that is missing or has another hash."""
    differences = []
    for name, digest in sums.items():
        path = folder / name
        if not path.is_file():
            differences.append(f"{name} is missing")
        elif hash_file(path) != digest:
            differences.append(f"{name} has another hash")
    return differences


def list_other_files(folder: Path, sums: dict[str, str]) -> list[str]:
    """The names of the files that are not the run's."""
    names = (path.relative_to(folder).as_posix() for path in sorted(folder.rglob("*")) if not path.is_dir())
    return [name for name in names if name not in sums and name not in (SUMS, _LOCK)]


def hash_file(path: Path) -> str:
    """The SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _is_name(name: str) -> bool:
    """Whether a run could have given a file this name."""
    path = PurePosixPath(name)
    return len(name.encode()) <= _MOST_NAME_BYTES and not path.is_absolute() and ".." not in path.parts
