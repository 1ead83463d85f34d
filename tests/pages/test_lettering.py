"""Titles in scripts that matplotlib's own font lacks, with a font made here and without one."""

from pathlib import Path

import matplotlib as mpl
import pytest
from fontTools.fontBuilder import FontBuilder
from fontTools.pens.ttGlyphPen import TTGlyphPen
from matplotlib import font_manager

from byheart.components.plot.charts import CHARTS
from byheart.components.plot.frame import write_figure
from byheart.pages.lettering import choose_fonts, find_fonts
from tests.measures import toy

FAMILY = "Of One Letter"


@pytest.fixture
def font(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of fonts in which one is installed, after matplotlib has listed them, that has the letter 雪 alone."""
    pen = TTGlyphPen(None)
    pen.moveTo((100, 0))
    pen.lineTo((100, 700))
    pen.lineTo((900, 0))
    pen.closePath()
    builder = FontBuilder(1_000, isTTF=True)
    builder.setupGlyphOrder([".notdef", "snow"])
    builder.setupCharacterMap({ord("雪"): "snow"})
    builder.setupGlyf({".notdef": TTGlyphPen(None).glyph(), "snow": pen.glyph()})
    builder.setupHorizontalMetrics({".notdef": (1_000, 0), "snow": (1_000, 100)})
    builder.setupHorizontalHeader(ascent=800, descent=-200)
    builder.setupNameTable({"familyName": FAMILY, "styleName": "Regular"})
    builder.setupOS2()
    builder.setupPost()
    builder.save(tmp_path / "one-letter.ttf")
    monkeypatch.setattr(font_manager, "_get_fontconfig_fonts", list)
    monkeypatch.setattr(font_manager, "X11FontDirectories", [str(tmp_path)])
    monkeypatch.setattr(font_manager.fontManager, "ttflist", list(font_manager.fontManager.ttflist))
    return tmp_path


def draw_title(title: str, folder: Path, said: list[str]) -> bytes:
    """A chart of a book of this title."""
    with choose_fonts([title], said.append):
        write_figure(CHARTS["bits_along_book"](toy.make_chart_data(toy.make_book([0.5] * 9, name=title))), folder / "a")
    return (folder / "a.png").read_bytes()


def test_letters_that_the_own_font_lacks_come_from_one_that_has_them(font: Path) -> None:
    said: list[str] = []
    assert find_fonts(["Winter Ж", "雪"]) == (["DejaVu Sans", FAMILY], set())
    assert draw_title("雪", font, said) != draw_title("本", font, [])
    assert said == []
    assert mpl.rcParams["font.family"] == ["sans-serif"]


@pytest.mark.usefixtures("font")
def test_a_line_says_that_no_font_has_a_letter_and_no_warning_repeats_it(tmp_path: Path) -> None:
    said: list[str] = []
    draw_title("雪の本", tmp_path, said)
    [line] = said
    assert "has 2 letters of the titles (の本): pictures show boxes for them" in line


@pytest.mark.parametrize("title", ["The soap winter", "Зима\t\n\x07 — $", "“é”…"])
def test_where_the_own_font_has_all_letters_no_other_is_looked_for(title: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(font_manager, "findSystemFonts", None)
    assert find_fonts([title, ""]) == (["DejaVu Sans"], set())
