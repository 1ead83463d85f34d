"""Writes finished results again, from their own scores and texts, with the code that wrote them."""

import dataclasses
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from byheart.components.plot.provenance import Run, list_libraries
from byheart.components.plot.run import Made, write_results
from byheart.contracts.books import Book
from byheart.contracts.selection import ControlSample
from byheart.contracts.windows import Windows
from byheart.measures.measured import MeasuredBook, measure
from byheart.measures.provenance import BookDescription, RunProvenance
from byheart.measures.results import BookResults, Results
from byheart.scores.scores import Scores
from byheart.verification.compare import ROUNDING, compare_files, is_picture
from byheart.verification.files import NOT_MADE_AGAIN


def write_again(results: Results, books: Mapping[str, Book], windows: Mapping[str, Windows], out: Path) -> None:
    """Write the results of a run into `out`, from the scores in its tables.

    Args:
        books: every book and control, by name.
        windows: all windows of each, measured or not.
    """
    provenance = results.provenance
    by_name = {item.book.name: item for item in results.books}

    def read(book: Book) -> tuple[MeasuredBook, BookDescription]:
        item = by_name[book.name]
        return _measure(item, book, windows[book.name], provenance), item.book

    write_results(
        out,
        Run(provenance=RunProvenance(**_pick(provenance, RunProvenance))),
        [books[item.book.name] for item in results.books],
        read,
        refused=provenance.not_measured,
        pieces=results.read_pieces(),
        made=Made(**_pick(provenance, Made)),
        tell=lambda _: None,
    )


def list_file_differences(results: Results, folder: Path, out: Path, names: set[str]) -> tuple[list[str], list[str]]:
    """How the files of results differ from those made again in `out`: in numbers and words, and in pictures.

    Args:
        names: the files that the results are said to consist of.
    """
    same_libraries = draws_alike(results)
    made = {path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file()}
    numbers = [f"{name} is not of such a run" for name in sorted(names - made - {*NOT_MADE_AGAIN})]
    pictures: list[str] = []
    for name in sorted(made):
        differences = compare_files(name, folder, out, with_pictures=same_libraries)
        (pictures if is_picture(name) else numbers).extend(differences)
    return numbers, pictures


def draws_alike(results: Results) -> bool:
    """Whether the libraries here draw the pictures that those of the run draw."""
    return results.provenance.plotted_with == list_libraries()


def list_sum_differences(results: BookResults, *, temperature: float, top_k: int) -> Iterator[str]:
    """Which scores of windows do not follow from those of their tokens."""
    scores, name = results.read_windows().scores, results.book.name
    log_probs = scores.token_log_probs.astype(np.float64)
    if not np.allclose(scores.log_p_z, log_probs.sum(axis=-1), rtol=ROUNDING, atol=ROUNDING):
        yield f"{name}/windows.parquet, log_p_z: not the sum of token_log_probs"
    if not np.array_equal(scores.greedy, (scores.token_ranks == 0).all(axis=-1)):
        yield f"{name}/windows.parquet, greedy: not that of token_ranks"
    if temperature == 1:
        kept = np.minimum(log_probs - scores.token_log_top_k_mass.astype(np.float64), 0.0)
        inside = scores.token_ranks < top_k if top_k else True
        with np.errstate(invalid="ignore"):
            expected = np.where(inside, kept, -np.inf).sum(axis=-1)
            if not np.allclose(scores.log_p_z_top_k, expected, rtol=1e-6, atol=1e-5):
                yield f"{name}/windows.parquet, log_p_z_top_k: not that of its tokens"


def _measure(results: BookResults, book: Book, windows: Windows, provenance: RunProvenance) -> MeasuredBook:
    table, sample = results.read_windows(), results.read_control_sample()
    sample_scores = table.scores.rows(slice(0))
    pairs = ControlSample(suffix_window=np.empty(0, np.int64), prompt_window=np.empty(0, np.int64))
    if sample:
        pairs = sample.sample
        blank = {
            name: np.zeros((len(pairs), *values.shape[1:]), values.dtype)
            for name, values in table.scores.columns().items()
        }
        blank |= {"log_p_z": sample.log_p_z, "log_p_z_top_k": sample.log_p_z_top_k}
        sample_scores = Scores(**blank)
    settings = provenance.settings.window
    return measure(
        book,
        windows,
        results.book.selection,
        table.scores,
        pairs,
        sample_scores,
        stride=settings.cursor_inc,
        rescored=table.rescored,
        sample_rescored=sample.rescored if sample else None,
    )


def _pick(provenance: RunProvenance, kind: type) -> dict[str, Any]:
    """The fields of the provenance that a dataclass has too."""
    return {field.name: getattr(provenance, field.name) for field in dataclasses.fields(kind)}
