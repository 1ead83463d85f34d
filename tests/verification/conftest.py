"""The sample's results, and the same written again."""

import shutil
from pathlib import Path

import pytest

from byheart.measures.results import Results
from byheart.verification.again import write_again
from byheart.verification.files import SUMS, hash_file, read_sums
from byheart.verification.texts import make_book, read_texts


def reseal(folder: Path) -> None:
    """Write SHA256SUMS anew, as someone does who hides a change."""
    names = [name for name in read_sums(folder) if (folder / name).exists()]
    lines = [f"{hash_file(folder / name)}  {name}\n" for name in names]
    (folder / SUMS).write_text("".join(lines), encoding="utf-8")


def rewrite(folder: Path, out: Path) -> None:
    """Write the results in a folder again."""
    results = Results.open(folder)
    texts = read_texts(results, [])
    books = {item.book.name: make_book(item, texts[item.book.name]) for item in results.books}
    windows = {item.book.name: item.read_windows().windows for item in results.books}
    write_again(results, books, windows, out)


@pytest.fixture(scope="session")
def honest(sample_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files of the sample run, and no others."""
    folder = tmp_path_factory.mktemp("honest") / "out"
    for name in (SUMS, *read_sums(sample_run)):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(sample_run / name, folder / name)
    return folder


@pytest.fixture(scope="session")
def again(honest: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample's results written again from their own scores."""
    folder = tmp_path_factory.mktemp("again")
    rewrite(honest, folder)
    return folder


@pytest.fixture
def changed(honest: Path, tmp_path: Path) -> Path:
    """A copy of the honest files, for a test to change."""
    return shutil.copytree(honest, tmp_path / "changed")
