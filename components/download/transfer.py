"""Copies files from the Hub into the store, several at once, and hashes them on the way.

    the Hub --stream--> 16 MiB --keep--> store
                               --hash--> SHA-256, in the order of the file

Files in huggingface_hub's cache on this machine are read from there instead, and compared with the same hash.

For each file a thread of its own keeps and hashes pieces; fetching waits for it only if it falls behind. Memory is
bounded for files of any size: at most 8 files at once, each with at most 5 pieces, two thirds of a gigabyte.
"""

import hashlib
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from contextlib import suppress
from pathlib import Path

from byheart.components.download.cache import find_blob
from byheart.components.download.hub import HubFile, HubRepository
from byheart.contracts.errors import ModelError
from byheart.contracts.progress import format_size, say
from byheart.store import Place, Store
from byheart.store.in_order import map_in_order
from byheart.store.stored import Growing

PIECE_BYTES = 16 * 2**20
_FILES = 8
"""Files that are fetched at once."""
_WAITING = 2
"""Pieces of a file that are fetched but not kept yet."""
_ATTEMPTS = 2
"""For a file whose bytes do not have the hash that the Hub gives."""
_CHUNK_BYTES = 2**20
"""Bytes to read at once from huggingface_hub's cache."""

Report = Callable[[int], None]
"""Called with the number of bytes done since its last call."""


def bring(
    source: HubRepository, names: Iterable[str], store: Store, folder: str, report: Report, report_kept: Report
) -> dict[str, str]:
    """Copy the files into `folder` of the store, check their hashes, and return the SHA-256 of each by name.

    Args:
        report: called for bytes that are fetched.
        report_kept: called for bytes that an earlier attempt fetched.

    Raises:
        ModelError: the Hub sends other bytes than it describes.
        StoreError: the store cannot be written.
    """
    stop = threading.Event()

    def bring_file(name: str) -> str:
        return _bring_file(source, name, store, f"{folder}/{name}", stop, report, report_kept)

    with ThreadPoolExecutor(_FILES) as pool:
        jobs = {name: pool.submit(bring_file, name) for name in names}
        try:
            done, _ = wait(jobs.values(), return_when=FIRST_EXCEPTION)
        finally:
            stop.set()  # when a file fails, the others stop, and keep their pieces for the next attempt
            pool.shutdown(cancel_futures=True)
        for job in done:
            job.result()
        return {name: job.result() for name, job in jobs.items()}


class _StoppedError(Exception):
    """Another file failed."""


def hash_object(place: Place, name: str, size_bytes: int, report: Report) -> str:
    """The SHA-256 of an object; the next pieces are read while a piece is hashed."""
    digest = hashlib.sha256()

    def read(start: int) -> bytes:
        return place.read_range(name, start, min(start + PIECE_BYTES, size_bytes))

    for piece in map_in_order(read, range(0, size_bytes, PIECE_BYTES), threads=_WAITING, ahead=_WAITING):
        digest.update(piece)
        report(len(piece))
    return digest.hexdigest()


def check_room(store: Store, folder: str, sizes: dict[str, int], source: str) -> None:
    """Check that the store has room for files of these sizes, beside what it has of them.

    Raises:
        ModelError: it has not.
    """
    free = store.free_bytes()
    needed = sum(sizes.values()) - sum(_count_bytes_there(store, f"{folder}/{name}") for name in sizes)
    if free is not None and free < needed:
        raise ModelError(
            f"store must have {format_size(needed)} free for {source}, found {format_size(free)} at "
            f"{store.locate(folder)}: make room or choose another store",
            parameter="store",
        )


def _count_bytes_there(store: Store, name: str) -> int:
    """The number of bytes of an object that are in the store, even if it is unfinished."""
    stored = store.find(name)
    return stored.size_bytes if stored else store.begun_bytes(name)


