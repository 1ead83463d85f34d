import multiprocessing
from pathlib import Path

import pytest

from components.contracts.errors import StoreError
from components.store import open_store


def test_object_is_created_once_and_never_changes(tmp_path: Path) -> None:
    store = open_store(str(tmp_path / "store"))
    assert not store.exists("a/b")
    assert store.create("a/b", b"first")
    assert not store.create("a/b", b"second")
    assert store.exists("a/b")
    assert store.read("a/b") == b"first"


def test_nothing_but_the_object_is_left_behind(tmp_path: Path) -> None:
    store = open_store(str(tmp_path))
    store.create("a/b", b"1")
    store.create("a/b", b"2")
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["b"]


def _race(folder: str, number: int, barrier: object) -> bool:
    store = open_store(folder)
    barrier.wait()  # type: ignore[attr-defined]
    return store.create("parts/0", bytes([number]) * 100_000)


def test_of_eight_processes_that_create_one_object_one_wins(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    with context.Manager() as manager, context.Pool(8) as pool:
        barrier = manager.Barrier(8)
        won = pool.starmap(_race, [(str(tmp_path), number, barrier) for number in range(8)])
    assert sum(won) == 1
    assert open_store(str(tmp_path)).read("parts/0") == bytes([won.index(True)]) * 100_000


def test_missing_object_is_named(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="a/b"):
        open_store(str(tmp_path)).read("a/b")


def test_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StoreError, match="file"):
        open_store(str(tmp_path / "file")).create("a", b"")


@pytest.mark.parametrize("name", ["", "/etc/passwd", "../outside", "a/../../outside"])
def test_name_outside_the_store_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(StoreError, match="relative path"):
        open_store(str(tmp_path)).create(name, b"")


@pytest.mark.parametrize("address", ["", "gs://bucket/prefix", "s3://bucket"])
def test_address_that_is_no_folder_is_refused(address: str) -> None:
    with pytest.raises(StoreError, match="local folder"):
        open_store(address)
