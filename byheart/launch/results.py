"""Prints the results of a run on a terminal."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from byheart.contracts.books import BOOK, CONTROL
from byheart.contracts.progress import format_count, format_duration
from byheart.measures.calibration.facts import format_p_z, state_facts
from byheart.measures.claims import format_rank, is_blank, state_best, state_claims
from byheart.measures.figures import Figure
from byheart.measures.headline import (
    find_detailed_roles,
    find_longest_passage,
    is_control,
    list_figures,
    make_sort_key,
)
from byheart.measures.results import REPORT, BookResults, Results
from byheart.measures.selection import describe_selection

_RANK = ("p among controls", "windows above t")
_COLUMNS = ("characters at 0.5", "windows at 0.001", "longest", "bits", "best p_z")
"""At the heads of the table, each 17 characters wide at most."""


def show_results(out: Path, seconds: float) -> None:
    """Print what was measured, each book, the controls in a table, and where the results are."""
    results = Results.open(out)
    books, asked = results.books, results.provenance.settings.selection
    in_detail = BOOK in find_detailed_roles(book.book.role for book in books)
    own = [book for book in books if not is_control(book.statistics)]
    longest_control = find_longest_passage(book.statistics for book in books if is_control(book.statistics))
    counts = Counter(book.book.role for book in books)
    counted = [format_count(counts[role], role) for role in (BOOK, CONTROL) if counts[role]]
    print(f"\n{' and '.join(counted)} under {results.provenance.label}")
    if in_detail:
        words = _read_best_words(books) if any(is_blank(book.statistics) for book in own) else {}
        for book in own:
            part = describe_selection(book.book, asked)
            _show_book(book, list_figures(book.statistics, longest_control), part, words)
    if in_table := [book for book in books if is_control(book.statistics) or not in_detail]:
        _show_table(in_table)
    if own:
        _show_meanings(own)
    print(f"\n{out / REPORT} shows it all on one page, with the texts coloured by what the model knows")
    print(f"{out / 'summary.csv'} sets the books side by side")
    print(f"{out / 'methods.md'} says what was measured, for a paper")
    if books:
        first = out / books[0].book.name
        more = f", and the folders of the other {len(books) - 1:,}" if books[1:] else ""
        print(f"{first / 'heat_map.png'} and {len(list(first.iterdir())) - 1} files beside it{more}")
    print(f"{out / 'provenance.json'} says how; {format_duration(seconds)} in all")


def _show_book(results: BookResults, headline: Sequence[Figure], part: str, words: dict[str, str]) -> None:
    book, statistics = results.book, results.statistics
    length = f"{book.characters:,} characters" + ("" if part else f" ({statistics.measurable_share:.1%} measurable)")
    print(f"\n{book.name}, {length}")
    sentences = [part, *state_claims(results.read_calibration()), state_best(statistics, words)]
    for sentence in filter(None, sentences):
        print(f"  {sentence}")
    for figure in headline:
        print(f"  {figure.shown:>7}  {figure.phrase}{_describe_context(figure)}")


def _show_table(texts: Sequence[BookResults]) -> None:
    """Print a line for each text, sorted by how well the model knows it."""
    ordered = sorted(texts, key=lambda results: make_sort_key(results.statistics))
    ranks = {text.book.name: text.read_calibration() for text in ordered}
    first = _RANK if any(ranks.values()) else ()
    print(f"\n{''.join(f'{column:>19}' for column in (*first, *_COLUMNS))}")
    for results in ordered:
        best = results.statistics.best_window
        cells = [figure.shown_in_table for figure in list_figures(results.statistics)]
        cells.append(format_p_z(best.log_p_z) if best else "–")
        role = f", {CONTROL}" if is_control(results.statistics) else ""
        if first:
            calibration = ranks[results.book.name]
            cells = [*(format_rank(calibration) if calibration else ("", "")), *cells]
        print(f"{''.join(f'{cell:>19}' for cell in cells)}  {results.book.name}{role}")


def _describe_context(figure: Figure) -> str:
    """What the number hides, its bound or its interval, and the controls' number, as far as the figure has them."""
    if figure.bound:
        sure = figure.bound.words
    elif figure.interval:
        sure = f"other such books {figure.interval[0]:.0%} to {figure.interval[1]:.0%}"
    else:
        sure = figure.shown_interval
    parts = [figure.beside if figure.value else "", sure]
    if figure.control is not None:
        parts.append(f"controls {figure.control_in_table}")
    return "".join(f"; {part}" for part in parts if part)


def _show_meanings(books: Sequence[BookResults]) -> None:
    """Print once what the numbers of the books mean, and what they do not, and what several books do to the claims."""
    print()
    for figure in list_figures(books[0].statistics):
        print(f"{figure.title}: {figure.meaning}")
    calibration = books[0].read_calibration()
    if calibration and (several := state_facts(calibration).several_books):
        print(several)


def _read_best_words(books: Sequence[BookResults]) -> dict[str, str]:
    """The words of each text's best window, by its name; without the texts that the results do not hold."""
    words = {}
    for results in books:
        best = results.statistics.best_window
        if best and (text := results.read_text()):
            words[results.book.name] = text[best.suffix_start : best.stop]
    return words
