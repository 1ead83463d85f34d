"""How the results of a run come to stand in OUT: whole, and alone.

    OUT/               the results of the last run that ended well, and whatever else a person keeps there
      SHA256SUMS       names that run's files: they go when another run's take their place, and no other file does
      unfinished/      a run that is going on: its log, and each book's folder once that is done
      failed/          the same of a run that has failed, until the next one ends

A run has ended well once `unfinished/SHA256SUMS` is there. From then on its files are moved up in steps that can be
repeated, so that a run which starts after a kill between any two of them finishes what was begun:

    remove the files that OUT/SHA256SUMS names, itself last
    move those up that unfinished/SHA256SUMS names, itself last
    remove unfinished and failed
"""

import contextlib
import fcntl
import hashlib
import os
import re
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath

from byheart.contracts.errors import ByheartError, os_error_may_pass
from byheart.launch.older import list_older
from byheart.measures.results import PROVENANCE

LOG, SUMS, RUN_FILE = "log.txt", "SHA256SUMS", "run.yaml"
UNFINISHED, FAILED = "unfinished", "failed"
_LOCK = ".lock"
_LINE = re.compile(r"[0-9a-f]{64}  (.+)")


@contextlib.contextmanager
def alone_in(out: Path) -> Iterator[None]:
    """Hold the folder against other runs; the lock goes with this process, however that ends.

    Raises:
        ByheartError: another run holds it.
    """
    with (out / _LOCK).open("a") as file:  # it stays: who removed it could leave two runs with a lock each
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ByheartError(
                f"out must be used by one run at a time, found another one at work in {out}: wait for its end, or "
                "choose another out",
                may_pass=True,
            ) from None
        yield


class Publication:
    """The way of one run's results into OUT; the folder must be held by `alone_in`."""

    def __init__(self, out: Path) -> None:
        self._out, self.unfinished, self.failed = out, out / UNFINISHED, out / FAILED

    def begin(self, names: Iterable[str]) -> None:
        """Finish what a kill has left half moved, and make `unfinished` anew.

        Args:
            names: the files that stand in OUT itself, as far as they are known.

        Raises:
            ByheartError: something that no run has left stands where one of them, or `unfinished`, will be.
        """
        for folder in (self.unfinished, self.failed):
            if os.path.lexists(folder) and not _is_of_a_run(folder):
                raise _no_room("a folder of byheart's own", folder, "another thing")
        if (self.unfinished / SUMS).is_file():
            self.move_up()
        if not _listed(self._out) and (older := list_older(self._out)):
            _write_sums(self._out, older)
        self.check_room((*names, LOG, RUN_FILE, SUMS))
        _discard(self.unfinished)
        self.unfinished.mkdir()

    def check_room(self, names: Iterable[str]) -> None:
        """Refuse what stands in OUT where a result will be, and was not left there by an earlier run.

        Args:
            names: of files, relative to OUT.

        Raises:
            ByheartError: there is something.
        """
        replaced = {SUMS, *_listed(self._out)} if _listed(self._out) else set()
        for name in names:
            path = self._out / name
            for folder in (self._out / parent for parent in PurePosixPath(name).parents[:-1]):
                if os.path.lexists(folder) and not folder.is_dir():
                    raise _no_room("a folder", folder, "a file")
            if path.is_dir():
                raise _no_room("a file", path, "a folder")
            if os.path.lexists(path) and name not in replaced:
                raise _no_room("a file", path, "one that no run has left")

    def take_books(self, results: Path) -> None:
        """Move the folders of the books that are done; each appears by one rename.

        Args:
            results: the folder that the run writes.
        """
        for folder in sorted(path for path in results.iterdir() if path.is_dir() and not path.name.startswith(".")):
            hidden = self.unfinished / f".{folder.name}"
            with _taking():
                shutil.move(folder, hidden, copy_function=shutil.copyfile)  # maybe from another disk
                hidden.rename(self.unfinished / folder.name)

    def take_files(self, results: Path) -> None:
        """Copy the files of the run as a whole, once they are."""
        with _taking():
            for path in results.iterdir():
                if path.is_file():
                    shutil.copyfile(path, self.unfinished / path.name)

    def seal(self) -> None:
        """Make the run one that has ended well.

        Raises:
            ByheartError: something stands in OUT where one of its files will be.
        """
        names = sorted(_files(self.unfinished))
        self.check_room((*names, SUMS))
        with _taking():
            _write_sums(self.unfinished, names)

    def move_up(self) -> None:
        """Have the results of a run that has ended well take the place of the earlier ones."""
        names = _listed(self.unfinished)
        self.check_room((*(name for name in names if (self.unfinished / name).exists()), SUMS))
        _remove(self._out, _listed(self._out))
        for name in (*names, SUMS):
            if (self.unfinished / name).exists():
                (self._out / name).parent.mkdir(parents=True, exist_ok=True)
                (self.unfinished / name).replace(self._out / name)
        for folder in (self.unfinished, self.failed):
            _discard(folder)

    def set_aside(self) -> None:
        """Make the run the last one that has failed; the earlier results stay."""
        with contextlib.suppress(OSError):  # then it stays where it is until the next run; why this failed is more
            _discard(self.failed)
            self.unfinished.rename(self.failed)


