"""The door of the first stage, as Kubeflow opens it."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from byheart.components.download.component import download
from byheart.contracts.books import read_book_names
from byheart.contracts.inputs import Inputs
from byheart.contracts.model import read_model
from byheart.contracts.settings import Settings
from byheart.pipeline import DEFAULTS, OPTIONS
from tests.conftest import BOOK, MODEL


def run(folder: Path, **given: Any) -> None:
    """The stage's function with the pipeline's defaults, its artifacts in the folder."""
    alone = {name: value for name, value in DEFAULTS.items() if name not in OPTIONS}
    places = {"books": [str(BOOK)], "model": str(MODEL), "store": str(folder / "store"), "options": {}}
    inputs = SimpleNamespace(path=str(folder / "inputs"))
    download.python_func(**{**alone, **places, **given}, defaults=DEFAULTS, inputs=inputs)


def test_options_and_parameters_are_the_settings_of_the_run(tmp_path: Path) -> None:
    run(tmp_path, top_k=20.0, options={"dpi": 100.0, "temperature": 2, "plot_title": "A first look"})
    wanted = {**DEFAULTS, "top_k": 20, "dpi": 100, "temperature": 2.0, "plot_title": "A first look"}
    files = Inputs.at(tmp_path / "inputs")
    assert Settings.read(files.settings) == Settings.from_parameters(wanted)
    assert read_book_names(files.books) == [BOOK.stem]
    assert read_model(files.model).source == str(MODEL)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"plottitle": "a"}, "options must hold known names, found 'plottitle': did you mean plot_title?"),
        ({"top_k": 20}, "top_k must be given as a parameter of its own, found it within options: move it out"),
        ({"settings": 1}, "options must hold known names, found 'settings'"),
        ({"dpi": "many"}, "dpi must be a whole number, found 'many': give one"),
    ],
)
def test_option_that_cannot_be_used_ends_the_stage(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], options: dict[str, Any], said: str
) -> None:
    with pytest.raises(SystemExit):
        run(tmp_path, options=options)
    line = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (line["severity"], line["stage"]) == ("ERROR", "download")
    assert said in line["message"]
    assert not (tmp_path / "store").exists()


@pytest.mark.parametrize(
    ("books", "said"),
    [
        ("gs://b/ä.txt", """found "gs://b/ä.txt": write ["gs://b/ä.txt"]"""),
        ([1, 2], """found [1, 2]: write ["gs://my-bucket/a.txt"]"""),
    ],
)
def test_books_that_are_no_list_of_texts_are_shown_as_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], books: Any, said: str
) -> None:
    for name in ("books", "controls"):
        with pytest.raises(SystemExit):
            run(tmp_path, **{name: books})
        line = json.loads(capsys.readouterr().out.splitlines()[-1])
        assert line["message"] == f"{name} must be a JSON list of addresses, {said}"
