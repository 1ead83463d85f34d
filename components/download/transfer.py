"""Bytes on their way: from the Hub into the store, several files at once, and through a hash.

    the Hub --stream--> 16 MiB --keep--> store
                               --hash--> SHA-256, in the order of the file

Bytes that huggingface_hub keeps on this machine are read from its cache instead, and held against the same hash.

Fetching does not wait for keeping and hashing, which a thread of each file does, unless they fall behind. Memory stays
bounded, whatever the sizes: at most 8 files at once, of which each holds at most 5 pieces, two thirds of a gigabyte.
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
from byheart.contracts.progress import say
from byheart.store import Place, Store
from byheart.store.in_order import map_in_order
from byheart.store.stored import Growing

PIECE_BYTES = 16 * 2**20
_FILES = 8
"""Files that are brought at once."""
_WAITING = 2
"""Pieces of a file that are fetched and not kept yet."""
_ATTEMPTS = 2
"""At a file whose bytes are not those that the Hub promised."""
_CHUNK_BYTES = 2**20
"""Read at once of a file that huggingface_hub keeps."""

Report = Callable[[int], None]
"""Called with the number of bytes that are done."""


def bring(
    source: HubRepository, names: Iterable[str], store: Store, folder: str, report: Report, report_kept: Report
) -> dict[str, str]:
    """The SHA-256 of each file by name, once all are in the store, below `folder`, and are what the Hub promised.

    Args:
        report: called for bytes that were fetched.
        report_kept: called for bytes that an earlier attempt had fetched.

    Raises:
        ModelError: the Hub does not send what it promised.
        StoreError: the store does not take it.
    """
    stop = threading.Event()

    def bring_file(name: str) -> str:
        return _bring_file(source, name, store, f"{folder}/{name}", stop, report, report_kept)

    with ThreadPoolExecutor(_FILES) as pool:
        jobs = {name: pool.submit(bring_file, name) for name in names}
        try:
            done, _ = wait(jobs.values(), return_when=FIRST_EXCEPTION)
        finally:
            stop.set()  # when one fails, the others leave what they have for the next attempt
            pool.shutdown(cancel_futures=True)
        for job in done:
            job.result()
        return {name: job.result() for name, job in jobs.items()}


class _StoppedError(Exception):
    """Another file has failed."""


def sha256_of(place: Place, name: str, size_bytes: int, report: Report) -> str:
    """The SHA-256 of an object; the next piece is read while one is hashed."""
    digest = hashlib.sha256()

    def read(start: int) -> bytes:
        return place.read_range(name, start, min(start + PIECE_BYTES, size_bytes))

    for piece in map_in_order(read, range(0, size_bytes, PIECE_BYTES), threads=_WAITING, ahead=_WAITING):
        digest.update(piece)
        report(len(piece))
    return digest.hexdigest()


def _bring_file(
    source: HubRepository,
    name: str,
    store: Store,
    target: str,
    stop: threading.Event,
    report: Report,
    report_kept: Report,
) -> str:
    """One file's SHA-256, once it is in the store at `target`."""
    file = source.files[name]
    kept = find_blob(source.repository, file)
    for blob in ([kept] if kept else []) + [None] * _ATTEMPTS:
        with store.grow(target, PIECE_BYTES, stop) as growing:
            if growing is None:
                break  # an earlier attempt, or another process, has finished it
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
    return file.sha256 or sha256_of(store, target, stored.size_bytes, lambda _: None)


def _stream(path: Path, start: int) -> Iterator[bytes]:
    """A file's bytes from `start`; one that cannot be read ends early, which its hash tells."""
    with suppress(OSError), path.open("rb") as file:
        file.seek(start)
        while chunk := file.read(_CHUNK_BYTES):
            yield chunk


def _keep(chunks: Iterator[bytes], growing: Growing, hashes: "Hashes", stop: threading.Event, report: Report) -> None:
    """Append and hash the bytes, piece by piece, while the next ones come."""
    broken = threading.Event()
    spare: deque[bytearray] = deque()  # memory that is used again costs no page faults

    def keep(filled: tuple[bytearray, int]) -> None:
        if broken.is_set():
            raise _StoppedError  # nothing may follow a piece that is missing
        piece, size_bytes = filled
        broken.set()
        hashes.update(growing.append(memoryview(piece)[:size_bytes]))
        broken.clear()
        report(size_bytes)
        spare.append(piece)

    for _ in map_in_order(keep, _pieces(chunks, spare, stop), threads=1, ahead=_WAITING):
        pass


def _pieces(chunks: Iterator[bytes], spare: deque[bytearray], stop: threading.Event) -> Iterator[tuple[bytearray, int]]:
    """The same bytes in pieces of `PIECE_BYTES`, and how many of them count: the last may be shorter."""
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
    """What has come of a file, hashed as the Hub hashes it."""

    def __init__(self, file: HubFile) -> None:
        self._file, self.bytes = file, 0
        self.sha256 = hashlib.sha256()
        self._git = hashlib.sha1(f"blob {file.size_bytes}\0".encode(), usedforsecurity=False)

    def update(self, data: bytes | memoryview) -> None:
        """Add what comes next."""
        self.bytes += len(data)
        self.sha256.update(data)
        if not self._file.sha256:
            self._git.update(data)

    def match(self) -> bool:
        """Whether it is the file, whole."""
        found, wanted = self.sha256.hexdigest(), self._file.sha256
        if not wanted:
            found, wanted = self._git.hexdigest(), self._file.git_sha1
        return (self.bytes, found) == (self._file.size_bytes, wanted)
