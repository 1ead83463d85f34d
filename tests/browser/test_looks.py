"""Light, dark, on paper, on a phone, and for who cannot see it."""

from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser

from tests.browser.opened import DESK, PHONE, Opened, open_report

LOOKS: dict[str, dict[str, Any]] = {
    "light": {"color_scheme": "light"},
    "dark": {"color_scheme": "dark"},
    "phone": {"viewport": PHONE, "has_touch": True, "is_mobile": True},
}
READ_BACKGROUND = "(selector) => getComputedStyle(document.querySelector(selector)).backgroundColor"


def pin_a_window(opened: Opened) -> None:
    opened.read("() => { location.hash = '#the-soap-winter/3000'; }")
    opened.report.wait_for_selector("#window table.tokens")
    opened.settle()


@pytest.mark.parametrize("look", LOOKS)
def test_axe_finds_nothing(browser: Browser, sample_run: Path, look: str) -> None:
    with open_report(browser, sample_run / "report.html", **LOOKS[look]) as opened:
        pin_a_window(opened)
        found = Axe().run(opened.page)
        described = [
            (violation["id"], violation["help"], [node["html"][:150] for node in violation["nodes"][:4]])
            for violation in found.response["violations"]
        ]
        assert described == []


@pytest.mark.parametrize("width", [320, 390, 860, 1280])
def test_no_width_needs_a_sideways_scroll(browser: Browser, sample_run: Path, width: int) -> None:
    with open_report(browser, sample_run / "report.html", viewport={**DESK, "width": width}) as opened:
        pin_a_window(opened)
        assert opened.read("() => document.documentElement.scrollWidth") <= width


def test_dark_mode_has_the_dark_colours(browser: Browser, sample_run: Path) -> None:
    with open_report(browser, sample_run / "report.html", color_scheme="dark") as opened:
        assert opened.read(READ_BACKGROUND, "body") == "rgb(20, 23, 27)"
        assert opened.read(READ_BACKGROUND, "#text .step-4") == "rgb(31, 96, 149)"


def test_light_mode_has_the_light_colours(opened: Opened) -> None:
    assert opened.read(READ_BACKGROUND, "body") == "rgb(252, 252, 250)"
    assert opened.read(READ_BACKGROUND, "#text .step-4") == "rgb(104, 179, 237)"


def test_forced_colours_underline_in_place_of_colour(browser: Browser, sample_run: Path) -> None:
    with open_report(browser, sample_run / "report.html", forced_colors="active") as opened:
        style = opened.read("() => getComputedStyle(document.querySelector('#text .step-4')).textDecorationLine")
        assert style == "underline"


def test_print_has_the_whole_text_in_colour(opened: Opened) -> None:
    count = "() => document.querySelectorAll('#text .block:has([class^=step])').length"
    near = opened.read(count)
    opened.page.emulate_media(media="print")
    opened.page.pdf()
    assert opened.read(count) > near
    assert opened.read("() => getComputedStyle(document.querySelector('#text .step-4')).printColorAdjust") == "exact"


def test_on_a_phone_a_tap_opens_the_window_as_a_sheet(browser: Browser, sample_run: Path) -> None:
    with open_report(browser, sample_run / "report.html", **LOOKS["phone"]) as opened:
        assert not opened.report.locator("#window").is_visible()
        span = opened.report.locator("#text span.step-4").first
        span.scroll_into_view_if_needed()
        span.tap()
        opened.settle()
        assert opened.report.locator("#window").is_visible()
        assert "Window" in opened.text_of("window")
        opened.report.locator("#window .close").tap()
        opened.settle()
        assert not opened.report.locator("#window").is_visible()


def test_the_strip_and_the_slider_speak(opened: Opened) -> None:
    assert "characters" in (opened.report.locator("#strip").get_attribute("aria-label") or "")
    assert "tries" in (opened.report.locator("#threshold").get_attribute("aria-valuetext") or "")
