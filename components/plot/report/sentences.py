"""What the report says first: the question, the answer for everybody, and the line for researchers."""

import dataclasses
from collections.abc import Mapping, Sequence

from byheart.components.plot.provenance import Run
from byheart.contracts.progress import format_count
from byheart.measures.calibration.calibrate import Calibration
from byheart.measures.figures import Figure, show
from byheart.measures.outcomes import Outcome
from byheart.measures.suffix_length import SuffixLength
from byheart.pages.words import describe_probability

_FIRST_WORDS = (
    (0.01, "Almost none of it."),
    (0.1, "A little of it."),
    (0.4, "Part of it."),
    (0.6, "About half of it."),
    (0.95, "Most of it."),
)
"""The first words for a coverage below each share; the words for none, and for more, stand below."""
_NONE, _ALL = "None of it.", "Practically all of it."
_RARE = "So much is rare: would a control be known too? Was the model tuned on this text?"
_RARE_BESIDE_CONTROLS = "So much is rare: was the model tuned on this text?"
_NO_ABSENCE = "That does not show that it was not trained on the text."
_NOTHING_MEASURED = "Nothing could be measured: the text is too short for a window."
_KNOWN_TOO = 0.01
"""From this coverage of the controls on, the threshold shows little."""
_LONGEST_WORD = 20
"""Scripts without spaces have longer runs of characters than this on the average: they are counted in characters."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Answer:
    """How much of a text is known, for everybody: `first`, then the number `share`, then `rest`."""

    first: str
    """For example: About half of it."""
    share: str = ""
    """The number that a page may mark; empty where the sentence has none."""
    rest: str = ""
    """The rest of the sentence, and further ones."""


def ask(books: Sequence[Outcome], titles: Mapping[str, str], label: str) -> str:
    """The title of the report, a question.

    Args:
        books: those that are asked about.
        titles: what each text is called, by its name.
        label: what the model is called.
    """
    which = f"“{titles[books[0].book.name]}”" if len(books) == 1 else f"these {format_count(len(books), 'book')}"
    return f"How much of {which} does {label} know by heart?"


def answer(outcome: Outcome, coverage: Figure, titles: Mapping[str, str]) -> Answer:
    """The answer for a book.

    Args:
        coverage: its share of characters with p_z ≥ 0.5.
        titles: what each text is called, by its name.
    """
    share = coverage.value
    if share is None or not outcome.suffix_length:
        return Answer(first=_NOTHING_MEASURED)
    length, controls = _describe_length(outcome.suffix_length), _describe_controls(outcome, coverage, titles)
    if not share:
        best = outcome.statistics.best_window
        place = f"; the best place comes {describe_probability(best.log_p_z)}" if best else ""
        nowhere = f"Nowhere does the model write the next {length} or so as printed in every second try{place}."
        known_too = controls if (coverage.control or 0) >= _KNOWN_TOO else ""
        return Answer(first=_NONE, rest=_join(nowhere, _NO_ABSENCE, known_too))
    is_part = outcome.book.selection.count < outcome.book.selection.of
    rest = (
        f"of the {'measured ' * is_part}text lies in stretches of about {length} that the model, shown the words just "
        "before, writes out exactly as printed in at least every second try."
    )
    rare = (_RARE_BESIDE_CONTROLS if controls else _RARE) if share >= _FIRST_WORDS[-1][0] else ""
    return Answer(first=_choose_first_words(share), share=coverage.shown, rest=_join(rest, controls, rare))


def answer_together(
    books: Sequence[Outcome], pooled: Figure, headlines: Mapping[str, Sequence[Figure]], titles: Mapping[str, str]
) -> Answer:
    """The answer for many books in one pool, with the book that is known best and the one that is known least.

    Args:
        pooled: their joint share of characters with p_z ≥ 0.5.
        headlines: the numbers of each text, by its name; the coverage is the first.
        titles: what each text is called, by its name.
    """
    known = [(figures[0].value, book) for book in books if (figures := headlines[book.book.name])[0].value is not None]
    lengths = [book.suffix_length for book in books if book.suffix_length]
    if pooled.value is None or not known or not lengths:
        return Answer(first=_NOTHING_MEASURED.replace("the text is", "the texts are"))
    length, count = _describe_length(_average(lengths)), format_count(len(books), "book")
    if not pooled.value:
        nowhere = (
            f"Nowhere in these {count} does the model write the next {length} or so as printed in every second try."
        )
        return Answer(first=_NONE.replace(" it", " them"), rest=_join(nowhere, _NO_ABSENCE.replace("text", "texts")))
    most, least = (choose(known, key=lambda pair: pair[0])[1] for choose in (max, min))
    rest = (
        f"of the text of these {count} lies in stretches of about {length} that the model, shown the words just "
        "before, writes out exactly as printed in at least every second try."
    )
    spread = f"Best known is {_quote(most, headlines, titles)}, least {_quote(least, headlines, titles)}."
    return Answer(
        first=_choose_first_words(pooled.value).replace(" it", " them"), share=pooled.shown, rest=_join(rest, spread)
    )


def describe_measurement(run: Run, books: Sequence[Outcome], headlines: Mapping[str, Sequence[Figure]]) -> str:
    """The line for researchers: the rank of a single book and its two rates, and how everything was measured."""
    parts: list[str] = []
    if len(books) == 1:
        (outcome,) = books
        coverage, windows, *_ = headlines[outcome.book.name]
        rank = [describe_rank(outcome.calibration)] if outcome.calibration else []
        parts += [*rank, f"suffix coverage at p_z ≥ 0.5: {_bracket(coverage)}"]
        parts.append(f"windows at p_z ≥ 0.001: {_bracket(windows)}")
    has_interval = any("[" in part for part in parts)
    own = "of this book shares are estimates" if run.settings.selection.windows else "of this book the share is exact"
    parts += [
        f"{run.provenance.window_size}, stride {format_count(run.settings.window.cursor_inc, 'character')}, "
        f"temperature 1, whole vocabulary, {run.provenance.arithmetic}",
        format_count(sum(book.statistics.windows.count for book in books), "window"),
        *([f"in brackets: 95% for other books made of such blocks; {own}"] if has_interval else []),
        *([f"preset {run.settings.preset}"] if run.settings.preset != "none" else []),
    ]
    line = " · ".join(parts)
    return line[:1].upper() + line[1:]


def describe_rank(calibration: Calibration) -> str:
    """The rank of a book among its controls, with the number of texts and p."""
    texts = calibration.controls_count + 1
    return f"rank {round(calibration.p_all * texts):,} of {texts:,} (p = {calibration.p_all:.3g})"


def _choose_first_words(share: float) -> str:
    return next((words for below, words in _FIRST_WORDS if share < below), _ALL)


def _describe_length(length: SuffixLength) -> str:
    """For example: 26 words."""
    if length.words * _LONGEST_WORD < length.characters:
        return f"{length.characters:,.0f} characters"
    return format_count(max(round(length.words), 1), "word")


def _describe_controls(outcome: Outcome, coverage: Figure, titles: Mapping[str, str]) -> str:
    """How much of the controls is known likewise; empty without controls."""
    control = outcome.statistics.control
    if not control or coverage.control is None:
        return ""
    names, share = control.books, coverage.control
    if share >= _KNOWN_TOO:
        who = "The control is" if len(names) == 1 else "The controls are"
        return f"{who} known too ({show(share)}): this threshold shows little."
    which = f"“{titles.get(names[0], names[0])}”" if len(names) == 1 else f"{len(names):,} controls"
    return f"Of {which}, which it cannot have seen, {show(share) if share else 'none'} does."


def _quote(outcome: Outcome, headlines: Mapping[str, Sequence[Figure]], titles: Mapping[str, str]) -> str:
    return f"“{titles[outcome.book.name]}” ({headlines[outcome.book.name][0].shown})"


def _average(lengths: Sequence[SuffixLength]) -> SuffixLength:
    return SuffixLength(
        characters=sum(length.characters for length in lengths) / len(lengths),
        words=sum(length.words for length in lengths) / len(lengths),
    )


def _bracket(figure: Figure) -> str:
    if figure.interval and not figure.bound:
        low, high = figure.interval
        return f"{figure.shown} [{100 * low:.0f}, {100 * high:.0f}]"
    return figure.shown_in_table


def _join(*sentences: str) -> str:
    return " ".join(filter(None, sentences))
