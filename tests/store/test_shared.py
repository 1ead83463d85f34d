"""What somebody who shares a folder may put into it."""

import os
from pathlib import Path

import pytest

from byheart.contracts.errors import StoreError
from byheart.store import open_store
from tests.gcs import GcsServer
from tests.gcs.objects import Content


@pytest.fixture
def victim(tmp_path: Path) -> Path:
    """A file outside of the store."""
    path = tmp_path / "home" / "file"
    path.parent.mkdir()
    path.write_bytes(b"precious")
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "store"
    (path / "models").mkdir(parents=True)
    return path


@pytest.mark.parametrize("link", [os.symlink, os.link])
def test_growing_file_that_is_a_link_changes_no_file_elsewhere(link: object, folder: Path, victim: Path) -> None:
    assert callable(link)
    link(victim, folder / "models" / ".byheart-weights.growing")
    store = open_store(str(folder))
    try:
        with store.grow("models/weights", 4) as growing:
            assert growing
            growing.append(b"abcd")
            growing.finish()
    except StoreError:
        assert link is os.symlink
    else:
        assert store.read("models/weights") == b"abcd"
    assert victim.read_bytes() == b"precious"


def test_object_that_a_kill_left_with_its_growing_file_stays_whole(folder: Path) -> None:
    """The process was killed after it linked the object, and before it removed the hidden file."""
    store = open_store(str(folder))
    store.create("models/weights", b"whole")
    os.link(folder / "models" / "weights", folder / "models" / ".byheart-weights.growing")
    with store.grow("models/weights", 4) as growing:
        assert growing is None
    assert store.read("models/weights") == b"whole"


def test_folder_that_is_a_link_is_not_followed(folder: Path, victim: Path) -> None:
    store = open_store(str(folder))
    (folder / "models" / "a").symlink_to(victim.parent)
    for use in (
        lambda: store.create("models/a/new", b""),
        lambda: store.replace("models/a/file", b""),
        lambda: store.read("models/a/file"),
        lambda: store.delete("models/a/file"),
        lambda: store.grow("models/a/file", 1).__enter__(),
    ):
        with pytest.raises(StoreError, match=r"models/a must be a folder, found a link, .*: remove it, and run again"):
            use()
    assert [path.name for path in victim.parent.iterdir()] == ["file"]
    assert not list(store.list())


def test_link_is_no_object(folder: Path, victim: Path) -> None:
    """So a copy of the store does not take what is elsewhere along."""
    store = open_store(str(folder))
    (folder / "models" / "link").symlink_to(victim)
    assert not store.exists("models/link")
    assert store.find("models/link") is None
    assert not list(store.list())
    with pytest.raises(StoreError, match="models/link"):
        store.read("models/link")
    assert not store.create("models/link", b"x")
    store.replace("models/link", b"mine")
    assert (store.read("models/link"), victim.read_bytes()) == (b"mine", b"precious")


def test_file_in_a_folder_of_one_s_own_may_be_a_link(folder: Path, victim: Path) -> None:
    """As in huggingface_hub's cache."""
    (folder / "config.json").symlink_to(victim)
    assert open_store(str(folder), "model").read("config.json") == b"precious"


def test_pipe_is_not_waited_for(folder: Path) -> None:
    os.mkfifo(folder / "models" / "pipe")
    store = open_store(str(folder))
    assert not list(store.list())
    with pytest.raises(StoreError, match="not a file"):
        store.read("models/pipe")


@pytest.mark.parametrize("kind", ["folder", "link", "loop", "pipe"])
def test_what_bars_the_name_of_an_object_is_said_before_anything_is_computed(folder: Path, kind: str) -> None:
    path = folder / "scores" / "part"
    path.parent.mkdir()
    {
        "folder": path.mkdir,
        "link": lambda: path.symlink_to("nowhere"),
        "loop": lambda: path.symlink_to("part"),
        "pipe": lambda: os.mkfifo(path),
    }[kind]()
    store = open_store(str(folder))
    with pytest.raises(StoreError, match=r"scores/part must be a file or not there, found .*: remove it"):
        store.check_writable(["scores/other", "scores/part"])


def test_folder_of_another_user_is_said_before_anything_is_computed(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Root may write everywhere: where the tests are root's, a folder on /proc stands for another user's."""
    theirs = folder / "scores" / "theirs"
    theirs.mkdir(parents=True)
    theirs.chmod(0o555)
    if not os.geteuid():
        monkeypatch.setattr("byheart.store.local.LocalStore._path", lambda _, name: Path("/proc/self/fdinfo") / name)
    with pytest.raises(StoreError, match=r"store must be a folder that can be written, found .*: permit it"):
        open_store(str(folder)).check_writable(["scores/theirs/part"])


def test_names_that_are_paths_are_not_listed(folder: Path, server: GcsServer) -> None:
    """An object of a bucket may have any name."""
    names = ["scores//etc/passwd", "scores/../../x", "/x", "scores/", "scores/\x1b]0;title\x07", "scores/good one"]
    bucket = open_store("gs://shelf/prefix")
    for name in names:
        server.storage.put("shelf", f"prefix/{name}", Content.of(b"x"), {})
    assert [stored.name for stored in bucket.list()] == ["scores/good one"]
    (folder / "models" / "\x1b[2J").write_bytes(b"")
    assert not list(open_store(str(folder)).list())
