"""What a run has found, as a person at a terminal reads it."""

import json
from pathlib import Path
from typing import Any

from byheart.contracts.progress import duration

_AT_LENGTH = 4
"""Books that get lines of their own; more of them are a table."""


def show_results(out: Path, seconds: float) -> None:
    """Print where the results are, and the headline of each book."""
    provenance = json.loads((out / "provenance.json").read_text(encoding="utf-8"))
    books = provenance["books"]
    numbers = {name: json.loads((out / name / "statistics.json").read_text(encoding="utf-8")) for name in books}
    if len(books) > _AT_LENGTH:
        _show_table(books, numbers, provenance["model"]["source"])
    else:
        for name, book in books.items():
            _show_book(out / name, book, numbers[name], provenance["model"]["source"])
    print(f"\n{out / 'summary.html'} shows it all on one page")
    print(f"{out / 'summary.csv'} sets the books side by side")
    print(f"{out / 'methods.md'} says what was measured, for a paper")
    print(f"{out / 'provenance.json'} says how; {duration(seconds)} in all")


def _show_book(folder: Path, book: dict[str, Any], numbers: dict[str, Any], model: str) -> None:
    headline, characters, plain = numbers["headline"], numbers["characters"], numbers["plain"]
    covered, found = plain["coverage_at"]["suffix"]["0.5"], plain["windows_at"]["0.001"]
    measurable = characters["suffix"]["measurable"] / characters["count"]
    print(f"\n{folder.name}, {book['role']}, {book['characters']:,} characters, under {model}")
    what = f"of measurable characters ({measurable:.1%} of all) have p_z ≥ 0.5"
    print(f"  {covered['share_of_measurable']:7.1%}  {what}{_beside(covered)}")
    print(f"  {found['share']:7.1%}  of windows have p_z ≥ 0.001{_beside(found)}")
    print(f"  {headline['longest_passage_characters_at_0.5']:7,}  characters in the longest passage at p_z ≥ 0.5")
    print(f"  {folder / 'heat_map.png'}, and {len(list(folder.iterdir())) - 1} files beside it")


def _show_table(books: dict[str, Any], numbers: dict[str, Any], model: str) -> None:
    """A line for each book, the best known first."""
    print(f"\n{len(books):,} books under {model}\n")
    print("characters    windows    longest")
    print("at p_z 0.5   at 0.001    passage")
    headlines = {name: list(numbers[name]["headline"].values()) for name in books}
    for name in sorted(books, key=headlines.__getitem__, reverse=True):
        characters, windows, longest = headlines[name]
        role = "" if books[name]["role"] == "book" else f", {books[name]['role']}"
        print(f"{characters:10.1%}{windows:11.1%}{longest:11,}  {name}{role}")


def _beside(rate: dict[str, Any]) -> str:
    """A rate's interval and the control's rate, as far as there are any."""
    interval = f"95% interval {rate['interval'][0]:.0%} to {rate['interval'][1]:.0%}" if rate["interval"] else ""
    control = f"control {rate['control']:.1%}" if rate["control"] is not None else ""
    said = ", ".join(filter(None, (interval, control)))
    return f"; {said}" if said else ""
