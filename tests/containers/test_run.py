"""The compiled pipeline, unchanged, in the stages' containers."""

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from byheart.launch.images import find_commit
from byheart.store import open_store
from tests.conftest import BOOK, ROOT, launch
from tests.containers.shelf import BUCKET, Shelf
from tests.gcs import GcsServer

BOOKS = [f"gs://{BUCKET}/{BOOK.name}"]
MODEL = f"gs://{BUCKET}/model"
STORE = f"gs://{BUCKET}/store"
ARGUMENTS = {"accelerator": "cpu", "books": BOOKS, "model": [MODEL], "store": STORE}


def start(pipeline: Path, folder: Path, shelf: Shelf, **arguments: Any) -> subprocess.Popen[str]:
    """A run in containers, whose results will lie in `folder`/out; what it says, in `folder`/log.txt."""
    for name in ("work", "out"):
        (folder / name).mkdir(parents=True)
    (folder / "work").chmod(0o777)  # it is the stages' user that makes the artifacts' folders
    where = [pipeline, folder / "work", folder / "out", json.dumps(ARGUMENTS | arguments), shelf.server.id]
    with (folder / "log.txt").open("w") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "tests.containers.runner", *map(str, where)],
            stdout=log,
            stderr=subprocess.STDOUT,
            text=True,
            cwd=ROOT,
        )


@pytest.fixture(scope="module")
def of_processes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The store and the results of the same run with each stage a process of this machine."""
    folder = tmp_path_factory.mktemp("processes")
    with GcsServer() as server, pytest.MonkeyPatch.context() as patch:
        server.storage.create_bucket(BUCKET)
        patch.setenv("STORAGE_EMULATOR_HOST", server.address)
        patch.setenv("BYHEART_COMMIT", find_commit() or "")  # as the images have it, for it stands in the parts
        store = open_store(f"gs://{BUCKET}")
        for path in (BOOK, *(ROOT / "samples" / "model").iterdir()):
            store.create(path.relative_to(ROOT / "samples").as_posix(), path.read_bytes())
        done = launch(folder, books=BOOKS[0], model=MODEL, store=STORE)
        assert done.returncode == 0, done.stderr
        return {"parts": scores(store), "out": folder / "out" / BOOK.stem}


def scores(store: Any) -> dict[str, bytes]:
    return {stored.name: store.read(stored.name) for stored in store.list("store/scores/") if is_part(stored.name)}


def is_part(name: str) -> bool:
    return name.startswith("store/scores/") and name.endswith(".parquet")


def test_run_whose_container_was_killed_goes_on_and_equals_one_of_processes(
    client: Any, images: dict[str, str], pipeline: Path, shelf: Shelf, of_processes: dict[str, Any], tmp_path: Path
) -> None:
    first = start(pipeline, tmp_path / "first", shelf)
    deadline = time.monotonic() + 300
    while not any(map(is_part, shelf.names())):
        assert first.poll() is None, (tmp_path / "first" / "log.txt").read_text()
        assert time.monotonic() < deadline
        time.sleep(0.5)
    (extracting,) = client.containers.list(filters={"ancestor": images["extract"]})
    extracting.kill()
    assert first.wait() != 0, "a container that was killed must fail the run"
    kept = {name for name in shelf.names() if is_part(name)}
    assert 0 < len(kept) < len(of_processes["parts"]), "it must have been killed in the midst of its work"

    second = start(pipeline, tmp_path / "second", shelf)
    code, said = second.wait(), (tmp_path / "second" / "log.txt").read_text()
    assert code == 0, said
    assert " 0 scored already" not in said
    objects = shelf.dump(tmp_path / "objects")
    assert {name: data for name, data in objects.items() if is_part(name)} == of_processes["parts"]
    for file in ("windows.parquet", "statistics.json"):
        one, other = (folder / file for folder in (tmp_path / "second" / "out" / BOOK.stem, of_processes["out"]))
        assert one.read_bytes() == other.read_bytes(), file


def test_container_that_fails_fails_the_run(pipeline: Path, shelf: Shelf, tmp_path: Path) -> None:
    run = start(pipeline, tmp_path, shelf, books=[f"gs://{BUCKET}/missing.txt"])
    assert run.wait() != 0
    assert f"gs://{BUCKET}/missing.txt" in (tmp_path / "log.txt").read_text()
    assert not list((tmp_path / "out").iterdir())
