"""Every character has its colour and its window."""

import bisect
import re

import numpy as np
import pytest

from tests.browser.expected import BookFiles
from tests.browser.opened import Opened
from tests.conftest import BOOK

# The colour of each UTF-16 unit of the text, and the text, once all blocks are coloured as for paper.
READ_COLOURS = """() => {
  window.dispatchEvent(new Event("beforeprint"));
  const [names, texts] = [[], []];
  const nodes = document.createTreeWalker(document.getElementById("text"), NodeFilter.SHOW_TEXT);
  while (nodes.nextNode()) {
    const { data, parentElement } = nodes.currentNode;
    texts.push(data);
    names.push([parentElement.localName === "span" ? parentElement.className : "", data.length]);
  }
  return [texts.join(""), names];
}"""

# The row and the span of the window of each character, as the page's own modules read the page's own data.
READ_WINDOWS = r"""async ([script, name]) => {
  const element = document.createElement("script");
  element.type = "module";
  const expose = "window.makeBook = (entry, blobs) => Book.load(entry, blobs);";
  element.textContent = script.replace(/^startReader\(\);$/m, expose);
  document.head.append(element);
  while (!window.makeBook) await new Promise((done) => setTimeout(done, 10));
  const entry = JSON.parse(document.getElementById("report").textContent).texts.find((text) => text.name === name);
  const blob = (kind) => document.getElementById(`${entry.id}-${kind}`).textContent;
  const book = await window.makeBook(entry, { text: blob("text"), map: blob("map") });
  const describe = (window) => ["row", "start", "suffixStart", "stop"].map((of) => book.windows[of][window]);
  const found = Array.from({ length: book.length }, (_, point) => book.windowAt(point));
  return found.map((window) => (window < 0 ? [-1, 0, 0, 0] : describe(window)));
}"""

# The window that the link to each of these characters leads to, and the spans of units that are underlined.
FOLLOW_LINKS = """async ([name, points]) => {
  const text = document.getElementById("text");
  const measure = (node, offset) => {
    const range = document.createRange();
    range.setStart(text, 0);
    range.setEnd(node, offset);
    return range.toString().length;
  };
  const span = (name) => {
    const ranges = [...CSS.highlights.get(name)];
    if (!ranges.length) return null;
    const [first, last] = [ranges[0], ranges[ranges.length - 1]];
    return [measure(first.startContainer, first.startOffset), measure(last.endContainer, last.endOffset)];
  };
  const found = [];
  for (const point of points) {
    location.hash = `#${name}/${point}`;
    for (let frame = 0; frame < 6; frame++) await new Promise(requestAnimationFrame);
    found.push([document.querySelector("#window .where").textContent, span("prompt"), span("suffix")]);
  }
  return found;
}"""


@pytest.mark.parametrize(("position", "threshold"), [(0, 0.001), (6, 0.1), (9, 0.75)])
def test_every_character_has_its_colour(opened: Opened, sample: BookFiles, position: int, threshold: float) -> None:
    opened.report.locator("#threshold").fill(str(position))
    opened.settle()
    text, names = opened.read(READ_COLOURS)
    shown = [name for name, length in names for _ in range(length)]
    expected = sample.name_steps(threshold)
    assert len(set(expected)) > 2
    places = place_letters(text, sample.text)
    wrong = [place for name, place in zip(shown, places, strict=True) if name != expected[place]]
    assert wrong == []


def test_every_character_has_its_window(opened: Opened, sample: BookFiles) -> None:
    """The page's own code reads the page's own data, for each character."""
    script = opened.read("() => document.querySelector('script[type=module]').textContent")
    found = np.array(opened.read(READ_WINDOWS, [script, BOOK.stem]))
    expected = np.stack([sample.best, *(np.where(sample.best < 0, 0, of[sample.best]) for of in spans(sample))], axis=1)
    assert (found == expected).all()


def test_links_lead_to_the_window_of_a_character_and_underline_it(opened: Opened, sample: BookFiles) -> None:
    """The first and the last character of every 12th run of one best window."""
    points = [point for start, stop in sample.list_runs()[::12] for point in {start, stop - 1}]
    shown = place_letters(opened.read("() => document.getElementById('text').textContent"), sample.text)
    found = opened.read(FOLLOW_LINKS, [BOOK.stem, points])
    for point, (where, prompt, suffix) in zip(points, found, strict=True):
        row = int(sample.best[point])
        start, suffix_start, stop = (bisect.bisect_left(shown, int(of[row])) for of in spans(sample))
        assert [int(n.replace(",", "")) for n in re.findall(r"Window ([\d,]+)", where)] == [row]
        assert (prompt, suffix) == ([start, suffix_start], [suffix_start, stop]), point


def place_letters(shown: str, text: str) -> list[int]:
    """The place in `text` of each letter that is shown: all of them, but white space between paragraphs."""
    places, place = [], 0
    for letter in shown:
        while text[place] != letter:
            assert text[place].isspace(), f"{text[place]!r} at {place} is not shown"
            place += 1
        places.append(place)
        place += 1
    assert not text[place:].strip()
    return places


def spans(sample: BookFiles) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    return sample.start, sample.suffix_start, sample.stop
