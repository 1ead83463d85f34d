"""Paths in a run file lead from its folder to where they led from the working folder."""

import glob
from pathlib import Path

import pytest

from byheart.launch.paths import make_absolute, make_model_absolute, make_relative


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("my book.txt", "../../my book.txt"),
        ("./my book.txt", "../../my book.txt"),
        ("out/first/book.txt", "./book.txt"),
        ("out/first/@list", "./@list"),
        ("@books/list", "@../../books/list"),
        ("gs://bucket/a.txt", "gs://bucket/a.txt"),
        ("@https://a.org/list", "@https://a.org/list"),
    ],
)
def test_path_is_written_relative_and_read_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, written: str
) -> None:
    monkeypatch.chdir(tmp_path)
    folder = Path("out/first")
    assert make_relative(text, folder) == written
    read = make_absolute(written, folder.absolute())
    assert read == (text if "://" in text else text[: text.startswith("@")] + str(tmp_path / text.removeprefix("@")))


def test_absolute_path_is_written_relative_too(tmp_path: Path) -> None:
    assert make_relative(f"{tmp_path}/a/b.txt", tmp_path / "out") == "../a/b.txt"


def test_folder_that_is_a_link_is_left_as_it_is_found(tmp_path: Path) -> None:
    (tmp_path / "disk" / "deep").mkdir(parents=True)
    (tmp_path / "out").symlink_to(tmp_path / "disk" / "deep")
    (tmp_path / "b.txt").write_text("found", encoding="utf-8")
    written = make_relative(f"{tmp_path}/b.txt", tmp_path / "out")
    assert (tmp_path / "out" / written).read_text(encoding="utf-8") == "found", "as the system follows it"
    assert make_absolute(written, (tmp_path / "out").resolve()) == f"{tmp_path}/b.txt"


def test_brackets_of_the_folder_are_no_pattern(tmp_path: Path) -> None:
    folder = tmp_path / "a [1]"
    folder.mkdir()
    for name in ("b.txt", "c[2].txt"):
        (folder / name).touch()
    assert glob.glob(make_absolute("b*.txt", folder)) == [f"{folder}/b.txt"]  # noqa: PTH207  as the first stage does
    assert make_absolute("c[2].txt", folder) == f"{folder}/c[2].txt"


def test_model_is_a_path_where_it_is_written_as_one_or_stands_there(tmp_path: Path) -> None:
    (tmp_path / "organisation" / "model").mkdir(parents=True)
    (tmp_path / "organisation" / "model.gguf").touch()
    for text in ("./model", "../model", "/model", "organisation/model", "organisation/model.gguf"):
        assert Path(make_model_absolute(text, tmp_path)).is_absolute()
    for text in ("llama-3.1-8b", "organisation/other@main", "gs://bucket/model"):
        assert make_model_absolute(text, tmp_path) == text
