"""Objects on their way from one store into another, several at once, and what became of each."""

import base64
import enum
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor, as_completed

import google_crc32c

from byheart.contracts import parquet
from byheart.contracts.errors import DamagedError, StoreError
from byheart.store import Store
from byheart.store.in_order import map_in_order
from byheart.store.stored import Growing, Stored

PIECE_BYTES = 16 * 2**20
"""An object that is larger is copied in such pieces, and goes on after those that a kill has left."""
_AT_ONCE = 4
_AHEAD = 2
"""Pieces of an object that are read before they are wanted; with four objects at once, 256 MB at most."""
_ATTEMPTS = 2
"""At an object of which an earlier attempt has left other bytes."""

Report = Callable[[int], None]
"""Called with the number of bytes that are done."""


class Outcome(enum.Enum):
    """What became of an object."""

    COPIED = "copied"
    THERE = "there"
    """The target had the same bytes already."""
    DIFFERS = "differs"
    """The target has other bytes under that name, and keeps them."""
    DAMAGED = "damaged"
    """The source is not as it was written."""
    GONE = "gone"
    """It has left the source since it was listed."""


class _StoppedError(Exception):
    """Another object has failed, or the person has had enough."""


class Transfer:
    """Copies objects; what a kill leaves, another transfer of the same objects goes on from."""

    def __init__(self, source: Store, target: Store, report: Report) -> None:
        self._source, self._target, self._report = source, target, report
        self._stop = threading.Event()
        self.outcomes: dict[str, Outcome] = {}
        self.size_bytes = 0
        """Of what was copied."""

    def copy(self, objects: Iterable[Stored]) -> None:
        """Copy the objects, several at once.

        Raises:
            StoreError: one cannot be read or written, or the target does not keep what it is given.
        """
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            jobs = {pool.submit(self._copy, stored): stored for stored in objects}
            try:
                for job in as_completed(jobs):
                    outcome, stored = job.result(), jobs[job]
                    self.outcomes[stored.name] = outcome
                    self.size_bytes += stored.size_bytes if outcome is Outcome.COPIED else 0
            except BaseException:  # Ctrl-C among them: the others end at their next piece
                self._stop.set()
                pool.shutdown(cancel_futures=True)
                raise

    def _copy(self, stored: Stored) -> Outcome:
        try:
            if there := self._target.find(stored.name):
                outcome = self._compare(stored, there)
                self._report(stored.size_bytes)
                return outcome
            return self._copy_whole(stored) if stored.size_bytes <= PIECE_BYTES else self._copy_pieces(stored)
        except StoreError:
            if self._source.exists(stored.name):
                raise
            return Outcome.GONE

    def _compare(self, stored: Stored, there: Stored) -> Outcome:
        if there.size_bytes != stored.size_bytes:
            return Outcome.DIFFERS
        same = self._checksum(self._source, stored) == self._checksum(self._target, there)
        return Outcome.THERE if same else Outcome.DIFFERS

    def _copy_whole(self, stored: Stored) -> Outcome:
        data = self._source.read(stored.name)
        if not _is_as_written(stored.name, data):
            return Outcome.DAMAGED
        created = self._target.create(stored.name, data)
        self._report(len(data))
        checksum = google_crc32c.Checksum(data)
        if self._keeps(stored, checksum):
            return Outcome.COPIED if created else Outcome.THERE
        if created:
            raise self._unlike(stored)
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
                if not self._keeps(stored, checksum):
                    raise self._unlike(stored)
                return Outcome.COPIED
        there = self._target.find(stored.name)
        if there is None:
            raise self._unlike(stored)
        return self._compare(stored, there)

    def _append(self, stored: Stored, growing: Growing) -> google_crc32c.Checksum | None:
        """Bring all pieces; the checksum of the whole, or None where one that was there already is another's."""

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
        if stored.crc32c not in ("", _text(checksum)):
            raise StoreError(
                f"{self._source.locate(stored.name)} must have CRC32C {stored.crc32c}, found {_text(checksum)} on the "
                "way: copy again"
            )
        return checksum

    def _keeps(self, stored: Stored, checksum: google_crc32c.Checksum) -> bool:
        """Whether the target has the object with these bytes."""
        there = self._target.find(stored.name)
        return there is not None and self._checksum(self._target, there) == _text(checksum)

    def _checksum(self, store: Store, stored: Stored) -> str:
        """The object's CRC32C, which the store says or all of it is read for."""
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
        return _text(checksum)

    def _unlike(self, stored: Stored) -> StoreError:
        return StoreError(
            f"{self._target.locate(stored.name)} must hold the bytes that were copied, found others: remove it, see "
            "that the disk is sound, and copy again"
        )


def _text(checksum: google_crc32c.Checksum) -> str:
    return base64.b64encode(checksum.digest()).decode()


def _is_as_written(name: str, data: bytes) -> bool:
    """Whether the digest that a part or a piece carries is that of its bytes; other objects carry none."""
    if not name.endswith(".parquet"):
        return True
    try:
        parquet.from_bytes(data, name=name, columns=[])
    except DamagedError:
        return False
    return True
