"""Prints the results of a run on a terminal."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from byheart.contracts.progress import format_count, format_duration
from byheart.measures.headline import (
    Figure,
    find_detailed_roles,
    find_longest_passage,
    is_control,
    list_figures,
    make_sort_key,
)
from byheart.measures.results import BookResults, Results
from byheart.measures.selection import describe_selection


def show_results(out: Path, seconds: float) -> None:
    """Print where the results are, and the headline of each book."""
    results = Results.open(out)
    model, books, asked = results.provenance.label, results.books, results.provenance.settings.selection
    detailed = find_detailed_roles(book.book.role for book in books)
    longest_control = find_longest_passage(book.statistics for book in books if is_control(book.statistics))
    for book in books:
        if book.book.role in detailed:
            part = describe_selection(book.book, asked)
            _show_book(out / book.book.name, book, list_figures(book.statistics, longest_control), model, part)
    if in_table := [book for book in books if book.book.role not in detailed]:
        _show_table(in_table, model)
    print(f"\n{out / 'summary.html'} shows it all on one page")
    print(f"{out / 'summary.csv'} sets the books side by side")
    print(f"{out / 'methods.md'} says what was measured, for a paper")
    print(f"{out / 'provenance.json'} says how; {format_duration(seconds)} in all")


def _show_book(folder: Path, results: BookResults, headline: Sequence[Figure], model: str, part: str) -> None:
    book, measurable = results.book, results.statistics.measurable_share
    length = f"{book.characters:,} characters" + ("" if part else f" ({measurable:.1%} measurable)")
    print(f"\n{book.name}, {book.role}, {length}, under {model}")
    if part:
        print(f"  {part}")
    for figure in headline:
        print(f"  {figure.shown:>7}  {figure.phrase}{_describe_context(figure)}")
    print(f"  {folder / 'heat_map.png'}, and {len(list(folder.iterdir())) - 1} files beside it")


def _show_table(books: Sequence[BookResults], model: str) -> None:
    """Print a line for each text, sorted by how well the model knows it."""
    counts = sorted(Counter(results.book.role for results in books).items())
    print(f"\n{', '.join(format_count(count, role) for role, count in counts)} under {model}\n")
    print("characters    windows    longest   bits per")
    print("at p_z 0.5   at 0.001    passage  character")
    for results in sorted(books, key=lambda results: make_sort_key(results.statistics)):
        coverage, windows, longest, bits = (figure.shown for figure in list_figures(results.statistics))
        role = f", {results.book.role}" if is_control(results.statistics) else ""
        print(f"{coverage:>10}{windows:>11}{longest:>11}{bits:>11}  {results.book.name}{role}")


def _describe_context(figure: Figure) -> str:
    """The interval, or why there is none, and the control's number, as far as the figure has them."""
    parts = []
    if figure.interval:
        low, high = figure.interval
        parts.append(f"other such books {low:.0%} to {high:.0%} (95% interval)")
    elif figure.no_interval:
        parts.append(f"no interval: {figure.no_interval}")
    if figure.control is not None:
        parts.append(f"control {figure.shown_control}")
    return "".join(f"; {part}" for part in parts)
