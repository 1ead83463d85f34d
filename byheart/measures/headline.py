"""The headline: four numbers of each book, with intervals and controls, and the same numbers of all books of a run."""

import dataclasses
import math
from collections import Counter
from collections.abc import Iterable, Sequence

from byheart.contracts.books import BOOK, CONTROL
from byheart.measures.discoverable import EVIDENCE_FLOOR, HEADLINE_THRESHOLD
from byheart.measures.fields import list_fields
from byheart.measures.outcomes import Outcome
from byheart.measures.scheme_statistics import CoverageAt, WindowsAt
from byheart.measures.statistics import BookStatistics, Headline
from byheart.measures.summary import Summary, SummaryRate
from byheart.measures.units import Interval, NoInterval

_MOST_DETAILED = 4
"""Up to so many books get a section each, and so do up to so many controls."""

_NAMES = {"coverage": "chars p>=.5", "windows": "windows p>=.001", "longest": "longest", "bits": "bits/char"}
_BITS = "bits per character"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Figure:
    """A number of the headline: a share, a count of characters, or bits per character."""

    name: str
    """Its short name in lists of metrics."""
    phrase: str
    """The words that follow the number in a sentence."""
    unit: str
    """The unit of its number, as list_fields names it."""
    value: float | int | None
    """None where nothing is measurable."""
    interval: Interval | None = None
    """The 95% interval of a share for other books made of such blocks."""
    no_interval: NoInterval | None = None
    """Why a share has no interval; None also for a length, which never has one."""
    control: float | int | None = None
    """The same number of the run's controls."""
    control_interval: Interval | None = None
    """The 95% interval of the controls' share."""

    @property
    def shown(self) -> str:
        """The number as text for people."""
        return show(self.value, self.unit)

    @property
    def shown_control(self) -> str:
        """The controls' number as text for people."""
        return show(self.control, self.unit)


def show(value: float | int | None, unit: str = "") -> str:
    """A share as per cent, a count with thousands separators, bits with two digits at least, None as a dash."""
    if value is None:
        return "–"
    if unit == _BITS:
        return f"{value:.2f}" if value >= 0.1 else f"{value:.2g}"
    return f"{value:.1%}" if isinstance(value, float) else f"{value:,}"


def list_figures(statistics: BookStatistics, longest_control: int | None = None) -> tuple[Figure, ...]:
    """The headline of a book, from its statistics.

    Args:
        longest_control: characters in the longest passage of the run's controls; None if the run has no controls.
    """
    coverage = statistics.plain.coverage_at.suffix[HEADLINE_THRESHOLD]
    windows = statistics.plain.windows_at[EVIDENCE_FLOOR]
    controls = statistics.control.recall if statistics.control else None
    return (
        _make_figure("coverage", coverage.share_of_measurable, coverage),
        _make_figure("windows", windows.share, windows),
        _make_figure("longest", statistics.headline.longest, control=longest_control if statistics.control else None),
        _make_figure("bits", statistics.headline.bits, control=controls.bits_per_character if controls else None),
    )


def find_detailed_roles(roles: Iterable[str]) -> tuple[str, ...]:
    """The roles whose texts get a section each; the others get a table and joint figures.

    However many controls there are, they take no section from a book. Beside pooled books they are pooled too.

    Args:
        roles: of all texts of a run.
    """
    counts = Counter(roles)
    if counts[BOOK] > _MOST_DETAILED:
        return ()
    return (BOOK,) if counts[CONTROL] > _MOST_DETAILED else (BOOK, CONTROL)


def list_joint_figures(summary: Summary, books: Sequence[BookStatistics]) -> dict[str, tuple[Figure, ...]]:
    """The joint headline of the roles that are not detailed, books or controls: pooled, and as the mean over texts.

    Args:
        books: the books that `summary` summarizes.
    """
    joint_figures: dict[str, tuple[Figure, ...]] = {}
    detailed = find_detailed_roles(book.provenance.book.role for book in books)
    for role, group in ((BOOK, summary.books), (CONTROL, summary.controls)):
        if not group or role in detailed:
            continue
        longest = find_longest_passage(book for book in books if is_control(book) == (group is summary.controls))
        pooled_bits = group.recall.bits_per_character if group.recall else None
        for title, rates, bits in (
            (f"{role}s in one pool", group.plain.micro, pooled_bits),
            (f"mean of {role}s", group.plain.macro, group.mean_bits_per_character),
        ):
            coverage, windows = rates.suffix_coverage_at[HEADLINE_THRESHOLD], rates.windows_at[EVIDENCE_FLOOR]
            joint_figures[title] = (
                _make_figure("coverage", coverage.share, coverage),
                _make_figure("windows", windows.share, windows),
                *([_make_figure("longest", longest)] if rates is group.plain.micro else []),
                _make_figure("bits", bits),
            )
    return joint_figures


def collect_metrics(books: Sequence[Outcome], summary: Summary) -> dict[str, float]:
    """The headline for Kubeflow's list of metrics, by name: of each text, or joint figures of many books or controls.

    Kubeflow's page sorts the names and shows 26 characters of each: first what is counted, last the book's name.
    """
    detailed = find_detailed_roles(outcome.book.role for outcome in books)
    headlines = {
        f"{'control ' if outcome.is_control else ''}{outcome.book.name}": list_figures(outcome.statistics)
        for outcome in books
        if outcome.book.role in detailed
    }
    headlines |= list_joint_figures(summary, [outcome.statistics for outcome in books])
    values = {f"{figure.name} {title}": figure.value for title, figures in headlines.items() for figure in figures}
    return {name: value for name, value in values.items() if value is not None}


def find_longest_passage(books: Iterable[BookStatistics]) -> int | None:
    """Characters in the longest passage of these books at p_z ≥ 0.5; None if there are no books."""
    return max((book.headline.longest for book in books), default=None)


def is_control(book: BookStatistics) -> bool:
    """Whether the book is a control."""
    return book.provenance.book.role == CONTROL


def make_sort_key(book: BookStatistics) -> tuple[bool, float, float, float, int]:
    """A key that sorts books before controls, and both by how well the model knows them, best first.

    Where none of the text is covered, bits per character come before the other numbers.
    """
    headline = book.headline
    coverage, bits = headline.coverage or 0, math.inf if headline.bits is None else headline.bits
    return is_control(book), -coverage, 0 if coverage else bits, -(headline.windows or 0), -headline.longest


def _make_figure(
    attribute: str,
    value: float | int | None,
    rate: CoverageAt | WindowsAt | SummaryRate | None = None,
    control: float | int | None = None,
) -> Figure:
    """A figure with the interval and the control of `rate`, or without an interval and with `control`."""
    (field,) = (field for field in list_fields(Headline) if field.attribute == attribute)
    beside = None if rate is None or isinstance(rate, SummaryRate) else rate
    return Figure(
        name=_NAMES[attribute],
        phrase=field.sentence.removeprefix("… "),
        unit=field.unit,
        value=value,
        interval=rate.interval if rate else None,
        no_interval=rate.no_interval if rate else None,
        control=beside.control if beside else control,
        control_interval=beside.control_interval if beside else None,
    )
