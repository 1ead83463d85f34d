"""What report.html and summary.md show, and how templates write it."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment

from byheart.components.plot.calibration_tables import list_tables
from byheart.components.plot.methods import describe_intervals
from byheart.components.plot.provenance import Run
from byheart.contracts.books import BOOK, CONTROL, Refused
from byheart.contracts.progress import format_count
from byheart.contracts.setting_groups import FULL
from byheart.measures.calibration.facts import format_p_z, state_facts
from byheart.measures.claims import format_rank, shorten, state_best, state_claims, state_details
from byheart.measures.discoverable import EVIDENCE_FLOOR
from byheart.measures.figures import show
from byheart.measures.headline import (
    TITLES,
    find_detailed_roles,
    find_longest_passage,
    list_figures,
    list_joint_figures,
    make_sort_key,
)
from byheart.measures.outcomes import Outcome
from byheart.measures.provenance import BookDescription
from byheart.measures.selection import describe_selection
from byheart.measures.summary import Summary
from byheart.pages.templates import make_environment

ROWS = 1_000
"""The most books in the table; summary.csv has all of them."""
TITLE_CHARACTERS = 120
"""The most characters of a title."""


def collect_content(
    run: Run, books: Sequence[Outcome], summary: Summary, not_measured: Sequence[Refused]
) -> dict[str, Any]:
    """The values that fill both templates.

    Args:
        summary: the summary of `books`.
        not_measured: the books that could not be measured.
    """
    longest_control = find_longest_passage(outcome.statistics for outcome in books if outcome.is_control)
    report = run.settings.report
    words = {outcome.book.name: outcome.best_words for outcome in books if report.report_text == FULL}
    counts = Counter(outcome.book.role for outcome in books)
    return {
        "run": run,
        "provenance": run.provenance,
        "measured_books": [outcome for outcome in books if not outcome.is_control] or books,
        "outcomes": sorted(books, key=lambda outcome: make_sort_key(outcome.statistics)),
        "called": {outcome.book.name: shorten_title(outcome.book) for outcome in books},
        "selections": {
            outcome.book.name: describe_selection(outcome.book, run.settings.selection) for outcome in books
        },
        "headlines": {outcome.book.name: list_figures(outcome.statistics, longest_control) for outcome in books},
        "together": list_joint_figures(summary, [outcome.statistics for outcome in books]),
        "comparisons": {outcome.book.name: _compare(outcome) for outcome in books},
        "best": {outcome.book.name: state_best(outcome.statistics, words) for outcome in books},
        "begins": {
            outcome.book.name: shorten(outcome.longest_words[: int(min(report.most_characters, 200))])
            for outcome in books
        },
        "is_controlled": any(outcome.calibration for outcome in books),
        "counted": " and ".join(format_count(counts[role], role) for role in (BOOK, CONTROL) if counts[role]),
        "titles": TITLES,
        "meanings": list_figures(books[0].statistics) if books else (),
        "not_measured": not_measured,
        "detailed": find_detailed_roles(outcome.book.role for outcome in books),
        "rows": ROWS,
        "floor": EVIDENCE_FLOOR,
        "interval_sentence": describe_intervals(run),
    }


def make_page_environment(*, autoescape: bool) -> Environment:
    """The environment of the templates with filters for numbers, titles and Markdown."""
    environment = make_environment(Path(__file__).parent, autoescape=autoescape)
    environment.filters |= {
        "shown": show,
        "p_z": format_p_z,
        "called": shorten_title,
        "sentence": _capitalize,
    }
    return environment


def shorten_title(book: BookDescription) -> str:
    """A book's title, or its name, on a single line and shortened if long."""
    title = " ".join(book.called.split())
    return title if len(title) <= TITLE_CHARACTERS else f"{title[: TITLE_CHARACTERS - 1]}…"


def _compare(outcome: Outcome) -> dict[str, Any]:
    """What the controls of a book show: what may be claimed, more sentences, and tables; nothing of a control."""
    calibration = outcome.calibration
    if calibration is None:
        claims = [] if outcome.is_control else state_claims(None)
        return {"claims": claims, "details": [], "tables": [], "cells": ("", "")}
    return {
        "claims": state_claims(calibration),
        "details": state_details(calibration, outcome.statistics),
        "tables": list_tables(calibration, state_facts(calibration).word),
        "cells": format_rank(calibration),
    }


def _capitalize(clause: str) -> str:
    return clause[:1].upper() + clause[1:]