def _bring_file(
    source: HubRepository,
    name: str,
    store: Store,
    target: str,
    stop: threading.Event,
    report: Report,
    report_kept: Report,
) -> str:
    """Copy a file into the store at `target`, and return its SHA-256."""
    file = source.files[name]
    cached = find_blob(source.repository, file)
    for blob in ([cached] if cached else []) + [None] * _ATTEMPTS:
        with store.grow(target, PIECE_BYTES, stop) as growing:
            if growing is None:
                break  # an earlier attempt or another process has finished it
            hashes = Hashes(file)
            for piece in range(growing.pieces):
                hashes.update(data := growing.read(piece))
                report_kept(len(data))
            chunks = _stream(blob, hashes.bytes) if blob else source.stream(name, hashes.bytes)
            _keep(chunks, growing, hashes, stop, report)
            if hashes.match():
                growing.finish()
                return hashes.sha256.hexdigest()
            growing.discard()
            if blob:
                say(f"damaged, and fetched from the Hub: {blob}")
    stored = store.find(target)
    if stored is None:
        raise ModelError(
            f"{source.locate(name)} must come as the Hub describes it, found other bytes, {_ATTEMPTS} times: check the "
            "network and run again",
            may_pass=True,
        )
    report_kept(stored.size_bytes)
    return file.sha256 or hash_object(store, target, stored.size_bytes, lambda _: None)


def _stream(path: Path, start: int) -> Iterator[bytes]:
    """Yield a file's bytes from `start`; if it cannot be read they end early, and the hash will differ."""
    with suppress(OSError), path.open("rb") as file:
        file.seek(start)
        while chunk := file.read(_CHUNK_BYTES):
            yield chunk


def _keep(chunks: Iterator[bytes], growing: Growing, hashes: "Hashes", stop: threading.Event, report: Report) -> None:
    """Append and hash the bytes piece by piece, while the next ones are fetched."""
    broken = threading.Event()
    spare: deque[bytearray] = deque()  # reused memory causes no page faults

    def keep(filled: tuple[bytearray, int]) -> None:
        if broken.is_set():
            raise _StoppedError  # no piece may follow a missing one
        piece, size_bytes = filled
        broken.set()
        hashes.update(growing.append(memoryview(piece)[:size_bytes]))
        broken.clear()
        report(size_bytes)
        spare.append(piece)

    for _ in map_in_order(keep, _cut_pieces(chunks, spare, stop), threads=1, ahead=_WAITING):
        pass


def _cut_pieces(
    chunks: Iterator[bytes], spare: deque[bytearray], stop: threading.Event
) -> Iterator[tuple[bytearray, int]]:
    """Yield buffers of `PIECE_BYTES`, each with the number of bytes in it: the last may hold fewer."""
    piece, filled = bytearray(), 0
    for chunk in chunks:
        if stop.is_set():
            raise _StoppedError
        while chunk:
            if not filled:
                piece = spare.popleft() if spare else bytearray(PIECE_BYTES)
            part = chunk[: PIECE_BYTES - filled]
            piece[filled : filled + len(part)] = part
            filled, chunk = filled + len(part), chunk[len(part) :]
            if filled == PIECE_BYTES:
                yield piece, filled
                filled = 0
    if filled:
        yield piece, filled


class Hashes:
    """The hashes of the bytes of a file so far, computed as the Hub does."""

    def __init__(self, file: HubFile) -> None:
        self._file, self.bytes = file, 0
        self.sha256 = hashlib.sha256()
        self._git = hashlib.sha1(f"blob {file.size_bytes}\0".encode(), usedforsecurity=False)

    def update(self, data: bytes | memoryview) -> None:
        """Add the next bytes."""
        self.bytes += len(data)
        self.sha256.update(data)
        if not self._file.sha256:
            self._git.update(data)

    def match(self) -> bool:
        """Whether the bytes so far are the complete file, with the hash that the Hub gives."""
        digest, expected = self.sha256.hexdigest(), self._file.sha256
        if not expected:
            digest, expected = self._git.hexdigest(), self._file.git_sha1
        return (self.bytes, digest) == (self._file.size_bytes, expected)
