"""Runs on this machine, through the command line, as a person starts them."""

import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from byheart.components.plot.charts import CHARTS
from byheart.launch import local_run
from tests.conftest import BOOK, CONTROL, processes_of

COLUMNS = [
    "book", "number", "chapter", "cursor", "start", "suffix_start", "stop", "prompt_tokens", "suffix_tokens", "flagged",
    "spill", "token_ids", "token_stops", "unknown_tokens", "log_p_z", "log_p_z_top_k", "greedy", "token_log_probs",
    "token_ranks", "top_token_ids", "token_log_top_k_mass", "rescored", "prompt_overlap", "book_overlap",
    "compressed_bytes_per_character", "repetitive",
]  # fmt: skip
FILES = {
    *(f"{chart}.{suffix}" for chart in CHARTS for suffix in ("png", "svg")),
    "statistics.json", "windows.parquet", "passages.csv", "control_sample.parquet", "text.txt", "chapters.json",
    "chapters.csv",
}  # fmt: skip
EMPTY_OF_CONTROL = {f"{chart}.{suffix}" for chart in ("coverage", "extraction_rates") for suffix in ("png", "svg")}
"""Of a text that the model does not know, these would only say so."""


def test_run_leaves_what_it_promises_and_says_where(sample_run: Path) -> None:
    book = sample_run / BOOK.stem
    printed = (sample_run / "printed.txt").read_text(encoding="utf-8")
    for file in (book / "heat_map.png", sample_run / "summary.csv", sample_run / "methods.md"):
        assert str(file) in printed
    for name, files in ((BOOK.stem, FILES | {"calibration.json"}), (CONTROL.stem, FILES - EMPTY_OF_CONTROL)):
        assert {path.name for path in (sample_run / name).iterdir()} == files
    assert f"{CONTROL.stem}, control" in printed
    assert "40,504 characters (99.6% measurable)" in printed
    covered = "51.4%  of measurable characters lie in a suffix with p_z ≥ 0.5; 51.4% at 0.45, 51.4% at 0.55; "
    assert f"{covered}47.1% of windows have p_z ≥ 0.5; other such books 4% to 96%; controls 0.0% (≤ 4.7%)" in printed
    assert "Of 1 control, none is as extreme as the book: p = 0.5, 1 in 2, the least possible. Nothing may" in printed
    assert "windows/s" in printed
    assert pq.read_schema(book / "windows.parquet").names == COLUMNS
    provenance = json.loads((sample_run / "provenance.json").read_text(encoding="utf-8"))
    assert provenance["model"]["parameters"] == 1_488_192
    assert provenance["settings"]["placement"]["accelerator"] == "cpu", "what auto asks for is on a cluster"
    assert provenance["books"][BOOK.stem]["computed_on"][0]["precision"] == "float32"
    assert not processes_of(sample_run.parent)


def test_of_a_log_without_end_the_last_words_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local_run, "_MOST_OF_A_LOG_BYTES", 10)
    (tmp_path / "log.txt").write_bytes(b"noise\n" * 1_000 + "Länge\nKill\n".encode())
    assert local_run._read_end(tmp_path / "log.txt") == "\ufffdnge\nKill\n"
    (tmp_path / "log.txt").write_bytes(b"short")
    assert local_run._read_end(tmp_path / "log.txt") == "short"
