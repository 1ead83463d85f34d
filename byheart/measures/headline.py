"""The headline: four numbers of each book, with intervals and controls, and the same numbers of all books of a run."""

import math
from collections import Counter
from collections.abc import Iterable, Sequence

from byheart.contracts.books import BOOK, CONTROL
from byheart.measures.discoverable import EVIDENCE_FLOOR, HEADLINE_THRESHOLD, NEAR_HALF
from byheart.measures.fields import list_fields
from byheart.measures.figures import Figure, find_bound, show_with_bound
from byheart.measures.outcomes import Outcome
from byheart.measures.scheme_statistics import CoverageAt, WindowsAt
from byheart.measures.statistics import BookStatistics, Headline
from byheart.measures.summary import Summary, SummaryRate

_MOST_DETAILED = 4
"""Up to so many books get a section each, and so do up to so many controls."""

_NAMES = {"coverage": "chars p>=.5", "windows": "windows p>=.001", "longest": "longest", "bits": "bits/char"}
TITLES = {
    "coverage": "characters with p_z ≥ 0.5",
    "windows": "windows with p_z ≥ 0.001",
    "longest": "longest passage",
    "bits": "bits per character",
}
"""What the numbers are called at the head of a table."""
_MEANINGS = {
    "coverage": "Each of these characters lies in a suffix that comes back word for word in at least every second try, "
    "after the text's own words; not that the model recites it unasked.",
    "windows": "One try in a thousand, or more, gives the suffix word for word; not proof of memory, as easy text may "
    "reach this too.",
    "longest": "Every window in it was given the text's own words first; not one answer from beginning to end.",
    "bits": "What the model still has to be told to get every letter right, 0 if it knows the text by heart; not a "
    "share, and telling only beside controls.",
}


def list_figures(statistics: BookStatistics, longest_control: int | None = None) -> tuple[Figure, ...]:
    """The headline of a book, from its statistics.

    Args:
        longest_control: characters in the longest passage of the run's controls; None if the run has no controls.
    """
    coverage = statistics.plain.coverage_at.suffix[HEADLINE_THRESHOLD]
    windows = statistics.plain.windows_at[EVIDENCE_FLOOR]
    controls = statistics.control.recall if statistics.control else None
    apart = statistics.windows.non_overlapping
    return (
        _make_figure(
            "coverage",
            coverage.share_of_measurable,
            coverage,
            apart,
            _count_controls_apart(statistics),
            beside=_describe_near_half(statistics),
        ),
        _make_figure("windows", windows.share, windows, apart, _count_controls_apart(statistics)),
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
        own = [book for book in books if is_control(book) == (group is summary.controls)]
        longest, apart = find_longest_passage(own), sum(book.windows.non_overlapping for book in own)
        pooled_bits = group.recall.bits_per_character if group.recall else None
        for title, rates, bits in (
            (f"{role}s in one pool", group.plain.micro, pooled_bits),
            (f"mean of {role}s", group.plain.macro, group.mean_bits_per_character),
        ):
            is_pool = rates is group.plain.micro
            coverage, windows = rates.suffix_coverage_at[HEADLINE_THRESHOLD], rates.windows_at[EVIDENCE_FLOOR]
            joint_figures[title] = (
                _make_figure("coverage", coverage.share, coverage, 0 if coverage.interval and not is_pool else apart),
                _make_figure("windows", windows.share, windows, 0 if windows.interval and not is_pool else apart),
                *([_make_figure("longest", longest)] if is_pool else []),
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


def _describe_near_half(statistics: BookStatistics) -> str:
    """What coverage at 0.5 hides: it takes the best of many windows, and may stand on a cliff."""
    windows, near = statistics.plain.windows_at[HEADLINE_THRESHOLD].share, statistics.near_half.coverage_at
    if windows is None:
        return ""
    apart = statistics.windows.non_overlapping
    lower, higher = (f"{show_with_bound(near[at], apart)} at {at}" for at in NEAR_HALF)
    return f"{lower}, {higher}; {show_with_bound(windows, apart)} of windows have p_z ≥ {HEADLINE_THRESHOLD}"


def _count_controls_apart(statistics: BookStatistics) -> int:
    """How many windows of the controls share no text with another."""
    return statistics.control.plain[EVIDENCE_FLOOR].of if statistics.control else 0


def _make_figure(
    attribute: str,
    value: float | int | None,
    rate: CoverageAt | WindowsAt | SummaryRate | None = None,
    apart: int = 0,
    controls_apart: int = 0,
    *,
    control: float | int | None = None,
    beside: str = "",
) -> Figure:
    """A figure with the interval and the control of `rate`, or without an interval and with `control`.

    Args:
        apart, controls_apart: how many windows, of the text and of the controls, share no text with another.
    """
    (field,) = (field for field in list_fields(Headline) if field.attribute == attribute)
    of_controls = control if rate is None or isinstance(rate, SummaryRate) else rate.control
    return Figure(
        name=_NAMES[attribute],
        phrase=field.sentence.removeprefix("… "),
        unit=field.unit,
        title=TITLES[attribute],
        meaning=_MEANINGS[attribute],
        value=value,
        interval=rate.interval if rate else None,
        no_interval=rate.no_interval if rate else None,
        bound=find_bound(value, apart) if rate else None,
        beside=beside,
        control=of_controls,
        control_bound=find_bound(of_controls, controls_apart) if rate else None,
    )
