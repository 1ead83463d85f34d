"""What a parser may do with an input: return a value, or raise an error of byheart's that people can read. It may not
take long, take much memory, write outside its folder, start a program or connect to another machine.
"""

import functools
import os
import re
import resource
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from tests.fuzz.parser import HarmError, Parser, may_refuse

MOST_SECONDS = 10.0
"""Seconds of the processor for an input: a hundred times what the slowest valid one takes."""
MOST_ADDRESSES = 2**31
"""Bytes of address space beyond what the process has: the stacks of a pool's threads and their arenas are in it."""
MOST_MEMORY = 2**28
"""Bytes of memory beyond what the process had before."""
_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT
_CHANGES = {"os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.link", "os.symlink", "os.truncate", "os.chmod"}
_NEVER = {"os.system", "os.exec", "os.posix_spawn", "subprocess.Popen", "pickle.find_class", "os.fork"}
_folder: str | None = None
"""The folder of the parser at work; None while none is."""
_done: list[str] = []
"""What the parser at work did and may not do."""


def check(parser: Parser, data: bytes) -> None:
    """Feed a parser.

    Raises:
        HarmError: it did what it may not do; the cause is the error that it raised, if it did.
    """
    with tempfile.TemporaryDirectory(prefix="byheart-fuzz-") as folder:
        (Path(folder) / "temporary").mkdir()
        (Path(folder) / "own").mkdir()
        most, began = _begin_to_measure_memory(), time.process_time()
        try:
            with may_refuse(), _watched(folder), _limited():
                parser.read(data, Path(folder) / "own")
        except (KeyboardInterrupt, SystemExit):
            raise
        except BaseException as error:  # a panic of a library in Rust is no Exception
            raise HarmError(f"{type(error).__name__}: {str(error)[:300]}") from error
        if (seconds := time.process_time() - began) > MOST_SECONDS:
            raise HarmError(f"it took {seconds:.1f} s")
        if (taken := _measure_most_memory() - most) > MOST_MEMORY:
            raise HarmError(f"it took {taken:,} bytes of memory")
        if _done:
            raise HarmError(f"it may not: {_done[0]}")


def _begin_to_measure_memory() -> int:
    """The most bytes of memory that the process has had, counted from now on where the system can."""
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_bytes(b"5")
    return _measure_most_memory()


def _measure_most_memory() -> int:
    status = Path("/proc/self/status")
    if status.exists() and (most := re.search(r"VmHWM:\s+(\d+) kB", status.read_text())):
        return int(most[1]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


@contextmanager
def _limited() -> Iterator[None]:
    """Bound the address space, where the system says how much of it is taken."""
    statm = Path("/proc/self/statm")
    if not statm.exists():
        yield
        return
    taken = int(statm.read_text().split()[0]) * resource.getpagesize()
    before = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (taken + MOST_ADDRESSES, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)


@contextmanager
def _watched(folder: str) -> Iterator[None]:
    """Note what the process changes outside the folder."""
    global _folder
    _add_hook()
    before, sys.dont_write_bytecode = (tempfile.tempdir, sys.dont_write_bytecode), True
    tempfile.tempdir = str(Path(folder) / "temporary")
    _done.clear()
    _folder = folder
    try:
        yield
    finally:
        _folder = None
        tempfile.tempdir, sys.dont_write_bytecode = before


@functools.cache
def _add_hook() -> None:
    """Have Python report what it does, once: a hook stays for the life of a process."""
    sys.addaudithook(_note)


def _note(event: str, arguments: tuple[Any, ...]) -> None:
    if _folder is None:
        return
    if event in _NEVER:
        _done.append(f"{event} {arguments!r}"[:200])
    elif event == "open" and isinstance(arguments[2], int) and arguments[2] & _WRITES:
        _note_path(event, arguments[0])
    elif event in _CHANGES:
        two = event in ("os.rename", "os.link", "os.symlink")
        if all(number == -1 for number in arguments[2 if two else 1 :] if event != "os.mkdir"):
            for path in arguments[: 2 if two else 1]:
                _note_path(event, path)
    elif event == "socket.connect" and not str(arguments[1]).startswith("('127.0.0.1'"):
        _done.append(f"{event} {arguments[1]!r}"[:200])


def _note_path(event: str, path: Any) -> None:
    if isinstance(path, int) or path is None or _folder is None:
        return
    full = os.path.realpath(os.fsdecode(path))
    if not full.startswith(f"{os.path.realpath(_folder)}/") and full != os.devnull:
        _done.append(f"{event} {full!r}"[:300])
