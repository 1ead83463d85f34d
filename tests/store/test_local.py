import errno
import os
import shutil
import threading
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import wait as wait_for
from pathlib import Path

import pytest

from byheart.contracts.errors import StoreError
from byheart.store import open_store


def test_nothing_but_the_object_is_left_behind(tmp_path: Path) -> None:
    store = open_store(str(tmp_path))
    store.create("a/b", b"1")
    store.create("a/b", b"2")
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["b"]


@pytest.mark.parametrize(("umask", "mode"), [(0o022, 0o644), (0o002, 0o664), (0o077, 0o600)])
def test_who_may_read_an_object_is_up_to_the_umask(tmp_path: Path, umask: int, mode: int) -> None:
    before = os.umask(umask)
    try:
        open_store(str(tmp_path)).create("a/b", b"shared")
    finally:
        os.umask(before)
    assert (tmp_path / "a" / "b").stat().st_mode & 0o777 == mode
    assert (tmp_path / "a").stat().st_mode & 0o777 == 0o777 & ~umask


def test_checking_makes_the_folder_and_leaves_nothing_in_it(tmp_path: Path) -> None:
    open_store(str(tmp_path / "a" / "store")).check_writable()
    assert list((tmp_path / "a" / "store").iterdir()) == []


def test_checking_a_place_that_cannot_be_written_names_it(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StoreError, match=r"store must be a folder that can be written, found .*/file/store: Not a"):
        open_store(str(tmp_path / "file" / "store")).check_writable()


@pytest.mark.parametrize("number", [errno.EPERM, errno.ENOSYS, errno.EOPNOTSUPP])
def test_store_does_without_hard_links_and_says_so(
    number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "link", refuse)  # as on exFAT and gcsfuse, which need an administrator to mount
    store = open_store(str(tmp_path))
    store.check_writable()
    assert "has no hard links: let one run at a time write there" in capsys.readouterr().out
    assert store.create("a/b", b"1")
    assert not store.create("a/b", b"2")
    with store.grow("weights", 4) as growing:
        assert growing
        growing.append(b"1234")
        growing.finish()
    with store.grow("weights", 4) as growing:
        assert growing is None
    assert {path.name: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == {
        "b": b"1",
        "weights": b"1234",
    }


def test_room_is_that_of_the_disk_below_a_folder_that_is_not_there_yet(tmp_path: Path) -> None:
    free = open_store(str(tmp_path / "not" / "yet")).free_bytes()
    assert free is not None
    assert abs(free - shutil.disk_usage(tmp_path).free) < 1 << 30
    assert list(tmp_path.iterdir()) == []


def test_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StoreError, match="file"):
        open_store(str(tmp_path / "file")).create("a", b"")


def test_another_process_that_brings_an_object_is_waited_for_until_somebody_says_stop(tmp_path: Path) -> None:
    store, stop = open_store(str(tmp_path)), threading.Event()
    with store.grow("weights", 1000), ThreadPoolExecutor(1) as pool:

        def wait() -> None:
            with store.grow("weights", 1000, stop):
                raise AssertionError

        waiting = pool.submit(wait)
        assert not wait_for([waiting], timeout=0.5).done
        stop.set()
        with pytest.raises(StoreError, match="another process writes it, and the wait was ended") as caught:
            waiting.result(timeout=5)
        assert caught.value.may_pass
    assert list(tmp_path.iterdir()) == []
