"""The scores of a run as its results take them: those in float32 where a window was scored again, else the first."""

import dataclasses
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from byheart.contracts.books import CONTROL, Book
from byheart.contracts.plan import Plan
from byheart.contracts.selection import choose_control_sample
from byheart.contracts.settings import Settings
from byheart.contracts.window_files import read_measured_books, read_selection, read_windows
from byheart.measures.calibration.stretches import Document
from byheart.measures.near import FirstScores, Numbers, choose_rescored
from byheart.measures.repetition import measure_repetition
from byheart.scores.kinds import SCORES
from byheart.scores.parts import Missing, list_parts, select_asked
from byheart.scores.store import Reuse, ScoreStore


class ToScore(Exception):  # noqa: N818  no error: scoring goes on with these windows
    """Windows that are to be scored again before more can be chosen."""

    def __init__(self, missing: Sequence[Missing]) -> None:
        super().__init__(sum(len(item.windows) for item in missing))
        self.missing = missing


def find_rescored(books: str, windows: str, settings: Settings, plan: Plan, scores: ScoreStore) -> Numbers:
    """The windows of a run that lie near thresholds, by the address of their first scores.

    Args:
        books, windows: what the earlier stages wrote.
        plan: one that scores again.

    Raises:
        ToScore: windows of controls, or all of them, are not scored again yet.
        StoreError: first scores are missing.
    """
    chosen = choose_rescored(
        list(_read_first(read_measured_books(books, windows), windows, settings, plan, scores)),
        settings.control,
        lambda numbers: _read_again(numbers, plan, scores),
    )
    if missing := find_missing(chosen, plan, scores):
        raise ToScore(missing)
    return chosen


def find_missing(numbers: Numbers, plan: Plan, scores: ScoreStore) -> list[Missing]:
    """Of windows by the address of their first scores, those that are not scored again yet."""
    assert plan.rescoring, "the caller asks for no other"
    again = plan.rescoring.addresses
    asked = {again[address]: numbers_at.astype(np.int32) for address, numbers_at in numbers.items()}
    parts = [
        part
        for address in numbers
        for part in list_parts(again[address], plan.windows[address], SCORES)
        if len(select_asked(part, asked))
    ]
    return scores.find_missing(parts, asked, Reuse.from_plan(plan))


def read_scores(
    address: str, which: np.ndarray, rescored: np.ndarray, plan: Plan, scores: ScoreStore
) -> tuple[dict[str, np.ndarray], list[dict[str, Any]]]:
    """The columns of windows at an address, each from where it was scored last, and what computed them.

    Args:
        which: int64 [W], ascending: the windows to read.
        rescored: int64, ascending: those at the address that were scored again.
    """
    reuse, of = Reuse.from_plan(plan), plan.windows[address]
    columns, computed_on = scores.read(address, of, SCORES, which=which, reuse=reuse)
    again = np.intersect1d(which, rescored)
    if plan.rescoring and len(again):
        exact, also_on = scores.read(plan.rescoring.addresses[address], of, SCORES, which=again, reuse=reuse)
        rows = np.searchsorted(which, again)
        columns = {name: values.copy() for name, values in columns.items()}
        for name, values in exact.items():
            columns[name][rows] = values
        computed_on += [origin for origin in also_on if origin not in computed_on]
    return columns, computed_on


def _read_again(numbers: Numbers, plan: Plan, scores: ScoreStore) -> Mapping[str, np.ndarray]:
    """The log_p_z in float32 of windows by the address of their first scores."""
    assert plan.rescoring, "the caller asks for no other"
    if missing := find_missing(numbers, plan, scores):
        raise ToScore(missing)
    reuse = Reuse.from_plan(plan)
    return {
        address: scores.read(
            plan.rescoring.addresses[address], plan.windows[address], SCORES, which=which, reuse=reuse
        )[0]["log_p_z"]
        for address, which in numbers.items()
    }


def _read_first(
    books: Iterable[Book], windows: str, settings: Settings, plan: Plan, scores: ScoreStore
) -> Iterator[FirstScores]:
    """All that a run measures; texts and windows are in memory one at a time, but for those of controls."""

    def read(address: str, which: np.ndarray, *, is_book: bool) -> FirstScores:
        columns, _ = scores.read(address, plan.windows[address], SCORES, which=which, reuse=Reuse.from_plan(plan))
        return FirstScores(
            address=address,
            numbers=which,
            log_p_z=columns["log_p_z"],
            log_p_z_top_k=columns["log_p_z_top_k"],
            is_book=is_book,
        )

    for book in books:
        if book.name not in plan.addresses:
            continue
        is_control, numbers = book.role == CONTROL, read_selection(windows, book.name).numbers()
        first = read(plan.addresses[book.name], numbers, is_book=not is_control)
        if is_control:
            first = dataclasses.replace(first, document=_describe(book, windows, first.log_p_z))
        yield first
        if address := plan.control_addresses.get(book.name):
            count = settings.control.control_sample
            sample = choose_control_sample(read_windows(windows, book.name), count, numbers)
            yield read(address, np.arange(len(sample)), is_book=False)


def _describe(book: Book, windows: str, log_p_z: np.ndarray) -> Document:
    """A control with its measured windows."""
    selection = read_selection(windows, book.name)
    measured = read_windows(windows, book.name).select(selection.numbers())
    repetition = measure_repetition(book.text, measured)
    return Document(
        name=book.name,
        text=book.text,
        number=selection.numbers(),
        start=measured.start,
        suffix_start=measured.suffix_start,
        stop=measured.stop,
        log_p_z=log_p_z,
        repetitive=repetition.repetitive,
        book_overlap=repetition.book_overlap,
        is_spread=selection.is_spread,
    )
