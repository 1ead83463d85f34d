"""A whole run over gs://, through a storm of faults."""

from pathlib import Path

import pytest

from byheart.store import open_store
from tests.conftest import BOOK, CONTROL, CONTROLLED, launch
from tests.gcs import GcsServer


def test_run_over_gs_leaves_the_same_bytes_as_one_over_a_folder(
    sample_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with GcsServer() as server:
        server.storage.create_bucket("shelf")
        server.faults.storm(0.1)
        monkeypatch.setenv("STORAGE_EMULATOR_HOST", server.address)
        done = launch(tmp_path, *CONTROLLED, controls=(str(CONTROL),), store="gs://shelf/byheart")
        assert done.returncode == 0, done.stderr
        store = open_store("gs://shelf/byheart")
        over_gs = {stored.name: store.read(stored.name) for stored in store.list()}
    folder = sample_run.parent / "store"
    in_folder = {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*.*")}
    assert over_gs.keys() == in_folder.keys()
    other = [name for name, content in over_gs.items() if content != in_folder[name]]
    assert [name.partition("/")[0] for name in other] == ["registered"], "which holds the time"
    for file in ("statistics.json", "windows.parquet", "passages.csv", "control_sample.parquet"):
        assert (tmp_path / "out" / BOOK.stem / file).read_bytes() == (sample_run / BOOK.stem / file).read_bytes(), file
