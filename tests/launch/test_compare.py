"""The command `byheart compare`: where it reads, what it prints, and that its folder is published whole."""

from pathlib import Path

import pytest

from byheart.components.compare.run import FILES
from byheart.contracts.errors import ByheartError, SettingsError
from byheart.launch.compare import compare
from byheart.launch.publication import Publication
from byheart.store import open_store
from tests.compare.conftest import write_models
from tests.store.conftest import address, server

__all__ = ["address", "server"]


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    return write_models(tmp_path_factory.mktemp("models"))


def test_comparison_replaces_an_earlier_one_and_leaves_other_files(
    results: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    compare(results, str(tmp_path / "out"))
    (tmp_path / "out" / "notes.txt").write_text("my own", encoding="utf-8")
    first = (tmp_path / "out" / "comparison.csv").read_bytes()
    compare(results[::-1], str(tmp_path / "out"), reference=results[0])
    assert {path.name for path in (tmp_path / "out").iterdir()} == {*FILES, "SHA256SUMS", "notes.txt", ".lock"}
    assert (tmp_path / "out" / "comparison.csv").read_bytes() != first
    printed = capsys.readouterr().out
    assert "Most is known to large: " in printed
    assert f"{tmp_path / 'out' / 'comparison.html'} sets the models side by side" in printed


def test_failed_comparison_leaves_the_earlier_one(
    results: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    compare(results, str(tmp_path / "out"))
    before = {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()}
    with pytest.raises(SettingsError, match="two models"):
        compare(results[:1], str(tmp_path / "out"))

    class FullDiskError(Exception):
        """As a kill between two files."""

    def copy_one(self: Publication, folder: Path) -> None:
        (self.unfinished / "comparison.html").write_bytes((folder / "comparison.html").read_bytes())
        raise FullDiskError

    monkeypatch.setattr(Publication, "take_files", copy_one)
    with pytest.raises(FullDiskError):
        compare(results[::-1], str(tmp_path / "out"))
    after = {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir() if path.is_file()}
    assert after == before


def test_folder_of_results_is_not_overwritten(results: list[str]) -> None:
    (Path(results[0]) / "SHA256SUMS").write_text("0" * 64 + "  provenance.json\n", encoding="utf-8")
    with pytest.raises(ByheartError, match=r"out must have room for a file .*SHA256SUMS, found one that no run left"):
        compare(results, results[0])
    (Path(results[0]) / "SHA256SUMS").unlink()


def test_results_are_read_wherever_they_lie(results: list[str], tmp_path: Path, address: str) -> None:
    store = open_store(address)
    for path in Path(results[1]).rglob("*"):
        if path.is_file():
            store.create(path.relative_to(results[1]).as_posix(), path.read_bytes())
    compare([results[0], address], str(tmp_path / "there"))
    compare(results, str(tmp_path / "here"))
    assert (tmp_path / "there" / "comparison.csv").read_bytes() == (tmp_path / "here" / "comparison.csv").read_bytes()


def test_bucket_is_no_folder_for_a_comparison(results: list[str]) -> None:
    with pytest.raises(SettingsError, match="out must be a folder of this machine, found gs://bucket/x: name one"):
        compare(results, "gs://bucket/x")
