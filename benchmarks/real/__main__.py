"""Measures, and writes the tables of docs/real.md, their goldens and the picture: `make real`."""

import json
import re
import textwrap
from collections.abc import Sequence

from benchmarks.real.measure import CONTROLS, HERE, measure_texts
from benchmarks.real.numbers import Measured, list_best_of_controls, list_sections, list_texts
from benchmarks.real.picture import draw
from benchmarks.tables import format_power, format_table
from byheart.measures.claims import state_claims
from byheart.measures.results import Results

DOCS = HERE.parents[1] / "docs"
GOLDENS = HERE / "goldens.json"
_PLACE = re.compile(r"(<!-- (texts|claims|sections), by `make real` -->\n).*?(<!-- end -->)", re.DOTALL)
_TITLE = "What SmolLM2-135M-Instruct has kept of texts that everyone has met"
Numbers = dict[str, dict[str, float]]


def list_numbers(results: Results) -> Numbers:
    """The numbers of each text and section, by its name."""
    rows = [*list_texts(results), *(row for row in list_sections(results) if not row.is_control)]
    best, second, *_ = list_best_of_controls(rows)
    return {
        row.name: {
            "windows": len(row.log10_p_z),
            "best_log10_p_z": round(row.best, 4),
            "median_log10_p_z": round(row.median, 4),
            "bits_per_character": round(row.bits_per_character, 5),
            "corrections_per_1000_tokens": round(row.corrections, 3),
            "longest_run_of_first_guesses": row.longest_run,
            "share_above_all_controls": round(row.share_above(best), 5),
            "share_above_all_controls_but_one": round(row.share_above(second), 5),
        }
        for row in rows
    }


def main() -> None:
    """Measure, write, and print the tables."""
    results = measure_texts()
    numbers, sections = list_numbers(results), list_sections(results)
    texts = {row.name: row for row in list_texts(results)}
    tables = {
        "texts": format_texts(texts, numbers),
        "claims": format_claims(results),
        "sections": format_sections(sections, numbers),
    }
    page = DOCS / "real.md"
    text = page.read_text(encoding="utf-8")
    page.write_text(_PLACE.sub(lambda found: f"{found[1]}{tables[found[2]]}{found[3]}", text), encoding="utf-8")
    GOLDENS.write_text(json.dumps(numbers, indent=1) + "\n", encoding="utf-8")
    draw(sections, _TITLE, DOCS / "pictures" / "real.png")
    print(*tables.values(), f"written: {page}, {GOLDENS.name}, and the picture", sep="\n")


def format_texts(texts: dict[str, Measured], numbers: Numbers) -> str:
    """The table of whole texts."""
    header = (
        *("text", "windows", "best p_z", "median p_z", "bits a character", "corrections of 1,000 tokens"),
        *("longest run of first guesses", "windows above all controls"),
    )
    return format_table(
        header,
        (
            (
                f"control: {CONTROLS[name]}" if row.is_control else name,
                f"{numbers[name]['windows']:,}",
                format_power(row.best),
                format_power(row.median),
                f"{row.bits_per_character:.2f}",
                f"{row.corrections:.0f}",
                f"{row.longest_run}",
                "" if row.is_control else f"{numbers[name]['share_above_all_controls']:.0%}",
            )
            for name, row in texts.items()
        ),
        first="---",
    )


def format_claims(results: Results) -> str:
    """What the controls allow to be said of each book, as the pages of a run say it."""
    lines = []
    for book in results.books:
        if calibration := book.read_calibration():
            sentences = state_claims(calibration)
            lines += textwrap.wrap(f"- *{book.book.name}*. {' '.join(sentences)}", 118, subsequent_indent="  ")
    return "".join(f"{line}\n" for line in lines)


def format_sections(sections: Sequence[Measured], numbers: Numbers) -> str:
    """The table of the known texts' sections, the best known first."""
    known = sorted((row for row in sections if not row.is_control), key=lambda row: row.bits_per_character)
    return format_table(
        ("section", "windows", "best p_z", "median p_z", "bits a character", "windows above all controls"),
        (
            (
                row.name,
                f"{row.log10_p_z.size:,}",
                format_power(row.best),
                format_power(row.median),
                f"{row.bits_per_character:.2f}",
                f"{numbers[row.name]['share_above_all_controls']:.0%}",
            )
            for row in known
        ),
        first="---",
    )


if __name__ == "__main__":
    main()
