"""The report in a sandboxed frame, as Kubeflow shows it, and what neither it nor the page alone may do."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.expected import BookFiles
from tests.browser.opened import Opened, open_report
from tests.browser.test_reading import COUNT_COLOURED, IS_IN_VIEW, find_window
from tests.conftest import CONTROL

FETCH = """async (address) => {
  const found = [];
  document.addEventListener("securitypolicyviolation", (event) => found.push(event.effectiveDirective));
  await fetch(address).catch(() => {});
  const image = new Image();
  image.src = address;
  await new Promise((done) => setTimeout(done, 200));
  return found;
}"""


@pytest.fixture
def framed(browser: Browser, sample_run: Path) -> Iterator[Opened]:
    with open_report(browser, sample_run / "report.html", framed=True) as framed:
        yield framed


def test_the_frame_shows_the_text_in_colour(framed: Opened, sample: BookFiles) -> None:
    assert framed.read(COUNT_COLOURED) > 0
    (start, _), *_ = sorted(sample.list_passages(0.001), key=lambda span: span[0] - span[1])
    framed.report.locator("#passages .passage").first.click()
    framed.settle()
    assert find_window(framed) == sample.best[start]
    assert framed.read(IS_IN_VIEW, "suffix")


def test_links_inside_the_frame_stay_inside(framed: Opened) -> None:
    framed.report.locator(f"a[href='#{CONTROL.stem}']").first.click()
    expect(framed.report.locator("#text")).to_contain_text("Lamp Ledger")


def test_the_frame_hands_a_table_over_as_text(framed: Opened, sample: BookFiles) -> None:
    framed.report.locator("#passages button", has_text="CSV").click()
    table = framed.report.locator("dialog[open] textarea").input_value()
    assert len(table.splitlines()) == 1 + len(sample.list_passages(0.001))


def test_the_pages_own_policy_refuses_to_ask_for_anything(browser: Browser, sample_run: Path) -> None:
    with open_report(browser, sample_run / "report.html") as opened:
        found = opened.read(FETCH, "https://example.org/")
        assert sorted(found) == ["connect-src", "img-src"]
        said = opened.complaints.copy()
        assert all("Content Security Policy" in complaint or "Fetch API" in complaint for complaint in said)
        opened.complaints.clear()
