"""A book, a name and a label by someone who means harm: shown as text, letter by letter, and never run."""

import unicodedata
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.browser.opened import Opened, open_report
from tests.conftest import launch

MARKUP = '<img src=x onerror="window.harmed=1"> </script><script>window.harmed=2</script> <!-- &lt;b&gt; {{ 7*7 }} '
CONTROLS = "bell\x07 escape\x1b[31m backspace\x08 delete\x7f next\x85 "
TURNING = "user\u202etxt.exe\u202c \u2066isolated\u2069 zero\u200bwidth \ufeffmark tag\U000e0041\U000e0042 "
HEBREW = "\u05e9\u05b8\u05c1\u05dc\u05d5\u05b9\u05dd \u05e2\u05d5\u05dc\u05dd, \u0627\u0644\u0633\u0644\u0627\u0645. "
MARKS = "e\u0301\u0323 Z\u0351\u036b\u0343\u0304a\u0300\u0301\u0302\u0303lgo \u0301alone "
FAMILY = "\U0001f469\U0001f3fd\u200d\U0001f469\u200d\U0001f467"
PICTURES = f"{FAMILY} \U0001f1e9\U0001f1ea\U0001f1eb\U0001f1f7 \u2764\ufe0f \U00010437 "
PARAGRAPH = MARKUP + CONTROLS + TURNING + HEBREW + MARKS + PICTURES
TEXT = "\n\n".join(f"Chapter {number}: {MARKUP}{TURNING}\n\n{PARAGRAPH}" for number in (1, 2, 3))
LABEL = "<script>window.harmed=3</script>\u202e\x07"
HIDDEN = "\x07\x08\x1b\x7f\x85\u202e\u202c\u2066\u2069\u200b\ufeff"


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of the sample's model on the hostile book."""
    folder = tmp_path_factory.mktemp("hostile")
    book = folder / "a<b onclick=harm()>&'c.txt"
    book.write_text(TEXT, encoding="utf-8")
    done = launch(folder, "cursor_inc=40", f"label={LABEL}", f"plot_title={MARKUP}", books=str(book))
    assert done.returncode == 0, done.stderr
    return folder / "out"


@pytest.fixture
def hostile(browser: Browser, results: Path) -> Iterator[Opened]:
    with open_report(browser, results / "report.html") as hostile:
        yield hostile
        assert hostile.read("() => window.harmed") is None


def test_nothing_of_the_book_becomes_markup(hostile: Opened) -> None:
    assert hostile.report.locator("#text img, #text script, #text b, [onclick], [onerror]").count() == 0
    assert hostile.read("() => document.getElementById('text').textContent").count(MARKUP.strip()) == 6


def test_every_letter_of_the_book_has_its_place(hostile: Opened, results: Path) -> None:
    """Hidden characters have a sign for each UTF-16 unit; all others are as they were."""
    (path,) = results.glob("*/text.txt")
    shown = split_units(hostile.read("() => document.getElementById('text').textContent"))
    expected = split_units(path.read_bytes().decode("utf-8"))
    changed = {(one, other) for one, other in zip(expected, shown, strict=True) if one != other}
    assert {ord(one) for one, _ in changed} >= {0x07, 0x1B, 0x7F, 0x202E, 0x200B, 0xFEFF, 0xDB40}
    assert {other for _, other in changed} <= {"□", *map(chr, range(0x2400, 0x2427))}


def split_units(text: str) -> list[str]:
    """The UTF-16 units of a text but its blanks and line feeds."""
    units = text.encode("utf-16-le")
    pairs = [units[at : at + 2].decode("utf-16-le", "surrogatepass") for at in range(0, len(units), 2)]
    return [unit for unit in pairs if unit not in " \n"]


def test_nowhere_on_the_page_is_a_hidden_character(hostile: Opened) -> None:
    seen = hostile.read("() => document.body.innerText + document.title")
    assert {character for character in HIDDEN if character in seen} == set()


def test_joined_pictures_and_marks_stay_whole(hostile: Opened) -> None:
    """Where a colour ends, no mark, joiner or half of a pair begins the next piece of text."""
    hostile.read("() => window.dispatchEvent(new Event('beforeprint'))")
    starts = hostile.read(
        "() => [...document.querySelectorAll('#text .block > *')].flatMap((paragraph) =>"
        " [...paragraph.childNodes].slice(1).map((node) => node.textContent.codePointAt(0)))"
    )
    assert all(not 0xDC00 <= code < 0xE000 for code in starts)
    assert all(not unicodedata.category(chr(code)).startswith("M") and code != 0x200D for code in starts)


def test_the_hostile_name_is_shown_as_text_and_its_link_works(hostile: Opened) -> None:
    assert "onclick" in hostile.text_of("text-choice")
    hostile.report.locator("main a[href^='#']").first.click()
    hostile.settle()


def test_pointing_and_searching_show_nothing_but_text(hostile: Opened) -> None:
    hostile.report.locator("#search").fill("<img src=x onerror")
    for _ in range(4):  # the fourth stands where windows ask for it
        hostile.report.locator("#search").press("Enter")
    hostile.settle()
    assert "6 hits" in hostile.text_of("search-count")
    hostile.report.wait_for_selector("#window table.tokens")
    assert hostile.read("() => document.querySelectorAll('#window img, #window script').length") == 0


def test_the_hostile_book_is_harmless_in_a_frame(browser: Browser, results: Path) -> None:
    with open_report(browser, results / "report.html", framed=True) as framed:
        assert framed.read("() => window.harmed") is None
        assert framed.page.evaluate("() => window.harmed") is None
