"""Reads a book and its scores as the earlier stages left them."""

import msgspec
import numpy as np

from byheart.components.plot.provenance import Run
from byheart.contracts.books import Book
from byheart.contracts.errors import DamagedError
from byheart.contracts.plan import Plan
from byheart.contracts.selection import choose_control_sample
from byheart.contracts.window_files import read_selection, read_windows
from byheart.measures.measured import MeasuredBook, measure
from byheart.measures.provenance import BookDescription, ComputedOn
from byheart.scores.kinds import SCORES
from byheart.scores.parts import FOLDER
from byheart.scores.scores import Scores
from byheart.scores.store import Reuse, ScoreStore


def read_scored_book(
    book: Book, windows: str, this_run: Run, plan: Plan, held: ScoreStore
) -> tuple[MeasuredBook, BookDescription]:
    """A book with its scores, and its description."""
    settings = this_run.settings
    rows, selection = read_windows(windows, book.name), read_selection(windows, book.name)
    measured = selection.numbers()
    scores, computed_on = _read_scores(held, plan, plan.addresses[book.name], len(rows), measured)
    sample = choose_control_sample(rows, settings.control.control_sample, measured)
    sample_scores = scores.rows(slice(0))
    if len(sample):
        sample_scores, _ = _read_scores(held, plan, plan.control_addresses[book.name], len(sample))
    description = BookDescription(
        **vars(book.identity),
        chapters=len(book.chapters),
        selection=selection,
        scores=plan.addresses[book.name],
        control_sample=plan.control_addresses[book.name] if len(sample) else None,
        computed_on=computed_on,
    )
    measured_book = measure(
        book,
        rows,
        selection,
        scores,
        sample,
        sample_scores,
        stride=settings.window.cursor_inc,
    )
    return measured_book, description


def _read_scores(
    held: ScoreStore, plan: Plan, address: str, windows: int, which: np.ndarray | None = None
) -> tuple[Scores, list[ComputedOn]]:
    """All or some of the scores at an address, and what computed them: every combination that occurs."""
    columns, computed_on = held.read(address, windows, SCORES, which=which, reuse=Reuse.from_plan(plan))
    try:
        return Scores(**columns), msgspec.convert(computed_on, list[ComputedOn])
    except msgspec.ValidationError as error:
        raise DamagedError(
            f"{held.store.locate(f'{FOLDER}/{address}')} must say what computed its scores, found something else "
            f"({str(error)[:200]}): remove the address with `byheart store remove`, and run again"
        ) from None
