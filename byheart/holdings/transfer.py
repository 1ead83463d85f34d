"""Copies objects from a store into another, several at once, and records the outcome of each."""

import base64
import enum
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor, as_completed

import google_crc32c

from byheart.contracts import parquet
from byheart.contracts.errors import DamagedError, StoreError
from byheart.scores.logits import is_chunk, matches_checksum
from byheart.store import Store
from byheart.store.in_order import map_in_order
from byheart.store.stored import Growing, Stored

PIECE_BYTES = 16 * 2**20
"""Larger objects are copied in pieces of this size; after a kill, a copy continues behind the last piece."""
_AT_ONCE = 4
_AHEAD = 2
"""Pieces of an object that are read ahead; 256 MB at most, with four objects at once."""
_ATTEMPTS = 2
"""For an object of which an earlier attempt left other bytes."""

Report = Callable[[int], None]
"""Called with the number of bytes copied since its last call."""


class Outcome(enum.Enum):
    """The outcome of an object."""

    COPIED = "copied"
    THERE = "there"
    """The target had the same bytes already."""
    DIFFERS = "differs"
    """The target has other bytes under that name, and keeps them."""
    DAMAGED = "damaged"
    """The source's bytes do not match the digest that they carry."""
    GONE = "gone"
    """It was removed from the source after it was listed."""


class _StoppedError(Exception):
    """Another object failed, or the user interrupted."""


class Transfer:
    """Copies objects; after a kill, another transfer of the same objects continues it."""

    def __init__(self, source: Store, target: Store, report: Report) -> None:
        self._source, self._target, self._report = source, target, report
        self._stop = threading.Event()
        self.outcomes: dict[str, Outcome] = {}
        self.size_bytes = 0
        """The size of the objects that were copied."""

    def copy(self, objects: Iterable[Stored]) -> None:
        """Copy the objects, several at once.

        Raises:
            StoreError: an object cannot be read or written, or the target does not keep the bytes that it was given.
        """
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            jobs = {pool.submit(self._copy, stored): stored for stored in objects}
            try:
                for job in as_completed(jobs):
                    outcome, stored = job.result(), jobs[job]
                    self.outcomes[stored.name] = outcome
                    self.size_bytes += stored.size_bytes if outcome is Outcome.COPIED else 0
            except BaseException:  # also Ctrl-C; the other objects stop at their next piece
                self._stop.set()
                pool.shutdown(cancel_futures=True)
                raise

    def _copy(self, stored: Stored) -> Outcome:
        try:
            if existing := self._target.find(stored.name):
                outcome = self._compare(stored, existing)
                self._report(stored.size_bytes)
                return outcome
            return self._copy_whole(stored) if stored.size_bytes <= PIECE_BYTES else self._copy_pieces(stored)
        except StoreError:
            if self._source.exists(stored.name):
                raise
            return Outcome.GONE

    def _compare(self, stored: Stored, existing: Stored) -> Outcome:
        if existing.size_bytes != stored.size_bytes:
            return Outcome.DIFFERS
        same = self._find_checksum(self._source, stored) == self._find_checksum(self._target, existing)
        return Outcome.THERE if same else Outcome.DIFFERS

    def _copy_whole(self, stored: Stored) -> Outcome:
        data = self._source.read(stored.name)
        if not _is_as_written(stored.name, data):
            return Outcome.DAMAGED
        created = self._target.create(stored.name, data)
        self._report(len(data))
        checksum = google_crc32c.Checksum(data)
        if self._has_same_bytes(stored, checksum):
            return Outcome.COPIED if created else Outcome.THERE
        if created:
            raise self._explain_difference(stored)
        return Outcome.DIFFERS

    def _copy_pieces(self, stored: Stored) -> Outcome:
        for _ in range(_ATTEMPTS):
            with self._target.grow(stored.name, PIECE_BYTES, self._stop) as growing:
                if growing is None:
                    break  # another process has finished it meanwhile
                checksum = self._append(stored, growing)
                if checksum is None:
                    growing.discard()
                    continue
                growing.finish()
                if not self._has_same_bytes(stored, checksum):
                    raise self._explain_difference(stored)
                return Outcome.COPIED
        existing = self._target.find(stored.name)
        if existing is None:
            raise self._explain_difference(stored)
        return self._compare(stored, existing)

    def _append(self, stored: Stored, growing: Growing) -> google_crc32c.Checksum | None:
        """Copy all pieces, and return the object's checksum; None if an earlier attempt left a piece of other bytes."""

        def read(start: int) -> bytes:
            if self._stop.is_set():
                raise _StoppedError
            return self._source.read_range(stored.name, start, min(start + PIECE_BYTES, stored.size_bytes))

        checksum, begun = google_crc32c.Checksum(), growing.pieces
        starts = range(0, stored.size_bytes, PIECE_BYTES)
        for piece, data in enumerate(map_in_order(read, starts, threads=_AHEAD, ahead=_AHEAD)):
            if data != (growing.read(piece) if piece < begun else growing.append(data)):
                return None
            checksum.update(data)
            self._report(len(data))
        if stored.crc32c not in ("", _encode(checksum)):
            raise StoreError(
                f"{self._source.locate(stored.name)} must have CRC32C {stored.crc32c}, found {_encode(checksum)} on "
                "the way: copy again"
            )
        return checksum

    def _has_same_bytes(self, stored: Stored, checksum: google_crc32c.Checksum) -> bool:
        """Whether the target has the object with these bytes."""
        copied = self._target.find(stored.name)
        return copied is not None and self._find_checksum(self._target, copied) == _encode(checksum)

    def _find_checksum(self, store: Store, stored: Stored) -> str:
        """The object's CRC32C, from the store if it knows it, else from reading the object."""
        if stored.crc32c:
            return stored.crc32c

        def read(start: int) -> bytes:
            if self._stop.is_set():
                raise _StoppedError
            return store.read_range(stored.name, start, min(start + PIECE_BYTES, stored.size_bytes))

        checksum = google_crc32c.Checksum()
        starts = range(0, stored.size_bytes, PIECE_BYTES)
        for data in map_in_order(read, starts, threads=_AHEAD, ahead=_AHEAD):
            checksum.update(data)
        return _encode(checksum)

    def _explain_difference(self, stored: Stored) -> StoreError:
        return StoreError(
            f"{self._target.locate(stored.name)} must hold the bytes that were copied, found others: remove it, see "
            "that the disk is sound, and copy again"
        )


def _encode(checksum: google_crc32c.Checksum) -> str:
    return base64.b64encode(checksum.digest()).decode()


def _is_as_written(name: str, data: bytes) -> bool:
    """Whether a part, a piece or a chunk of logits matches the digest in it; True for others, which have none."""
    if is_chunk(name):
        return matches_checksum(data)
    if not name.endswith(".parquet"):
        return True
    try:
        parquet.from_bytes(data, name=name, columns=[])
    except DamagedError:
        return False
    return True
