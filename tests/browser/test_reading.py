"""What readers do: jump, search, slide, filter, point, press keys."""

import re
from pathlib import Path

import numpy as np
from playwright.sync_api import Browser, expect

from tests.browser.expected import BookFiles
from tests.browser.opened import Opened, open_report
from tests.conftest import BOOK, CONTROL

COUNT_COLOURED = "() => document.querySelectorAll('#text span[class^=step]').length"
# The text under the highlights of a name.
READ_HIGHLIGHT = """(name) => [...(CSS.highlights.get(name) ?? [])].map((span) => {
  const range = document.createRange();
  range.setStart(span.startContainer, span.startOffset);
  range.setEnd(span.endContainer, span.endOffset);
  return range.toString();
})"""
READ_PLACE = "() => scrollY"
IS_IN_VIEW = """(name) => [...CSS.highlights.get(name)].some((span) => {
  const range = document.createRange();
  range.setStart(span.startContainer, span.startOffset);
  range.setEnd(span.endContainer, span.endOffset);
  const box = range.getBoundingClientRect();
  return box.bottom > document.getElementById("bar").offsetHeight && box.top < innerHeight;
})"""


def find_window(opened: Opened) -> int | None:
    """The row of the window in the panel."""
    match = re.search(r"Window ([\d,]+)", opened.text_of("window"))
    return int(match[1].replace(",", "")) if match else None


def press(opened: Opened, *keys: str) -> None:
    for key in keys:
        opened.page.keyboard.press(key)
        opened.settle()


def test_a_click_on_a_passage_goes_there_and_shows_its_first_window(opened: Opened, sample: BookFiles) -> None:
    (start, stop), *_ = sorted(sample.list_passages(0.001), key=lambda span: span[0] - span[1])
    opened.report.locator("#passages .passage").first.click()
    opened.settle()
    assert find_window(opened) == sample.best[start]
    assert opened.read(IS_IN_VIEW, "suffix")
    assert opened.read("() => location.hash") == f"#{BOOK.stem}/{start}"
    assert stop - start > 4000


def test_a_link_opens_the_page_at_its_character(browser: Browser, sample_run: Path, sample: BookFiles) -> None:
    point = int(np.flatnonzero(sample.best >= 0)[25_000])
    with open_report(browser, sample_run / "report.html", at=f"#{BOOK.stem}/{point}") as opened:
        assert find_window(opened) == sample.best[point]
        assert opened.read(IS_IN_VIEW, "suffix")


def test_a_link_to_a_text_shows_that_text(opened: Opened) -> None:
    opened.report.locator(f"a[href='#{CONTROL.stem}']").first.click()
    expect(opened.report.locator("#text")).to_contain_text("Lamp Ledger")
    opened.settle()
    assert opened.read(COUNT_COLOURED) == 0


def test_a_text_without_room_leaves_nothing_of_another_and_back_all_is_there(
    browser: Browser, sample_run: Path, tmp_path: Path
) -> None:
    head, is_control, rest = (sample_run / "report.html").read_text(encoding="utf-8").partition('"role":"control"')
    path = tmp_path / "report.html"
    without = rest.replace('"blobs":true', '"blobs":false', 1)
    path.write_text(f"{head}{is_control}{without}", encoding="utf-8")
    with open_report(browser, path) as opened:
        window = find_window(opened)
        opened.report.locator("#search").fill("the soap")
        expect(opened.report.locator("#search-count")).to_contain_text("hits")
        opened.report.locator("#text-choice").select_option("t1")
        expect(opened.report.locator("#text")).to_contain_text("had no room for this text")
        assert [opened.text_of(part) for part in ("window", "says", "search-count")] == ["", "", ""]
        opened.report.locator("#text-choice").select_option("t0")
        expect(opened.report.locator("#search-count")).to_contain_text("hits")
        assert window is not None
        assert find_window(opened) == window


def test_a_slide_takes_colour_away(opened: Opened) -> None:
    slider = opened.report.locator("#threshold")
    before = opened.read(COUNT_COLOURED)
    slider.fill("11")
    opened.settle()
    assert opened.read(COUNT_COLOURED) > 0
    assert opened.read("() => document.querySelectorAll('#text .step-1, #text .step-2, #text .step-3').length") == 0
    assert opened.text_of("threshold-value") == "99%"
    assert "99%" in (slider.get_attribute("aria-valuetext") or "")
    assert before > 0


def test_a_search_marks_hits_and_goes_from_one_to_the_next(opened: Opened, sample: BookFiles) -> None:
    found = re.findall(r"the\s+soap", sample.text, re.IGNORECASE)
    opened.report.locator("#search").fill("THE soap")
    expect(opened.report.locator("#search-count")).not_to_be_empty()
    assert f"{len(found)} hits" in opened.text_of("search-count")
    opened.page.keyboard.press("Enter")
    opened.settle()
    assert "1 of" in opened.text_of("search-count")
    assert [text.lower() for text in opened.read(READ_HIGHLIGHT, "hit-here")] == ["the soap"]
    assert opened.read(IS_IN_VIEW, "hit-here")
    opened.page.keyboard.press("Escape")
    press(opened, "n")
    assert "2 of" in opened.text_of("search-count")
    press(opened, "N")
    assert "1 of" in opened.text_of("search-count")


