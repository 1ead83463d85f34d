"""Plot: from scores to what people read: heat map, statistics, table and provenance."""

import json
import platform
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from components.contracts import parquet
from components.contracts.books import Book, read_books
from components.contracts.model import Model, read_model
from components.contracts.progress import say
from components.contracts.scores import (
    ScoreManifest,
    Scores,
    part_from_bytes,
    part_name,
    part_ranges,
    read_score_manifest,
)
from components.contracts.settings import Settings
from components.contracts.version import CONTRACT_VERSION, code_version
from components.contracts.windows import Tokenization, Windows, read_tokenization, read_windows
from components.plot.character_map import character_map
from components.plot.charts import heat_map
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
    chosen, described = Settings.read(settings), read_model(model)
    tokenization, manifest = read_tokenization(windows), read_score_manifest(scores)
    how = {
        "contract_version": CONTRACT_VERSION,
        "model": {**vars(described)},
        "tokenization": tokenization.to_dict(),
        "settings": chosen.to_dict(),
        "precision": manifest.precision,
    }
    provenance: dict[str, Any] = {
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "code": code_version(),
        "python": platform.python_version(),
        **how,
        "books": {},
    }
    for book in read_books(books):
        rows = read_windows(windows, book.name)
        book_scores, computed_on = _scores(manifest, book.name, len(rows))
        provenance["books"][book.name] = {
            **book.identity(),
            "scores": manifest.addresses[book.name],
            "computed_on": computed_on,
        }
        _write_book(Path(results) / book.name, book, described, rows, book_scores, chosen, tokenization, how)
    _write_json(Path(results) / "provenance.json", provenance)


def _scores(manifest: ScoreManifest, book: str, windows: int) -> tuple[Scores, list[dict[str, Any]]]:
    """All scores of a book, and the different things that its parts were computed on."""
    store, address = open_store(manifest.store), manifest.addresses[book]
    parts, computed_on = [], []
    for number, rows in enumerate(part_ranges(windows)):
        name = part_name(address, number)
        data = store.read(name)
        part, device = part_from_bytes(data, address, number, len(rows), name=store.locate(name))
        parts.append(part)
        if device not in computed_on:
            computed_on.append(device)
    return Scores.concatenate(parts), computed_on


def _write_book(
    folder: Path,
    book: Book,
    model: Model,
    windows: Windows,
    scores: Scores,
    settings: Settings,
    tokenization: Tokenization,
    how: dict[str, Any],
) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    how = {"book": book.identity(), **how}
    (folder / "windows.parquet").write_bytes(parquet.to_bytes(_table(book.name, windows, scores), how))

    firsts = {"suffix": windows.suffix_start, "window": windows.start}
    maps = {name: character_map(len(book.text), first, windows.stop, scores.log_p_z) for name, first in firsts.items()}
    stride = settings.window.cursor_inc
    numbers = statistics(windows, scores, maps["suffix"], maps["window"], stride=stride)
    _write_json(folder / "statistics.json", {**numbers, "how": how})

    heat_map.draw(
        folder / "heat_map.png",
        maps,
        settings.chart,
        title=settings.chart.plot_title or f"How much of “{book.name}” does {model.source} know by heart?",
        footer=_footer(model, windows, settings, tokenization, how["precision"]),
    )
    headline = numbers["headline"]
    say(
        f"{book.name}: {headline['share_of_measurable_characters_at_0.5']:.1%} of measurable characters at p_z ≥ 0.5; "
        f"{headline['share_of_windows_at_0.001']:.1%} of windows at p_z ≥ 0.001; "
        f"longest passage {headline['longest_passage_characters_at_0.5']:,} characters"
    )


def _table(book: str, windows: Windows, scores: Scores) -> dict[str, np.ndarray]:
    """The columns of windows.parquet: a row for each window."""
    return {
        "book": np.full(len(windows), book),
        **windows.columns(),
        **scores.columns(),
    }


def _footer(model: Model, windows: Windows, settings: Settings, tokenization: Tokenization, precision: str) -> str:
    fed = "no BOS" if tokenization.bos_id is None else f"BOS {tokenization.bos_id}"
    return " · ".join(
        (
            f"model {model.source}, {model.parameters:,} parameters, weights sha256 {model.weights_sha256[:12]}",
            f"{precision}, {fed}",
            f"{len(windows):,} windows of {settings.window.prompt_tokens} + {tokenization.scored_tokens} tokens, "
            f"one every {settings.window.cursor_inc} characters",
            f"{settings.chart.coverage} coverage first",
        )
    )


def _write_json(path: Path, content: dict[str, Any]) -> None:
    path.write_text(json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n", encoding="utf-8")