def _is_of_a_run(folder: Path) -> bool:
    """Whether a folder was made by a run: it has a log, or the list of a run that has ended, or no file."""
    if folder.is_symlink() or not folder.is_dir():
        return False
    return any((folder / name).is_file() for name in (LOG, SUMS)) or not any(_files(folder))


def _discard(folder: Path) -> None:
    """Remove such a folder, the log last: by it a rest is known for one of a run."""
    if folder.exists():
        for path in folder.iterdir():
            if path.is_dir():
                shutil.rmtree(path)
            elif path.name != LOG:
                path.unlink()
        shutil.rmtree(folder)


def _listed(folder: Path) -> list[str]:
    """The files that a folder's SHA256SUMS names; none where it has none, or one of somebody else's."""
    try:
        lines = (folder / SUMS).read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return []
    names = [match[1] for line in lines if (match := _LINE.fullmatch(line))]
    is_ours = len(names) == len(lines) and PROVENANCE in names and not any(map(_leads_out, names))
    return names if is_ours else []


def _leads_out(name: str) -> bool:
    path = PurePosixPath(name)
    return path.is_absolute() or ".." in path.parts


def _files(folder: Path) -> Iterator[str]:
    return (path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def _write_sums(folder: Path, names: Iterable[str]) -> None:
    """Write SHA256SUMS for `sha256sum --check`; it appears by a rename."""
    lines = []
    for name in names:
        with (folder / name).open("rb") as file:
            lines.append(f"{hashlib.file_digest(file, 'sha256').hexdigest()}  {name}\n")
    hidden = folder / f".{SUMS}"
    hidden.write_text("".join(lines), encoding="utf-8")
    hidden.replace(folder / SUMS)


def _remove(out: Path, names: list[str]) -> None:
    """Remove the files, then the list of them, and the folders that are empty without them."""
    for name in names:
        with contextlib.suppress(FileNotFoundError, NotADirectoryError):
            (out / name).unlink()
    if names:
        (out / SUMS).unlink()
    for folder in {parent for name in names for parent in PurePosixPath(name).parents[:-1]}:
        with contextlib.suppress(OSError):  # it holds something that a person keeps there
            (out / folder).rmdir()


def _no_room(needed: str, path: Path, there: str) -> ByheartError:
    return ByheartError(f"out must have room for {needed} {path}, found {there} there: move it or choose another out")


@contextlib.contextmanager
def _taking() -> Iterator[None]:
    try:
        yield
    except (shutil.Error, OSError) as error:
        why = error.args[0][0][2] if isinstance(error, shutil.Error) else error
        raise ByheartError(
            f"out must take the results, found: {why}: make room and run again, the scores are kept",
            may_pass=os_error_may_pass(error),
        ) from None
