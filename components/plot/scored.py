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
from byheart.measures.near import Numbers
from byheart.measures.provenance import BookDescription, ComputedOn
from byheart.measures.rescored import read_scores
from byheart.scores.parts import FOLDER
from byheart.scores.scores import Scores
from byheart.scores.store import ScoreStore


def read_scored_book(
    book: Book, windows: str, this_run: Run, plan: Plan, held: ScoreStore, rescored: Numbers
) -> tuple[MeasuredBook, BookDescription]:
    """A book with its scores, and its description.

    Args:
        rescored: the windows of the run that were scored again.
    """
    settings = this_run.settings
    rows, selection = read_windows(windows, book.name), read_selection(windows, book.name)
    measured, address = selection.numbers(), plan.addresses[book.name]
    scores, computed_on = _read_scores(held, plan, address, measured, rescored)
    sample = choose_control_sample(rows, settings.control.control_sample, measured)
    sample_scores, sample_numbers = scores.rows(slice(0)), np.arange(len(sample))
    if len(sample):
        sample_scores, _ = _read_scores(held, plan, plan.control_addresses[book.name], sample_numbers, rescored)
    description = BookDescription(
        **vars(book.identity),
        chapters=len(book.chapters),
        selection=selection,
        scores=address,
        control_sample=plan.control_addresses[book.name] if len(sample) else None,
        rescored_scores=plan.rescoring.addresses[address] if plan.rescoring and address in rescored else None,
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
        rescored=np.isin(measured, rescored.get(address, ())),
        sample_rescored=np.isin(sample_numbers, rescored.get(plan.control_addresses.get(book.name, ""), ())),
    )
    return measured_book, description


def _read_scores(
    held: ScoreStore, plan: Plan, address: str, which: np.ndarray, rescored: Numbers
) -> tuple[Scores, list[ComputedOn]]:
    """The scores of windows at an address, and what computed them: every combination that occurs."""
    again = rescored.get(address, np.empty(0, np.int64))
    columns, computed_on = read_scores(address, which, again, plan, held)
    try:
        return Scores(**columns), msgspec.convert(computed_on, list[ComputedOn])
    except msgspec.ValidationError as error:
        raise DamagedError(
            f"{held.store.locate(f'{FOLDER}/{address}')} must say what computed its scores, found something else "
            f"({str(error)[:200]}): remove the address with `byheart store remove`, and run again"
        ) from None
