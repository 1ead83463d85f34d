"""A run whose scores are all in the store."""

from pathlib import Path

import pyarrow.parquet as pq

from tests.conftest import BOOK, CONTROL, CONTROLLED, launch, parts
from tests.launch.test_local import EMPTY_OF_CONTROL, FILES


def test_second_run_computes_nothing_again_and_gives_the_same_bytes(sample_run: Path, tmp_path: Path) -> None:
    before = parts(sample_run.parent)
    (tmp_path / "store").symlink_to(sample_run.parent / "store")
    done = launch(tmp_path, *CONTROLLED, controls=(str(CONTROL),))
    total = sum(pq.read_metadata(path).num_rows for path in before)
    assert f"{total:,} windows of 2 books, {total:,} scored already" in done.stdout
    assert parts(sample_run.parent) == before
    of_books = [f"{BOOK.stem}/{file}" for file in sorted(FILES | {"calibration.json"})]
    of_books += [f"{CONTROL.stem}/{file}" for file in sorted(FILES - EMPTY_OF_CONTROL)]
    for file in (*of_books, "summary.csv", "summary.json", "report.html", "summary.md", "methods.md"):
        assert (tmp_path / "out" / file).read_bytes() == (sample_run / file).read_bytes(), file
