"""The headline: the same three numbers of every book, with what stands beside them, and of all books of a run."""

import dataclasses
from collections.abc import Sequence
from typing import Any

from byheart.contracts.books import CONTROL
from byheart.measures.outcomes import Outcome
from byheart.measures.uncertainty import Interval

AT_LENGTH = 4
"""Books whose headlines are told one by one; of more, a table and what they are together."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Figure:
    """A number of the headline: a share, or a count of characters."""

    name: str
    what: str
    """The words that follow the number in a sentence."""
    value: float | int | None
    """None where nothing is measurable."""
    interval: Interval | None = None
    control: float | int | None = None
    """The same of the run's controls."""


_COVERAGE = ("share of characters with p_z >= 0.5", "of measurable characters lie in a suffix with p_z ≥ 0.5")
_WINDOWS = ("share of windows with p_z >= 0.001", "of windows have p_z ≥ 0.001")
_LONGEST = ("longest passage at p_z >= 0.5, in characters", "characters in the longest passage at p_z ≥ 0.5")


def headline(outcome: Outcome, longest_control: int | None = None) -> tuple[Figure, Figure, Figure]:
    """A book's three numbers, as its statistics have them.

    Args:
        longest_control: characters in the longest passage of the run's controls, if it has some.
    """
    numbers = outcome.statistics
    coverage, windows = numbers["plain"]["coverage_at"]["suffix"]["0.5"], numbers["plain"]["windows_at"]["0.001"]
    longest = longest_control if numbers["control"] else None
    return (
        _figure(_COVERAGE, coverage["share_of_measurable"], coverage["interval"], coverage["control"]),
        _figure(_WINDOWS, windows["share"], windows["interval"], windows["control"]),
        _figure(_LONGEST, _longest(outcome), None, longest),
    )


def headline_together(together: dict[str, Any], books: Sequence[Outcome]) -> dict[str, tuple[Figure, ...]]:
    """The headline of the books of a run, and of its controls, in one pool and as the mean of theirs.

    Args:
        together: what `summary.together` has made of `books`.
    """
    found: dict[str, tuple[Figure, ...]] = {}
    for role, control in (("books", False), ("controls", True)):
        if not together[role]:
            continue
        longest = longest_passage([book for book in books if (book.described["role"] == CONTROL) == control])
        for way, said in (("micro", f"{role} in one pool"), ("macro", f"mean of the {role}")):
            rates = together[role]["plain"][way]
            coverage, windows = rates["suffix_coverage_at_0.5"], rates["windows_at_0.001"]
            found[said] = (
                _figure(_COVERAGE, coverage["share"], coverage["interval"]),
                _figure(_WINDOWS, windows["share"], windows["interval"]),
                *([_figure(_LONGEST, longest)] if way == "micro" else []),
            )
    return found


def metrics(books: Sequence[Outcome], together: dict[str, Any]) -> dict[str, float]:
    """What Kubeflow lists of a run, by names that people read: of each book, or of all together if they are many."""
    told: dict[str, tuple[Figure, ...]]
    if len(books) <= AT_LENGTH:
        told = {book.described["name"]: headline(book) for book in books}
    else:
        told = headline_together(together, books)
    found = {f"{who}: {figure.name}": figure.value for who, figures in told.items() for figure in figures}
    return {name: value for name, value in found.items() if value is not None}


def longest_passage(books: Sequence[Outcome]) -> int | None:
    """Characters in the longest passage of these books at p_z ≥ 0.5; None if there are none."""
    return max(map(_longest, books), default=None)


def best_known_first(books: Sequence[Outcome]) -> list[Outcome]:
    """The books, then the controls, each by the headline."""

    def order(book: Outcome) -> tuple[bool, list[float]]:
        return book.described["role"] == CONTROL, [-(value or 0) for value in book.statistics["headline"].values()]

    return sorted(books, key=order)


def _longest(outcome: Outcome) -> int:
    return outcome.statistics["headline"]["longest_passage_characters_at_0.5"]


def _figure(named: tuple[str, str], value: Any, interval: Any = None, control: Any = None) -> Figure:
    return Figure(name=named[0], what=named[1], value=value, interval=interval, control=control)
