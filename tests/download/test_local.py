from pathlib import Path

import pytest

from byheart.components.download.local import LocalFiles
from byheart.contracts.errors import BookError

NAMES = ["a.txt", "b.md", "x/c.txt", "x/.d.txt", "x/y/e.txt", "[1].txt", "dir.txt/f.txt"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in NAMES:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"Some text.")
    return tmp_path


@pytest.mark.parametrize(
    ("glob", "names"),
    [
        ("*", ["[1].txt", "a.txt", "b.md"]),
        ("?.txt", ["a.txt"]),
        ("*/*.txt", ["dir.txt/f.txt", "x/c.txt"]),
        ("**/*.txt", ["[1].txt", "a.txt", "dir.txt/f.txt", "x/c.txt", "x/y/e.txt"]),
        ("x/.*", ["x/.d.txt"]),
        ("[1].txt", ["[1].txt"]),
        ("[ab].*", ["a.txt", "b.md"]),
        ("no.txt", ["no.txt"]),
    ],
)
def test_source_stands_for_files(folder: Path, glob: str, names: list[str]) -> None:
    """A file whose name is a glob is itself; a missing one is found to be missing when it is read."""
    assert LocalFiles().find(f"{folder}/{glob}") == [f"{folder}/{name}" for name in names]


def test_glob_that_matches_nothing_is_refused(folder: Path) -> None:
    with pytest.raises(BookError, match=r"\*\.pdf must match at least one file, found none"):
        LocalFiles().find(f"{folder}/*.pdf")


def test_text_in_place_of_a_path_is_refused_without_being_printed() -> None:
    said = "books must name files, found 5,200 characters, 'It was late. It was late. It was late. I' and so on: save"
    with pytest.raises(BookError, match=said):
        LocalFiles().find("It was late. " * 400)


def test_link_to_itself_is_refused(tmp_path: Path) -> None:
    (tmp_path / "loop.txt").symlink_to("loop.txt")
    with pytest.raises(BookError, match=r"loop\.txt must be a readable file, found: Too many levels of symbolic links"):
        LocalFiles().read(str(tmp_path / "loop.txt"))


def test_path_with_a_nul_is_refused() -> None:
    with pytest.raises(BookError, match="must be a readable file, found: embedded null byte"):
        LocalFiles().read("a\0.txt")


def test_file_that_is_too_large_is_not_read(tmp_path: Path) -> None:
    with (tmp_path / "large.txt").open("wb") as file:
        file.truncate(100_000_001)
    with pytest.raises(BookError, match=r"large\.txt must have at most 100,000,000 bytes, found more: divide it"):
        LocalFiles().read(str(tmp_path / "large.txt"))
