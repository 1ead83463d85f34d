"""Moves the results of a run into the folder OUT, all of them or none, in place of an earlier run's.

    OUT/               the results of the last run that succeeded, and any files of the user's own
      SHA256SUMS       names that run's files: the next run's results replace these files and no others
      unfinished/      the run in progress: its log, and the folder of each book that is finished
      failed/          the same for a run that failed, until the next run ends

A run has succeeded once `unfinished/SHA256SUMS` exists. From then on its files are moved up in steps that can be
repeated, so that after a kill between any two steps the next run completes them:

    remove the files that OUT/SHA256SUMS names, then OUT/SHA256SUMS
    move up the files that unfinished/SHA256SUMS names, then unfinished/SHA256SUMS
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
from byheart.launch.older_results import list_older_results
from byheart.measures.provenance import PROVENANCE

LOG, SUMS, RUN_FILE = "log.txt", "SHA256SUMS", "run.yaml"
UNFINISHED, FAILED = "unfinished", "failed"
_LOCK = ".lock"
_MARK = ".byheart"
"""An empty file in `unfinished` and `failed`: byheart made the folder, and may remove it with all that it holds."""
_LINE = re.compile(r"[0-9a-f]{64}  (.+)")


@contextlib.contextmanager
def hold_folder(out: Path) -> Iterator[None]:
    """Lock the folder against other runs; the lock ends with this process at the latest.

    Raises:
        ByheartError: another run holds the lock.
    """
    with (out / _LOCK).open("a") as file:  # never removed: a run that removed it could let two runs hold a lock each
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ByheartError(
                f"out must be used by one run at a time, found another run in {out}: wait for its end, or "
                "choose another out",
                may_pass=True,
            ) from None
        yield


@contextlib.contextmanager
def publish(out: Path, names: Iterable[str], mark: str = PROVENANCE) -> Iterator["Publication"]:
    """Publish in `out` what the block writes to `Publication.unfinished`; set it aside if the block fails.

    Args:
        names: the files that will stand in `out` itself, as far as they are known.
        mark: the file that every list of such files names, by which SHA256SUMS is known to be byheart's.

    Raises:
        ByheartError: another run uses `out`, or it cannot hold the results.
    """
    try:
        out.mkdir(parents=True, exist_ok=True)
        with hold_folder(out):
            publication = Publication(out, mark)
            publication.begin(names)
            try:
                yield publication
                publication.seal()
            except BaseException:
                publication.set_aside()
                raise
            publication.move_up()
    except BrokenPipeError:
        raise  # of the reader of what is printed, as in `byheart run | head`: not of `out`
    except OSError as refused:
        raise ByheartError(
            f"out must be a folder that can be written, found {refused.filename or out}: {refused.strerror}: make "
            "room or choose another",
            may_pass=os_error_may_pass(refused),
        ) from None


class Publication:
    """Moves one run's results into OUT, while `hold_folder` holds the lock."""

    def __init__(self, out: Path, mark: str = PROVENANCE) -> None:
        self._out, self.unfinished, self.failed = out, out / UNFINISHED, out / FAILED
        self._mark = mark

    def begin(self, names: Iterable[str]) -> None:
        """Complete a move that a kill interrupted, and create an empty `unfinished`.

        Args:
            names: the files of this run in OUT itself, as far as they are known.

        Raises:
            ByheartError: a file or folder that no run left is in the way of one of them, or of `unfinished`.
        """
        for folder in (self.unfinished, self.failed):
            if os.path.lexists(folder) and not _is_made_by_run(folder):
                raise _explain_no_room("a folder of byheart's own", folder, "another thing")
        if (self.unfinished / SUMS).is_file():
            self.move_up()
        is_run = self._mark == PROVENANCE
        if is_run and not _read_sums(self._out, self._mark) and (older := list_older_results(self._out)):
            _write_sums(self._out, older)
        self.check_room((*names, LOG, RUN_FILE, SUMS))
        _discard(self.unfinished)
        self.unfinished.mkdir()
        (self.unfinished / _MARK).touch()

    def check_room(self, names: Iterable[str]) -> None:
        """Check that nothing in OUT is in the way of these results, except those of an earlier run.

        Args:
            names: files, relative to OUT.

        Raises:
            ByheartError: another file or folder is in the way.
        """
        earlier = _read_sums(self._out, self._mark)
        replaced = {SUMS, *earlier} if earlier else set()
        for name in names:
            path = self._out / name
            for folder in (self._out / parent for parent in PurePosixPath(name).parents[:-1]):
                if os.path.lexists(folder) and not folder.is_dir():
                    raise _explain_no_room("a folder", folder, "a file")
            if path.is_dir():
                raise _explain_no_room("a file", path, "a folder")
            if os.path.lexists(path) and name not in replaced:
                raise _explain_no_room("a file", path, "one that no run left")

    def take_books(self, results: Path) -> None:
        """Move the folders of the finished books from `results`, which the run writes; each appears by one rename."""
        for folder in sorted(path for path in results.iterdir() if path.is_dir() and not path.name.startswith(".")):
            hidden = self.unfinished / f".{folder.name}"
            with _explain_failed_move():
                shutil.move(folder, hidden, copy_function=shutil.copyfile)  # may cross disks
                hidden.rename(self.unfinished / folder.name)

    def take_files(self, results: Path) -> None:
        """Copy the finished files of the whole run from `results`."""
        with _explain_failed_move():
            for path in results.iterdir():
                if path.is_file():
                    shutil.copyfile(path, self.unfinished / path.name)

    def seal(self) -> None:
        """Write `unfinished/SHA256SUMS`, by which the run has succeeded.

        Raises:
            ByheartError: a file or folder in OUT is in the way of a result.
        """
        names = sorted(name for name in _list_files(self.unfinished) if name != _MARK)
        self.check_room((*names, SUMS))
        with _explain_failed_move():
            _write_sums(self.unfinished, names)

    def move_up(self) -> None:
        """Replace the earlier results with those of the run that has succeeded."""
        names = _read_sums(self.unfinished, self._mark)
        self.check_room((*(name for name in names if (self.unfinished / name).exists()), SUMS))
        _remove(self._out, _read_sums(self._out, self._mark))
        for name in (*names, SUMS):
            if (self.unfinished / name).exists():
                (self._out / name).parent.mkdir(parents=True, exist_ok=True)
                (self.unfinished / name).replace(self._out / name)
        for folder in (self.unfinished, self.failed):
            _discard(folder)

    def set_aside(self) -> None:
        """Rename `unfinished` to `failed`; the earlier results stay."""
        with contextlib.suppress(OSError):  # it may stay until the next run: the error that ended this run matters more
            _discard(self.failed)
            self.unfinished.rename(self.failed)


