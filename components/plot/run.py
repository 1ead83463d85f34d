"""Plot: from scores to what people read: heat map, statistics, table and provenance."""

import json
import platform
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from components.contracts import parquet
from components.contracts.books import Book, read_books
from components.contracts.progress import say
from components.contracts.scores import ScoreManifest, Scores, part_from_bytes, part_name, part_ranges
from components.contracts.windows import Windows, read_windows
from components.plot.character_map import character_map
from components.plot.charts import heat_map
from components.plot.provenance import Run
from components.plot.statistics import statistics
from components.store import open_store


def run(*, books: str, model: str, windows: str, scores: str, settings: str, results: str) -> None:
    """Write a folder for each book, and the run's `provenance.json`.

    Args:
        books, model, windows, scores, settings: what the stages before wrote.
        results: the folder to write.

    Raises:
        StoreError: a score part is not there.
        DamagedError: a score part is not whole.
    """
    whole = Run.read(settings=settings, model=model, windows=windows, scores=scores)
    described = {}
    for book in read_books(books):
        rows = read_windows(windows, book.name)
        book_scores, computed_on = _scores(whole.scores, book.name, len(rows))
        described[book.name] = {
            **book.identity(),
            "scores": whole.scores.addresses[book.name],
            "computed_on": computed_on,
        }
        _write_book(Path(results) / book.name, book, rows, book_scores, whole, described[book.name])
    made = {"created": datetime.now(UTC).isoformat(timespec="seconds"), "python": platform.python_version()}
    _write_json(Path(results) / "provenance.json", {**made, **whole.provenance(), "books": described})


def _scores(manifest: ScoreManifest, book: str, windows: int) -> tuple[Scores, list[dict[str, Any]]]:
    """All scores of a book, and the different things that its parts were computed on."""
    store, address = open_store(manifest.store), manifest.addresses[book]
    parts, computed_on = [], []
    for number, rows in enumerate(part_ranges(windows)):
        name = part_name(address, number)
        part, device = part_from_bytes(store.read(name), address, number, len(rows), name=store.locate(name))
        parts.append(part)
        if device not in computed_on:
            computed_on.append(device)
    return Scores.concatenate(parts), computed_on


def _write_book(
    folder: Path, book: Book, windows: Windows, scores: Scores, whole: Run, described: dict[str, Any]
) -> None:
    provenance = {**whole.provenance(), "book": described}
    maps = {
        "suffix": character_map(len(book.text), windows.suffix_start, windows.stop, scores.log_p_z),
        "window": character_map(len(book.text), windows.start, windows.stop, scores.log_p_z),
    }
    numbers = statistics(windows, scores, maps["suffix"], maps["window"], stride=whole.settings.window.cursor_inc)

    folder.mkdir(parents=True, exist_ok=True)
    table = {"book": np.full(len(windows), book.name), **windows.columns(), **scores.columns()}
    (folder / "windows.parquet").write_bytes(parquet.to_bytes(table, provenance))
    _write_json(folder / "statistics.json", {**numbers, "provenance": provenance})
    heat_map.draw(
        folder / "heat_map.png",
        maps,
        whole.settings.chart,
        title=whole.settings.chart.plot_title or f"How much of “{book.name}” does {whole.model.source} know by heart?",
        footer=whole.in_words(windows),
    )
    headline = numbers["headline"]
    say(
        f"{book.name}: {headline['share_of_measurable_characters_at_0.5']:.1%} of measurable characters at p_z ≥ 0.5; "
        f"{headline['share_of_windows_at_0.001']:.1%} of windows at p_z ≥ 0.001; "
        f"longest passage {headline['longest_passage_characters_at_0.5']:,} characters"
    )


def _write_json(path: Path, content: dict[str, Any]) -> None:
    path.write_text(json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n", encoding="utf-8")
