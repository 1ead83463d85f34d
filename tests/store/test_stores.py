"""What every store promises, on a local folder and on gs:// alike."""

import io
import multiprocessing
import random
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from byheart.contracts.errors import StoreError
from byheart.store import open_store

pytestmark = pytest.mark.slow


def test_object_is_created_once_and_never_changes(address: str) -> None:
    store = open_store(address)
    assert not store.exists("a/b")
    assert store.create("a/b", b"first")
    assert not store.create("a/b", b"second")
    assert store.exists("a/b")
    assert store.read("a/b") == b"first"


def test_object_is_replaced_when_that_is_asked_for(address: str) -> None:
    store = open_store(address)
    store.replace("a/b", b"first")
    store.replace("a/b", b"the second")
    assert store.read("a/b") == b"the second"
    assert [stored.size_bytes for stored in store.list()] == [10]


def _race(address: str, number: int, barrier: object) -> bool:
    store = open_store(address)
    barrier.wait()  # type: ignore[attr-defined]
    return store.create("parts/0", bytes([number]) * 100_000)


def test_of_eight_processes_that_create_one_object_one_wins(address: str) -> None:
    context = multiprocessing.get_context("spawn")
    with context.Manager() as manager, context.Pool(8) as pool:
        barrier = manager.Barrier(8)
        won = pool.starmap(_race, [(address, number, barrier) for number in range(8)])
    assert sum(won) == 1
    assert open_store(address).read("parts/0") == bytes([won.index(True)]) * 100_000


def test_large_object_goes_in_as_a_stream_and_comes_out_whole_or_in_ranges(address: str, tmp_path: Path) -> None:
    data = random.Random(1).randbytes(70 * 2**20)
    store = open_store(address)
    assert store.create("weights", io.BytesIO(data))
    store.fetch("weights", tmp_path / "fetched")
    assert (tmp_path / "fetched").read_bytes() == data
    ranges = [(start, min(start + 9_999_991, len(data))) for start in range(0, len(data), 9_999_991)]
    with ThreadPoolExecutor(8) as pool:
        read = pool.map(lambda span: store.read_range("weights", *span), ranges)
        assert b"".join(read) == data
    assert store.read_range("weights", 5, 5) == b""


def test_range_beyond_the_end_is_refused(address: str) -> None:
    store = open_store(address)
    store.create("a", b"four")
    with pytest.raises(StoreError, match="a") as caught:
        store.read_range("a", 2, 9)
    assert caught.value.may_pass, "an answer may have been cut short"


def test_list_has_what_begins_so_in_the_order_of_names_with_size_and_age(address: str) -> None:
    store = open_store(address)
    names = [f"scores/{letter}/part-{number}" for letter in "ba" for number in range(4)]
    for name in [*names, "models/x"]:
        store.create(name, name.encode())
    objects = list(store.list("scores/"))
    assert [stored.name for stored in objects] == sorted(names)
    assert [stored.size_bytes for stored in objects] == [len(name) for name in sorted(names)]
    assert all(abs(datetime.now(UTC) - stored.created) < timedelta(minutes=1) for stored in objects)
    assert [stored.name for stored in store.list("scores/b/part-3")] == ["scores/b/part-3"]
    assert len(list(store.list())) == 9
    assert list(store.list("nothing/")) == []


def test_what_is_deleted_is_gone_and_may_be_created_again(address: str) -> None:
    store = open_store(address)
    store.create("a/b", b"1")
    store.delete("a/b")
    store.delete("a/b")
    assert list(store.list()) == []
    assert store.create("a/b", b"2")


def test_checking_leaves_nothing_behind(address: str) -> None:
    store = open_store(address)
    store.check_writable()
    assert list(store.list()) == []


def test_missing_object_is_named_with_its_whole_address(address: str) -> None:
    with pytest.raises(StoreError, match=f"cannot read {address}/a/b: .*: run again"):
        open_store(address).read("a/b")