def _is_made_by_run(folder: Path) -> bool:
    """Whether a run made the folder: it has the mark, or no file at all."""
    if folder.is_symlink() or not folder.is_dir():
        return False
    return (folder / _MARK).is_file() or not any(_list_files(folder))


def _discard(folder: Path) -> None:
    """Remove a folder that a run made, the mark last: it shows that what a kill leaves is a run's."""
    if folder.exists():
        for path in folder.iterdir():
            if path.is_dir():
                shutil.rmtree(path)
            elif path.name != _MARK:
                path.unlink()
        shutil.rmtree(folder)


def _read_sums(folder: Path, mark: str) -> list[str]:
    """The files that a folder's SHA256SUMS names; empty if it has none, or one that byheart did not write."""
    try:
        lines = (folder / SUMS).read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return []
    names = [match[1] for line in lines if (match := _LINE.fullmatch(line))]
    if len(names) != len(lines) or any(map(_leads_out, names)):
        return []
    has_several_models = mark == PROVENANCE and {LOG, RUN_FILE} <= set(names)
    return names if mark in names or has_several_models else []


def _leads_out(name: str) -> bool:
    path = PurePosixPath(name)
    return path.is_absolute() or ".." in path.parts


def _list_files(folder: Path) -> Iterator[str]:
    return (path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def _write_sums(folder: Path, names: Iterable[str]) -> None:
    """Write SHA256SUMS, as `sha256sum --check` reads it; it appears by a rename."""
    lines = []
    for name in names:
        with (folder / name).open("rb") as file:
            lines.append(f"{hashlib.file_digest(file, 'sha256').hexdigest()}  {name}\n")
    hidden = folder / f".{SUMS}"
    hidden.write_text("".join(lines), encoding="utf-8")
    hidden.replace(folder / SUMS)


def _remove(out: Path, names: list[str]) -> None:
    """Remove the files, then SHA256SUMS, then the folders that have become empty."""
    for name in names:
        with contextlib.suppress(FileNotFoundError, NotADirectoryError):
            (out / name).unlink()
    if names:
        (out / SUMS).unlink()
    for folder in {parent for name in names for parent in PurePosixPath(name).parents[:-1]}:
        with contextlib.suppress(OSError):  # it holds the user's own files
            (out / folder).rmdir()


def _explain_no_room(needed: str, path: Path, there: str) -> ByheartError:
    return ByheartError(f"out must have room for {needed} {path}, found {there} there: move it or choose another out")


@contextlib.contextmanager
def _explain_failed_move() -> Iterator[None]:
    try:
        yield
    except (shutil.Error, OSError) as error:
        why = error.args[0][0][2] if isinstance(error, shutil.Error) else error
        raise ByheartError(
            f"out must take the results, found: {why}: make room and run again, the scores are kept",
            may_pass=os_error_may_pass(error),
        ) from None
