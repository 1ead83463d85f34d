"""Files that are read once, in order, and compared with their hash on the way."""

import hashlib
import random
from pathlib import Path

import pytest

from byheart.contracts.errors import ModelError
from byheart.models import hashed
from byheart.models.hashed import HashedPlace, read_spans
from byheart.store import Place, open_store

DATA = random.Random(0).randbytes(1000)
SHA256 = hashlib.sha256(DATA).hexdigest()
WANTED = [[(0, 8)], [(3, 40)], [(10, 90), (300, 310)], [(100, 110), (310, 420)], [(415, 421)], [(990, 1000)]]


class CountedPlace(HashedPlace):
    """Remembers which bytes were read."""

    def read_range(self, name: str, start: int, stop: int) -> bytes:
        READ.append((start, stop))
        return super().read_range(name, start, stop)


READ: list[tuple[int, int]] = []


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    monkeypatch.setattr(hashed, "_BLOCK_BYTES", 64)
    READ.clear()
    (tmp_path / "weights").write_bytes(DATA)
    return CountedPlace(place=open_store(str(tmp_path)), digests={})


@pytest.mark.parametrize("sha256", [SHA256, None])
def test_spans_have_their_bytes_and_no_byte_is_read_twice(place: Place, sha256: str | None) -> None:
    found = list(read_spans(place, "weights", WANTED, sha256))
    assert found == [b"".join(DATA[start:stop] for start, stop in spans) for spans in WANTED]
    assert sorted(READ) == [(start, min(start + 64, 1000)) for start in range(0, 1000, 64)]


@pytest.mark.parametrize("position", [0, 250, 999], ids=["wanted", "between", "last"])
def test_byte_that_has_changed_anywhere_ends_the_read(place: Place, tmp_path: Path, position: int) -> None:
    changed = bytearray(DATA)
    changed[position] ^= 1
    (tmp_path / "weights").write_bytes(changed)
    with pytest.raises(ModelError, match=r"must hold the bytes that were hashed .* found others .* run again"):
        list(read_spans(place, "weights", WANTED, SHA256))


def test_file_that_was_cut_short_ends_the_read(place: Place, tmp_path: Path) -> None:
    (tmp_path / "weights").write_bytes(DATA[:995])
    for sha256, message in ((SHA256, "hashed"), (None, "found it shorter")):
        with pytest.raises(ModelError, match=message):
            list(read_spans(place, "weights", WANTED, sha256))


def test_small_file_is_given_only_with_its_hash(place: Place) -> None:
    assert HashedPlace(place=place, digests={"weights": SHA256}).read("weights") == DATA
    with pytest.raises(ModelError, match="weights must hold the bytes that were hashed"):
        HashedPlace(place=place, digests={"weights": "0" * 64}).read("weights")
