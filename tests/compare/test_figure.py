"""The figure for a paper: its size, its words, and colours whose area is the share."""

import dataclasses
import re
import xml.etree.ElementTree as ET
from pathlib import Path

import numpy as np
import pytest
from matplotlib.colors import to_rgb
from matplotlib.text import Text

from byheart.components.compare.figure import COLUMN_WIDTH, TEXT_WIDTH, draw, list_kinds, stack, write_figures
from byheart.measures.comparison.comparison import ModelComparison
from byheart.pages.colours import LIGHT


@pytest.mark.parametrize("width", [TEXT_WIDTH, COLUMN_WIDTH])
def test_figure_is_as_wide_as_the_paper_wants_and_names_every_model(comparison: ModelComparison, width: float) -> None:
    figure = draw(comparison, width)
    assert figure.get_figwidth() == width
    words = {text.get_text() for axes in figure.axes for text in axes.texts}
    assert {"small", "large"} <= words
    level = comparison.texts[0].measured[0].at
    assert any(f"{at.coverage:.1%}" in words for at in level.values())
    assert len(figure.axes) == 2, "controls are left to the page"


def test_hostile_names_leave_the_figures_whole(comparison: ModelComparison, tmp_path: Path) -> None:
    name = "_\x07 $\\frac{$ <b>&\x1b--\ufffe"
    text = comparison.books[0]
    models = tuple(dataclasses.replace(model, model=name) for model in text.measured)
    text = dataclasses.replace(text, description=dataclasses.replace(text.description, title=name), models=models)
    paths = [tmp_path / f"figure.{suffix}" for suffix in ("svg", "pdf")]
    write_figures(dataclasses.replace(comparison, texts=(text,)), paths, [tmp_path / "column.svg"])
    for path in tmp_path.glob("*.svg"):
        assert ET.parse(path).getroot().tag.endswith("svg")
    figure = draw(dataclasses.replace(comparison, texts=(text,)), TEXT_WIDTH)
    written = [found.get_text() for found in figure.findobj(Text)]
    assert sum(words.startswith(r"_\x07 $") for words in written) == 1 + len(models)


@pytest.mark.parametrize(("name", "inches"), [("figure", 6.5), ("figure-column", 3.3)])
def test_vector_files_have_the_papers_width(folder: Path, name: str, inches: float) -> None:
    found = re.search(r'<svg[^>]* width="([\d.]+)pt"', (folder / f"{name}.svg").read_text(encoding="utf-8"))
    assert found
    assert float(found[1]) == pytest.approx(72 * inches)
    box = re.search(rb"/MediaBox \[ *0 0 ([\d.]+)", (folder / f"{name}.pdf").read_bytes())
    assert box
    assert float(box[1]) == pytest.approx(72 * inches)


def test_colours_stand_on_one_another_by_their_shares() -> None:
    deep, pale = np.array([True] * 50 + [False] * 150), np.array([False] * 50 + [True] * 25 + [False] * 125)
    image = stack([deep, pale, ~deep & ~pale], ["#000000", "#888888", "#ffffff"], 2)
    assert image.shape == (48, 2, 3)
    np.testing.assert_array_equal(image[:, 0, 0], [0.0] * 24 + [to_rgb("#888888")[0]] * 12 + [1.0] * 12)
    np.testing.assert_array_equal(image[:, 1, 0], 1.0)


def test_every_character_has_one_colour(comparison: ModelComparison) -> None:
    for model in comparison.texts[0].measured:
        for is_band in (False, True):
            kinds, colours = list_kinds(model, is_band=is_band)
            assert len(kinds) == len(colours)
            np.testing.assert_array_equal(np.sum(kinds, axis=0), 1)
    assert list_kinds(comparison.texts[1].measured[0], is_band=True) == ([], []), "a control has no bands"
    assert list_kinds(comparison.texts[0].measured[0], is_band=False)[1][0] == LIGHT.map[3]