def test_a_search_for_what_is_not_there_says_so(opened: Opened) -> None:
    opened.report.locator("#search").fill("zeppelin")
    expect(opened.report.locator("#search-count")).not_to_be_empty()
    assert "no hit" in opened.text_of("search-count")


def test_bands_filter_the_text(opened: Opened) -> None:
    opened.report.locator("#colour-by").select_option("bands")
    opened.settle()
    coloured = opened.read(COUNT_COLOURED)
    assert coloured > 0
    assert opened.report.locator("#threshold").is_disabled()
    for name in ("extractable", "only above the controls"):
        opened.report.locator("#legend button", has_text=name).click()
    opened.settle()
    assert opened.read(COUNT_COLOURED) == 0


def test_slips_are_marked_where_the_first_guess_is_another(opened: Opened) -> None:
    opened.report.locator("#slips").check()
    opened.settle()
    opened.report.locator("#text span[class^=step]").first.scroll_into_view_if_needed()
    opened.settle()
    assert opened.read("() => CSS.highlights.has('slip')")


def test_pointing_at_a_word_shows_its_window_and_a_click_keeps_it(opened: Opened, sample: BookFiles) -> None:
    span = opened.report.locator("#text span[class^=step]").nth(1)
    span.scroll_into_view_if_needed()
    opened.settle()
    box = span.bounding_box()
    assert box
    opened.page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 10)
    opened.settle()
    pointed = find_window(opened)
    suffix = opened.read(READ_HIGHLIGHT, "suffix")
    assert pointed is not None
    asked = sample.text[sample.suffix_start[pointed] : sample.stop[pointed]]
    assert "".join("".join(suffix).split()) == "".join(asked.split())
    opened.page.mouse.down()
    opened.page.mouse.up()
    opened.page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 200)
    opened.settle()
    assert find_window(opened) == pointed
    press(opened, "Escape")
    opened.page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 260)
    opened.settle()
    assert find_window(opened) != pointed


def test_the_window_has_a_row_a_token_with_its_rank_and_the_first_guess(opened: Opened, sample: BookFiles) -> None:
    coloured = np.flatnonzero(sample.best >= 0)
    slipped = [point for point in coloured.tolist() if 0 < (sample.token_ranks[sample.best[point]] > 0).sum() < 20]
    opened.read("(hash) => { location.hash = hash; }", f"#{BOOK.stem}/{slipped[0]}")
    expect(opened.report.locator("#window table.tokens")).to_be_visible()
    opened.settle()
    ranks = sample.token_ranks[sample.best[slipped[0]]]
    rows = opened.report.locator("#window table.tokens tbody tr")
    cells = [row.locator("td").all_inner_texts() for row in rows.all()]
    assert [cell[3] for cell in cells] == ["> 255" if rank >= 255 else str(rank + 1) for rank in ranks]
    assert [bool(cell[4]) for cell in cells] == [bool(rank > 0) for rank in ranks], "a guess stands where it differs"
    assert opened.report.locator("#window svg").count() == 1


def test_keys_step_through_passages_windows_and_thresholds(opened: Opened, sample: BookFiles) -> None:
    longest = sorted(sample.list_passages(0.001), key=lambda span: (span[0] - span[1], span[0]))
    press(opened, "j", "j", "k")
    assert find_window(opened) == sample.best[longest[0][0]]
    first = sample.best[longest[0][0]]
    press(opened, "ArrowRight")
    second = find_window(opened)
    assert second is not None
    assert second > first
    press(opened, "ArrowLeft")
    assert find_window(opened) == first
    press(opened, "]", "]")
    assert opened.text_of("threshold-value") == "0.5%"
    press(opened, "[")
    assert opened.text_of("threshold-value") == "0.2%"
    press(opened, "/")
    assert opened.read("() => document.activeElement.id") == "search"


def test_help_opens_and_closes_and_switches_the_keys_off(opened: Opened) -> None:
    press(opened, "?")
    dialog = opened.report.locator("#help-dialog")
    assert dialog.is_visible()
    dialog.locator("input[type=checkbox]").uncheck()
    press(opened, "Escape")
    assert not dialog.is_visible()
    before = opened.text_of("threshold-value")
    press(opened, "]")
    assert opened.text_of("threshold-value") == before


def test_a_click_on_the_strip_goes_there(opened: Opened) -> None:
    opened.report.locator("#strip").scroll_into_view_if_needed()
    box = opened.report.locator("#strip canvas").bounding_box()
    assert box
    before = opened.read(READ_PLACE)
    opened.page.mouse.click(box["x"] + box["width"] / 2, box["y"] + 0.7 * box["height"])
    opened.settle()
    assert opened.read(READ_PLACE) - before > 2_000
