"""A browser for all tests, and the sample's report in it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.browser.expected import BookFiles, read_book
from tests.browser.opened import Opened, open_report, start_chromium
from tests.conftest import BOOK


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = start_chromium(playwright)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def sample(sample_run: Path) -> BookFiles:
    """The sample's book, as its files have it."""
    return read_book(sample_run / BOOK.stem)


@pytest.fixture
def opened(browser: Browser, sample_run: Path) -> Iterator[Opened]:
    """The sample's report, from the disk."""
    with open_report(browser, sample_run / "report.html") as opened:
        yield opened
