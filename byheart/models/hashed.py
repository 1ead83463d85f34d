"""Reads a model's files so that the bytes that are used are those that were hashed.

The SHA-256 of config.json and of the weights make the address of the scores. A file may change after it was hashed, and
what a store remembers of it may be wrong; so it is hashed once more on the way, without a second read.
"""

import dataclasses
import hashlib
from collections.abc import Iterator, Mapping, Sequence

from byheart.contracts.errors import ModelError
from byheart.store import Place
from byheart.store.in_order import map_in_order
from byheart.store.stored import Stored

_BLOCK_BYTES = 8 * 2**20
_WAITING = 2
"""Blocks that are read and wait to be hashed."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class HashedPlace:
    """A place that gives a file as a whole only if it has the SHA-256 of the file."""

    place: Place
    digests: Mapping[str, str]
    """The SHA-256 of files, by name; others are not checked."""

    def read(self, name: str) -> bytes:
        """The file's bytes.

        Raises:
            ModelError: they are not those that were hashed.
        """
        data = self.place.read(name)
        if name in self.digests:
            _check(self.place, name, self.digests[name], hashlib.sha256(data).hexdigest())
        return data

    def read_range(self, name: str, start: int, stop: int) -> bytes:
        """Some of the file's bytes, unchecked: `read_spans` checks them."""
        return self.place.read_range(name, start, stop)

    def find(self, name: str) -> Stored | None:
        """The file's size, age and version; None if there is no such file."""
        return self.place.find(name)

    def list(self, prefix: str = "") -> Iterator[Stored]:
        """The files whose name begins with `prefix`."""
        return self.place.list(prefix)

    def locate(self, name: str) -> str:
        """The file's full address."""
        return self.place.locate(name)


Spans = Sequence[tuple[int, int]]
"""Places in a file, each from its first byte up to its last one, excluded."""


def read_spans(
    place: Place, file: str, wanted: Sequence[Spans], sha256: str | None, *, readers: int = 4
) -> Iterator[bytes]:
    """The bytes of each of `wanted`, joined, from one read of the file from its beginning to its end.

    Only what is still wanted is kept in memory. The last bytes come before the hash is known: nothing may be computed
    from them before the iteration has ended.

    Args:
        wanted: sorted by the last byte.
        sha256: of the file; None does not compare it.
        readers: blocks that are read in parallel.

    Raises:
        ModelError: the file is not the one that was hashed.
    """
    stored, digest = place.find(file), hashlib.sha256()
    size = stored.size_bytes if stored else 0

    def read(start: int) -> bytes:
        return place.read_range(file, start, min(start + _BLOCK_BYTES, size))

    def add_to_hash(block: bytes) -> bytes:
        if sha256:
            digest.update(block)
        return block

    needed_from = [size] * (len(wanted) + 1)
    for index in reversed(range(len(wanted))):
        needed_from[index] = min(needed_from[index + 1], *(start for start, _ in wanted[index]))
    kept, kept_from, done = bytearray(), 0, 0
    blocks = map_in_order(read, range(0, size, _BLOCK_BYTES), threads=readers, ahead=readers)
    for block in map_in_order(add_to_hash, blocks, threads=1, ahead=_WAITING):
        kept += block
        while done < len(wanted) and wanted[done][-1][1] <= kept_from + len(kept):
            with memoryview(kept) as view:
                data = b"".join(view[start - kept_from : stop - kept_from] for start, stop in wanted[done])
            yield data
            done += 1
        unneeded = min(needed_from[done] - kept_from, len(kept))
        if unneeded > 0:
            del kept[:unneeded]
            kept_from += unneeded
    if sha256:
        _check(place, file, sha256, digest.hexdigest())
    if done < len(wanted):
        raise ModelError(f"{place.locate(file)} must not change while it is read, found it shorter: run again")


def _check(place: Place, file: str, expected: str, found: str) -> None:
    if found != expected:
        raise ModelError(
            f"{place.locate(file)} must hold the bytes that were hashed for this run (SHA-256 {expected[:12]}...), "
            f"found others ({found[:12]}...), so nothing is scored: run again if it was changed on purpose; if not, it "
            "is damaged: restore or remove it, and run again",
            parameter="model",
        )
