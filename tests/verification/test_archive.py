"""The archive of a run: the same bytes from the same results, and no byte that can be changed unseen."""

import json
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from byheart.command.app import app
from byheart.contracts.errors import ByheartError, DamagedError
from byheart.launch.verify import Effort, verify
from byheart.measures.results import Results
from byheart.verification import verify as verification
from byheart.verification.again import list_file_differences
from byheart.verification.archive import OWN_FILES, check_archive, open_archive
from byheart.verification.checks import FAILED, Checks
from byheart.verification.files import list_differences, read_sums
from byheart.verification.means import Means
from tests.conftest import MODEL
from tests.verification.conftest import reseal

pytestmark = pytest.mark.slow

BOOK = "the-soap-winter"


@pytest.fixture(scope="module")
def archive(honest: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The archive of the sample run, written by the command line."""
    path = tmp_path_factory.mktemp("archive") / "sample.zip"
    words = ["archive", str(honest), str(path), "--model", str(MODEL), "--windows", "4", "--licence", "CC-BY-4.0"]
    done = CliRunner().invoke(app, [*words, "--store", str(path.parent / "store")])
    assert done.exit_code == 0, done.output
    assert "run.yaml: it records these settings and numbers" in done.output
    assert "publish it, and check the file with `byheart verify sample.zip`" in done.output
    return path


@pytest.fixture
def check(again: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[Path], list[str]]:
    """The names of the checks that an archive fails; what its scores give was computed once, from the honest scores."""
    monkeypatch.setattr(verification, "write_again", lambda *_: None)
    monkeypatch.setattr(
        verification,
        "list_file_differences",
        lambda of, folder, _, names: list_file_differences(of, folder, again, names),
    )

    def check_file(path: Path) -> list[str]:
        try:
            verify(str(path), Effort(means=Means(model=str(MODEL), windows=4)))
        except DamagedError as error:
            return error.message.rpartition(": ")[2].split(", ")
        return []

    return check_file


def zip_again(folder: Path, path: Path) -> None:
    """Write an archive of a folder as byheart does, with whatever is in it."""
    names = sorted(file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.is_file())
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as file:
        for name in sorted(names, key=lambda name: (name != OWN_FILES[0], name)):
            info = zipfile.ZipInfo(name)
            info.external_attr, info.create_system = 0o644 << 16, 3
            file.writestr(info, (folder / name).read_bytes())


def test_archive_holds_and_describes_the_results(
    archive: Path, honest: Path, check: Callable[[Path], list[str]]
) -> None:
    assert check(archive) == []
    with zipfile.ZipFile(archive) as file:
        names = set(file.namelist())
        crate = json.loads(file.read("ro-crate-metadata.json"))
    assert names == {"SHA256SUMS", *read_sums(honest), *OWN_FILES}
    entities = {entity["@id"]: entity for entity in crate["@graph"]}
    assert entities["./"]["license"] == "CC-BY-4.0"
    assert {part["@id"] for part in entities["./"]["hasPart"]} == names - {"ro-crate-metadata.json"}
    assert entities[f"{BOOK}/windows.parquet"]["sha256"] == read_sums(honest)[f"{BOOK}/windows.parquet"]
    provenance = Results.open(honest).provenance
    assert entities["./"]["identifier"] == provenance.compute_digest()
    assert entities["#model"]["sha256"] == provenance.model.weights_sha256
    assert entities["#control-the-lamp-ledger"]["sha256"] == provenance.books["the-lamp-ledger"].sha256
    assert entities["#setting-cursor_inc"]["value"] == 10
    assert {"@id": "#setting-cursor_inc"} in entities["#run"]["object"]


def test_every_flipped_byte_is_caught(archive: Path, tmp_path: Path) -> None:
    data, path = archive.read_bytes(), tmp_path / "flipped.zip"
    positions = np.random.default_rng(5).integers(len(data), size=25).tolist()
    positions += [0, 5, 11, 14, 26, 28, 38]  # of the first member's header
    positions += [len(data) - back for back in (1, 2, 8, 15, 22, 23, 30, 60)]  # of the directory and its end
    for position in positions:
        path.write_bytes(data[:position] + bytes([data[position] ^ 1]) + data[position + 1 :])
        assert is_caught(path), position
    path.write_bytes(data + b"\0")
    assert is_caught(path)
    path.write_bytes(data[:-1])
    assert is_caught(path)


def is_caught(path: Path) -> bool:
    """Whether an archive is refused for its bytes alone, without a look at what its numbers mean."""
    checks = Checks(lambda _: None)
    try:
        with open_archive(path) as folder:
            if list_differences(folder, read_sums(folder)):
                return True
            check_archive(path, folder, Results.open(folder), checks)
    except ByheartError:
        return True
    return any(check.outcome == FAILED for check in checks.list)


def improve_verification(folder: Path) -> None:
    path = folder / "verification.json"
    path.write_text(path.read_text(encoding="utf-8").replace('"windows": 4', '"windows": 4000'), encoding="utf-8")


def deny_a_check(folder: Path) -> None:
    path = folder / "verification.json"
    path.write_text(path.read_text(encoding="utf-8").replace('"scores": "held"', '"sources": "held"'), encoding="utf-8")


def rename_the_author(folder: Path) -> None:
    path = folder / "ro-crate-metadata.json"
    path.write_text(path.read_text(encoding="utf-8").replace("know by heart", "love"), encoding="utf-8")


def change_the_record(folder: Path) -> None:
    path = folder / "run.yaml"
    path.write_text(path.read_text(encoding="utf-8").replace(": 3855", ": 9855"), encoding="utf-8")
    reseal(folder)


def change_a_number(folder: Path) -> None:
    path = folder / "summary.csv"
    path.write_bytes(path.read_bytes().replace(b"3855", b"9855"))
    reseal(folder)


def add_a_file(folder: Path) -> None:
    (folder / "certificate.txt").write_text("certified", encoding="utf-8")


@pytest.mark.parametrize(
    ("tamper", "caught"),
    [
        (improve_verification, "archive"),
        (deny_a_check, "verification"),
        (rename_the_author, "archive"),
        (change_the_record, "run.yaml"),
        (change_a_number, "numbers"),
        (add_a_file, "files"),
    ],
)
def test_archive_that_was_packed_again_is_caught(
    tamper: Callable[[Path], None], caught: str, archive: Path, tmp_path: Path, check: Callable[[Path], list[str]]
) -> None:
    with open_archive(archive) as folder:
        shutil.copytree(folder, tmp_path / "content")
    zip_again(tmp_path / "content", tmp_path / "honest.zip")
    assert (tmp_path / "honest.zip").read_bytes() == archive.read_bytes()
    before = read_all(tmp_path / "content")
    tamper(tmp_path / "content")
    assert read_all(tmp_path / "content") != before
    zip_again(tmp_path / "content", tmp_path / "changed.zip")
    assert caught in check(tmp_path / "changed.zip")


def read_all(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("name", ["../out.txt", "/tmp/out.txt", "a\\b"])
def test_archive_whose_names_lead_out_is_refused(name: str, tmp_path: Path) -> None:
    path = tmp_path / "bad.zip"
    with zipfile.ZipFile(path, "w") as file:
        file.writestr(name, "out")
    with pytest.raises(DamagedError, match="names that no archive of results has"), open_archive(path):
        pass
    assert list(tmp_path.iterdir()) == [path]


def test_what_is_no_archive_is_said(tmp_path: Path) -> None:
    (tmp_path / "text.zip").write_text("no archive", encoding="utf-8")
    (tmp_path / "empty").mkdir()
    for words, said in (
        (["verify", str(tmp_path / "text.zip")], "must be an archive that `byheart archive` wrote"),
        (["verify", str(tmp_path / "empty")], "must hold SHA256SUMS, found none"),
        (["verify", str(tmp_path / "gone")], "must be a folder or an archive, found none"),
        (["archive", str(tmp_path / "empty"), "out.tar"], "must be a .zip, found out.tar"),
    ):
        failed: Any = CliRunner().invoke(app, words).exception
        assert isinstance(failed, ByheartError)
        assert said in failed.message
