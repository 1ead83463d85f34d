"""Opens a report in Chromium, and watches what it asks for and what it complains of."""

import dataclasses
import html
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Frame, Page, Playwright, expect

from benchmarks.report import NO_CHROMIUM, find_chromium

expect.set_options(timeout=30_000)  # a busy machine is no fault of the page
DESK = {"width": 1440, "height": 900}
PHONE = {"width": 390, "height": 844}
_FRAME = """<!doctype html><html lang="en"><meta charset="utf-8"><title>A frame as Kubeflow's</title>
<iframe sandbox="allow-scripts" srcdoc="{report}" title="report" width="1300" height="600"></iframe></html>"""


@dataclasses.dataclass(kw_only=True, eq=False)
class Opened:
    """A report in a browser."""

    page: Page
    report: Page | Frame
    """Where the report is: the page, or the frame in it."""
    requests: list[str]
    """What was asked for beside the file that was opened."""
    complaints: list[str]
    """Messages in the console, and errors of scripts."""

    def read(self, expression: str, argument: object = None) -> Any:
        """The value of JavaScript in the report."""
        return self.report.evaluate(expression, argument)

    def text_of(self, element: str) -> str:
        """The text of the element with an id, as it is seen."""
        return self.report.locator(f"#{element}").inner_text()

    def show_reader(self) -> None:
        """Scroll to the reader, whose text is coloured where it is near the view."""
        self.read("() => document.getElementById('reader').scrollIntoView()")
        self.settle()

    def settle(self) -> None:
        """Wait until the page has drawn what it was asked to: three frames."""
        self.read(
            "() => new Promise((done) => { const wait = (left) => left ? requestAnimationFrame(() => wait(left - 1)) :"
            " setTimeout(done); wait(3); })"
        )


def start_chromium(playwright: Playwright) -> Browser:
    """Debian's Chromium; the test is skipped where there is none."""
    path = find_chromium()
    if path is None:
        pytest.skip(NO_CHROMIUM)
    return playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])


@contextmanager
def open_report(
    browser: Browser, path: Path, *, at: str = "", framed: bool = False, viewport: Any = DESK, **context: Any
) -> Iterator[Opened]:
    """The report at `path`, ready to read; at its end it must have asked for nothing and complained of nothing.

    Args:
        at: the link to a character, as `#book/24553`.
        framed: open it in a sandboxed frame, as the value of `srcdoc`.
        context: settings of the browser's context, as `color_scheme`.
    """
    if framed:
        report = html.escape(path.read_text(encoding="utf-8"))
        path = path.with_name("framed.html")
        path.write_text(_FRAME.format(report=report), encoding="utf-8")
    address = path.resolve().as_uri() + at
    requests: list[str] = []
    complaints: list[str] = []

    def refuse(route: Any) -> None:
        if route.request.url.partition("#")[0] == path.resolve().as_uri():
            route.continue_()
        else:
            requests.append(route.request.url)
            route.abort()

    with browser.new_context(viewport=viewport, **context) as here:
        here.route("**/*", refuse)
        page = here.new_page()
        page.on("console", lambda message: complaints.append(f"{message.type}: {message.text}"))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(address)
        opened = Opened(page=page, report=page.frames[1] if framed else page, requests=requests, complaints=complaints)
        wait_until_ready(opened)
        if not at:
            opened.show_reader()
        yield opened
        assert requests == []
        assert complaints == []


def wait_until_ready(opened: Opened) -> None:
    """Wait until the text is there and coloured."""
    expect(opened.report.locator("#text .block").first).to_be_attached()
    expect(opened.report.locator("#says")).not_to_be_empty()
    opened.settle()
