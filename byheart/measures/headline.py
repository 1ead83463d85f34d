"""The headline: the same numbers of every book, with what stands beside them, and of all books of a run."""

import dataclasses
from collections.abc import Iterable, Sequence

from byheart.contracts.books import CONTROL
from byheart.measures.discoverable import EVIDENCE_FLOOR, HEADLINE_THRESHOLD
from byheart.measures.fields import fields_of
from byheart.measures.outcomes import Outcome
from byheart.measures.statistics import BookStatistics, Headline
from byheart.measures.summary import Summary
from byheart.measures.units import Interval

AT_LENGTH = 4
"""Books whose headlines are told one by one; of more, a table and what they are together."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Figure:
    """A number of the headline: a share, or a count of characters."""

    name: str
    """What lists of numbers call it."""
    what: str
    """The words that follow the number in a sentence."""
    value: float | int | None
    """None where nothing is measurable."""
    interval: Interval | None = None
    control: float | int | None = None
    """The same of the run's controls."""

    @property
    def shown(self) -> str:
        """The number as it stands on a page."""
        return show(self.value)


def show(value: float | int | None) -> str:
    """A share in per cent, a count with its thousands apart, a dash for None."""
    if value is None:
        return "–"
    return f"{value:.1%}" if isinstance(value, float) else f"{value:,}"


def figures(statistics: BookStatistics, longest_control: int | None = None) -> tuple[Figure, ...]:
    """The headline of a book, as its statistics have it.

    Args:
        longest_control: characters in the longest passage of the run's controls, if it has some.
    """
    coverage = statistics.plain.coverage_at.suffix[HEADLINE_THRESHOLD]
    windows = statistics.plain.windows_at[EVIDENCE_FLOOR]
    return (
        _figure("coverage", coverage.share_of_measurable, coverage.interval, coverage.control),
        _figure("windows", windows.share, windows.interval, windows.control),
        _figure("longest", statistics.headline.longest, control=longest_control if statistics.control else None),
    )


def figures_together(summary: Summary, books: Sequence[BookStatistics]) -> dict[str, tuple[Figure, ...]]:
    """The headline of the books of a run, and of its controls, in one pool and as the mean of theirs.

    Args:
        books: those that `summary` is of.
    """
    found: dict[str, tuple[Figure, ...]] = {}
    for role, together in (("books", summary.books), ("controls", summary.controls)):
        if not together:
            continue
        longest = longest_passage(book for book in books if is_control(book) == (together is summary.controls))
        for way, rates in (
            (f"{role} in one pool", together.plain.micro),
            (f"mean of the {role}", together.plain.macro),
        ):
            coverage, windows = rates.suffix_coverage_at[HEADLINE_THRESHOLD], rates.windows_at[EVIDENCE_FLOOR]
            found[way] = (
                _figure("coverage", coverage.share, coverage.interval),
                _figure("windows", windows.share, windows.interval),
                *([_figure("longest", longest)] if rates is together.plain.micro else []),
            )
    return found


def metrics(books: Sequence[Outcome], summary: Summary) -> dict[str, float]:
    """What Kubeflow lists of a run, by names that people read: of each book, or of all together if they are many."""
    told: dict[str, tuple[Figure, ...]]
    if len(books) <= AT_LENGTH:
        told = {outcome.book.name: figures(outcome.statistics) for outcome in books}
    else:
        told = figures_together(summary, [outcome.statistics for outcome in books])
    found = {f"{who}: {figure.name}": figure.value for who, some in told.items() for figure in some}
    return {name: value for name, value in found.items() if value is not None}


def longest_passage(books: Iterable[BookStatistics]) -> int | None:
    """Characters in the longest passage of these books at p_z ≥ 0.5; None if there are none."""
    return max((book.headline.longest for book in books), default=None)


def is_control(book: BookStatistics) -> bool:
    """Whether the book is a control."""
    return book.provenance.book.role == CONTROL


def best_known_first(book: BookStatistics) -> tuple[bool, float, float, int]:
    """What to sort by: the books, then the controls, each with the best known first."""
    headline = book.headline
    return is_control(book), -(headline.coverage or 0), -(headline.windows or 0), -headline.longest


def _figure(
    attribute: str, value: float | int | None, interval: Interval | None = None, control: float | int | None = None
) -> Figure:
    (field,) = (field for field in fields_of(Headline) if field.attribute == attribute)
    what = field.sentence.removeprefix("… ")
    return Figure(name=field.title, what=what, value=value, interval=interval, control=control)
