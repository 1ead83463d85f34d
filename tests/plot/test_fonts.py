import os
import subprocess
import sys
from pathlib import Path

import pytest
from matplotlib import font_manager

from byheart.components.plot.run import Made, write_results
from byheart.contracts.books import Book
from byheart.measures.measured import MeasuredBook
from byheart.measures.provenance import BookDescription
from tests.conftest import ROOT
from tests.measures import toy

pytestmark = pytest.mark.slow


def test_fonts_that_matplotlib_lists_anew_are_not_spoken_of(tmp_path: Path) -> None:
    code = "import logging; logging.basicConfig(level=logging.INFO)\n"  # as Kubeflow's launcher has it
    code += "import byheart.components.plot.run"
    environment = {**os.environ, "MPLCONFIGDIR": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    )
    assert list(tmp_path.glob("fontlist-*.json"))
    assert done.stderr == ""


def test_a_title_in_a_script_without_a_font_is_told_of_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(font_manager, "findSystemFonts", list)
    measured = toy.make_book([0.5] * 9, name="雪の本")

    def read(_: Book) -> tuple[MeasuredBook, BookDescription]:
        return measured, toy.compute_outcome(measured).book

    said: list[str] = []
    write_results(
        tmp_path, toy.make_run(), [measured.book], read, refused=[], pieces=None,
        made=Made(created="now", python="3", registration=None), tell=said.append,
    )  # fmt: skip
    assert said[0] == "statistics, tables and charts of 1 text"
    assert said[1].startswith("no font installed here has 3 letters of the titles (の本雪): pictures show boxes")
    assert (tmp_path / "report.html").is_file()