@pytest.mark.parametrize("name", ["", "/etc/passwd", "../outside", "a/../../outside"])
def test_name_outside_the_store_is_refused(address: str, name: str) -> None:
    with pytest.raises(StoreError, match="relative path"):
        open_store(address).create(name, b"")


def _grow(address: str, data: bytes, *, until: int | None = None) -> list[int]:
    """Bring an object in pieces of 1,000 bytes, at most up to one of them; the pieces that had to be fetched."""
    fetched: list[int] = []
    with open_store(address).grow("a/weights", 1000) as growing:
        if growing is None:
            return fetched
        assert data.startswith(b"".join(growing.read(piece) for piece in range(growing.pieces)))
        for piece in range(growing.pieces, len(range(0, len(data), 1000))):
            if piece == until:
                return fetched
            kept = growing.append(data[piece * 1000 : piece * 1000 + 1000])
            assert kept == data[piece * 1000 : piece * 1000 + 1000]
            fetched.append(piece)
        growing.finish()
    return fetched


@pytest.mark.parametrize("size", [0, 1, 1000, 1001, 40_000])
def test_large_object_grows_piece_by_piece_and_leaves_nothing_beside_it(address: str, size: int) -> None:
    data = random.Random(size).randbytes(size)
    _grow(address, data)
    store = open_store(address)
    assert store.read("a/weights") == data
    assert [stored.name for stored in store.list()] == ["a/weights"]


def test_large_object_goes_on_where_it_was(address: str) -> None:
    data = random.Random(1).randbytes(7_500)
    assert _grow(address, data, until=3) == [0, 1, 2]
    assert not open_store(address).exists("a/weights")
    assert open_store(address).begun_bytes("a/weights") == 3_000
    assert _grow(address, data, until=4) == [3]
    assert _grow(address, data) == [4, 5, 6, 7]
    assert _grow(address, data) == []
    assert open_store(address).read("a/weights") == data
    assert open_store(address).begun_bytes("a/weights") == 0


def test_large_object_that_was_discarded_begins_anew(address: str) -> None:
    data = random.Random(1).randbytes(2_500)
    _grow(address, b"x" * 2_500, until=2)
    with open_store(address).grow("a/weights", 1000) as growing:
        assert growing
        assert growing.pieces == 2
        growing.discard()
        assert growing.pieces == 0
    assert list(open_store(address).list()) == []
    assert _grow(address, data) == [0, 1, 2]
    assert open_store(address).read("a/weights") == data


def test_two_processes_that_bring_one_large_object_do_each_other_no_harm(address: str) -> None:
    data = random.Random(1).randbytes(30_000)
    context = multiprocessing.get_context("spawn")
    with context.Pool(4) as pool:
        pool.starmap(_grow, [(address, data)] * 4)
    store = open_store(address)
    assert store.read("a/weights") == data
    assert [stored.name for stored in store.list()] == ["a/weights"]


@pytest.mark.parametrize("parameter", ["books", "model"])
@pytest.mark.parametrize("address", ["s3://bucket", "", "gs://", "gs:///books"])
def test_address_that_is_none_is_called_by_the_parameter_that_gave_it(address: str, parameter: str) -> None:
    with pytest.raises(StoreError) as caught:
        open_store(address, parameter)
    assert str(caught.value).startswith(f"{parameter} must ")
    assert (caught.value.parameter, caught.value.may_pass) == (parameter, False)


def test_what_is_found_of_an_object_changes_with_its_content(address: str) -> None:
    store = open_store(address)
    assert store.find("a/b") is None
    store.create("a/b", b"first")
    first = store.find("a/b")
    assert first is not None
    assert (first.name, first.size_bytes) == ("a/b", 5)
    assert [first] == list(store.list())
    store.replace("a/b", b"other")
    assert store.find("a/b").version != first.version  # type: ignore[union-attr]
