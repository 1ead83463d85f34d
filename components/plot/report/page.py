"""report.html: the results of a run on a page, and the texts themselves, coloured by what the model knows of them.

The page loads nothing: pictures are drawn in it or are `data:` URIs, style, script and data are inline. So it opens
from a disk, from an archive, and in the sandboxed frame of Kubeflow's UI. All numbers can be read without JavaScript.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from byheart.components.plot.content import collect_content, make_page_environment
from byheart.components.plot.methods import list_methods
from byheart.components.plot.provenance import Run
from byheart.components.plot.report.pictures import Pictures
from byheart.components.plot.report.script import render_script
from byheart.components.plot.report.sentences import answer, answer_together, ask, describe_measurement
from byheart.contracts.books import BOOK, Refused
from byheart.measures.outcomes import Outcome
from byheart.measures.summary import Summary
from byheart.pages.style import render_style

MOST_BYTES = 8_000_000
"""The largest page: Kubeflow's UI shows 10 MB at once."""
PICTURE_BYTES = 2_000_000
"""The most bytes of the page without the data of its texts."""
_PLACE = "<!-- data -->"
"""Where the data stands in the page. No title can be like it, since all of them are escaped."""
_STYLES = [Path(__file__).parent / name for name in ("overview.css", "report.css")]


def render_report(
    run: Run,
    books: Sequence[Outcome],
    summary: Summary,
    not_measured: Sequence[Refused],
    pictures: Mapping[str, Pictures],
    fill: Callable[[int], str],
) -> str:
    """report.html, in at most `MOST_BYTES`: texts that the model knows best have pictures as long as there is room.

    Args:
        summary: the summary of `books`.
        not_measured: the books that could not be measured.
        pictures: the pictures of every text, by its name.
        fill: returns script elements with the data of the texts, in at most so many bytes.
    """
    page = make_page_environment(autoescape=True).get_template("report/report.html.j2")
    content = collect_content(run, books, summary, not_measured) | {
        "style": render_style(_STYLES),
        "script": render_script(),
        "methods": list_methods(run, books),
    }
    content |= _say_first(run, content)
    room = PICTURE_BYTES - len(page.render(**content, pictures={}, data="").encode())
    shown = _choose_pictures(content["outcomes"], pictures, room)
    before, _, after = page.render(**content, pictures=shown, data=_PLACE).partition(_PLACE)
    return before + fill(MOST_BYTES - len((before + after).encode())) + after


def _say_first(run: Run, content: Mapping[str, Any]) -> dict[str, Any]:
    """What stands before the table of texts: the question, the answers, and the line for researchers."""
    outcomes, headlines, called = content["outcomes"], content["headlines"], content["called"]
    books = [outcome for outcome in outcomes if not outcome.is_control] or outcomes
    if BOOK in content["detailed"]:
        answers = [(outcome, answer(outcome, headlines[outcome.book.name][0], called)) for outcome in books]
    else:
        pooled = next(iter(content["together"].values()))
        answers = [(None, answer_together(books, pooled[0], headlines, called))]
    return {
        "measured_books": books,
        "title": ask(books, called, run.provenance.label),
        "answers": answers,
        "measurement": describe_measurement(run, books, headlines),
    }


def _choose_pictures(outcomes: Sequence[Outcome], pictures: Mapping[str, Pictures], room: int) -> dict[str, Pictures]:
    """The pictures of the first texts, as many as have room in so many bytes."""
    shown: dict[str, Pictures] = {}
    for outcome in outcomes:
        of_text = pictures[outcome.book.name]
        if of_text.size_bytes > room:
            break
        shown[outcome.book.name] = of_text
        room -= of_text.size_bytes
    return shown
