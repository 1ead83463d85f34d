"""The time that the report of a synthetic book of a million characters takes in Chromium, and how smoothly it moves.

    python -m benchmarks.report [CHARACTERS]

The book is that of benchmarks.plot. Aims: ready in 3 seconds, and 95% of the frames in under 34 ms while the page is
flung from end to end. Everything is printed; on a busy machine no time means much.
"""

import json
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, sync_playwright

from benchmarks.plot import RUN, make

READY_SECONDS, FRAME_MS = 3, 34
_NAMES = ("chromium", "chromium-browser", "google-chrome")
NO_CHROMIUM = f"needs Chromium, found none of {', '.join(_NAMES)}: apt-get install chromium"
_FLING_SECONDS = 4

# Lengths of frames, ms, while the page scrolls by a screen a frame.
_FLING = """async (seconds) => {
  const lengths = [];
  document.getElementById("reader").scrollIntoView();
  let last = await new Promise(requestAnimationFrame);
  for (const started = last; last - started < 1000 * seconds; ) {
    scrollBy(0, innerHeight / 2);
    const now = await new Promise(requestAnimationFrame);
    lengths.push(now - last);
    last = now;
  }
  return lengths;
}"""

# Milliseconds from an act to the second frame after it, by which it is painted.
_TIME = """async ([selector, value, event]) => {
  const element = document.querySelector(selector);
  const started = performance.now();
  if (event === "click") element.click();
  else if (event === "hash") location.hash = value;
  else {
    element.value = value;
    element.dispatchEvent(new Event("input", { bubbles: true }));
  }
  const isDone = () => selector !== "#search" || document.getElementById("search-count").textContent !== "";
  while (!isDone()) await new Promise((done) => setTimeout(done));
  for (const frame of [1, 2]) await new Promise(requestAnimationFrame);
  return performance.now() - started;
}"""


def main(characters: int = 1_000_000) -> int:
    """Plot the book, open its report, and print times."""
    chromium = find_chromium()
    if chromium is None:
        print(f"error: {NO_CHROMIUM}", file=sys.stderr)
        return 1
    with tempfile.TemporaryDirectory(prefix="byheart-") as folder, sync_playwright() as playwright:
        inputs = make(Path(folder), characters)
        subprocess.run([sys.executable, "-c", RUN, json.dumps(inputs)], check=True, stdout=subprocess.DEVNULL)
        report = Path(inputs["results"]) / "report.html"
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1440, "height": 900})
        print(f"{characters:,} characters, {report.stat().st_size / 1e6:.2f} MB, Chromium {browser.version}")
        print(f"{open_report(page, report):8.2f} s   until the text is coloured, of {READY_SECONDS} aimed at")
        for name, milliseconds in time_acts(page, characters):
            print(f"{milliseconds:8.0f} ms  {name}")
        frames = sorted(page.evaluate(_FLING, _FLING_SECONDS))
        print(f"{frames[int(0.95 * len(frames))]:8.1f} ms  95% of {len(frames)} frames, of {FRAME_MS} aimed at")
        browser.close()
    return 0


def find_chromium() -> str | None:
    """The path of the Chromium that is installed."""
    return next(filter(None, map(shutil.which, _NAMES)), None)


def open_report(page: Page, report: Path) -> float:
    """Seconds until the text is there and its colours are."""
    started = time.monotonic()
    page.goto(report.as_uri(), wait_until="commit")
    page.wait_for_selector("#text .block", state="attached")
    page.evaluate("() => document.getElementById('reader').scrollIntoView()")
    page.wait_for_selector("#text span[class^=step], #text span.unmeasured", state="attached")
    return time.monotonic() - started


def time_acts(page: Page, characters: int) -> list[tuple[str, float]]:
    """What readers do, and the milliseconds until it is painted."""
    acts: list[tuple[str, Any]] = [
        ("a step of the slider", ["#threshold", "6", "input"]),
        ("a step back", ["#threshold", "0", "input"]),
        ("a search, with its wait for the next letter", ["#search", "the", "input"]),
        ("a jump to a character", ["body", f"#synthetic/{characters // 2}", "hash"]),
        ("a jump to the longest passage", ["#passages .passage", "", "click"]),
    ]
    return [(name, page.evaluate(_TIME, act)) for name, act in acts]


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])))
