"""Verifies a folder of finished results, from its files' hashes to the scores of windows."""

import dataclasses
import tempfile
from collections.abc import Callable, Container, Mapping
from pathlib import Path

from byheart.components.tokenize.tokenizer import Tokenizer
from byheart.contracts.books import Book
from byheart.contracts.errors import ByheartError
from byheart.contracts.windows import Windows
from byheart.measures.results import Results
from byheart.verification.again import draws_alike, list_file_differences, list_sum_differences, write_again
from byheart.verification.checks import FAILED, HELD, NOT_VERIFIED, Check, Checks
from byheart.verification.files import SUMS, hash_file, list_differences, list_other_files, read_sums
from byheart.verification.inputs import FoundModel, check_model, check_registration, check_texts, check_tokenizer
from byheart.verification.means import WINDOWS, Means
from byheart.verification.rescoring import draw_seed, rescore
from byheart.verification.scorers import find_scorer
from byheart.verification.texts import make_book, read_texts
from byheart.verification.tokens import list_token_differences, make_windows

_CONTRADICTIONS = (ArithmeticError, AssertionError, AttributeError, LookupError, OSError, TypeError, ValueError)
"""What computing raises on content that no run writes."""

Inspect = Callable[[Path, Results, Checks], None]
"""Adds checks of the results in a folder."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Verification:
    """What was verified."""

    results_sha256: str
    """The SHA-256 of SHA256SUMS, which holds the hash of every file of the run."""
    seed: int
    """What chose the windows that were scored again."""
    windows: int
    """How many windows were asked for."""
    checks: list[Check]

    def list_names(self, outcome: str) -> list[str]:
        """The names of the checks with this outcome."""
        return [check.name for check in self.checks if check.outcome == outcome]

    @property
    def verdict(self) -> str:
        """The last line: what held, what failed, what was not verified."""
        failed, left = self.list_names(FAILED), self.list_names(NOT_VERIFIED)
        if failed:
            return f"not as a run writes it: {', '.join(failed)}"
        held = ", ".join(self.list_names(HELD))
        return f"verified in part: {held}; not verified: {', '.join(left)}" if left else f"verified: {held}"


def verify_folder(
    folder: Path, means: Means, checks: Checks, *, others: Container[str] | None = None, more: Inspect | None = None
) -> Verification:
    """Verify the results in a folder.

    Args:
        checks: the checks so far, to which those of the folder are added.
        others: the files beside the run's that the folder may hold; None allows any.
        more: makes further checks of the results.

    Raises:
        DamagedError: there is no SHA256SUMS, or it is damaged.
    """
    sums = read_sums(folder)
    seed = draw_seed((folder / SUMS).read_bytes()) if means.seed is None else means.seed
    _check_files(folder, sums, checks, others)
    try:
        results = Results.open(folder)
        if more:
            more(folder, results, checks)
        _check_results(results, folder, sums, means, seed, checks)
    except ByheartError as error:
        checks.add("results", FAILED, error.message)
    except _CONTRADICTIONS as error:
        checks.add("results", FAILED, f"the files contradict one another ({type(error).__name__}: {error})")
    return Verification(
        results_sha256=hash_file(folder / SUMS), seed=seed, windows=means.windows or WINDOWS, checks=checks.list
    )


def _check_files(folder: Path, sums: dict[str, str], checks: Checks, allowed: Container[str] | None) -> None:
    others, differences = list_other_files(folder, sums), list_differences(folder, sums)
    if allowed is not None:
        differences += [f"{name} is not in {SUMS}" for name in others if name not in allowed]
        others = []
    beside = f"; not the run's: {', '.join(others[:3])}{', ...' if len(others) > 3 else ''}" if others else ""
    checks.compare("files", differences, f"{len(sums):,} files have the hashes of {SUMS}{beside}")


def _check_results(
    results: Results, folder: Path, sums: Mapping[str, str], means: Means, seed: int, checks: Checks
) -> None:
    provenance = results.provenance
    check_registration(results, means, checks)
    texts: dict[str, str] = {}
    with checks.catch("texts"):
        texts = read_texts(results, means.texts)
        check_texts(results, texts, checks)
    books = {
        item.book.name: make_book(item, texts[item.book.name]) for item in results.books if item.book.name in texts
    }
    model = check_model(results, means, checks)
    tokenizer = None
    if model:
        with checks.catch("tokenizer"):
            tokenizer = check_tokenizer(results, model.address, means, checks)
    windows = _check_tokens(results, books, tokenizer, checks)
    score = provenance.settings.score
    wrong = [
        clause
        for item in results.books
        for clause in list_sum_differences(item, temperature=score.temperature, top_k=score.top_k)
    ]
    checks.compare("sums", wrong, "the scores of every window follow from those of its tokens")
    _check_again(results, folder, sums, books, windows, checks)
    made = {name: windows[name] for name in books if name in windows}
    _check_scores(results, model, made, means, seed, checks)


def _check_tokens(
    results: Results, books: Mapping[str, Book], tokenizer: Tokenizer | None, checks: Checks
) -> dict[str, Windows]:
    """All windows of each book, as far as they can be made again or are all in the results."""
    windows = {}
    for item in results.books:
        selection = item.book.selection
        if selection.count == selection.of:
            windows[item.book.name] = item.read_windows().windows
    if not tokenizer or not books:
        checks.add("tokens", NOT_VERIFIED, f"this needs {'the model' if books else 'the texts'}")
        return windows
    differences, count = [], 0
    for item in results.books:
        if item.book.name in books:
            again = make_windows(books[item.book.name], results.provenance, tokenizer)
            differences += list_token_differences(item, books[item.book.name], again, results.provenance)
            windows[item.book.name], count = again, count + item.book.selection.count
    checks.compare("tokens", differences, f"{count:,} windows are those that the texts and the tokenizer give")
    return windows


def _check_again(
    results: Results,
    folder: Path,
    sums: Mapping[str, str],
    books: Mapping[str, Book],
    windows: Mapping[str, Windows],
    checks: Checks,
) -> None:
    names = {item.book.name for item in results.books}
    if not names <= books.keys() or not names <= windows.keys():
        what = "the texts" if not names <= books.keys() else "the model's tokenizer, since a part was asked for"
        checks.add("numbers", NOT_VERIFIED, f"computing them again needs {what}")
        return
    with tempfile.TemporaryDirectory(prefix="byheart-") as temporary:
        out = Path(temporary)
        write_again(results, books, windows, out)
        numbers, pictures = list_file_differences(results, folder, out, set(sums))
    checks.compare("numbers", numbers, "every table, statistic and page follows from windows.parquet and the texts")
    if draws_alike(results):
        checks.compare("pictures", pictures, "every chart is drawn again to the byte")
    else:
        checks.add("pictures", NOT_VERIFIED, "the libraries here are not those of provenance.json")


def _check_scores(
    results: Results, model: FoundModel | None, windows: Mapping[str, Windows], means: Means, seed: int, checks: Checks
) -> None:
    name = "scores"
    made_again = "tokens" in checks.names(HELD)
    if not model or not made_again:
        checks.add(name, NOT_VERIFIED, f"scoring windows again needs {'the model' if not model else 'their tokens'}")
        return
    try:
        scorer = find_scorer(model.address, means.scorer, adapter=model.adapter)
    except ByheartError as error:
        checks.add(name, NOT_VERIFIED, error.message)
        return
    rescored = rescore(results, windows, scorer, count=means.windows or WINDOWS, seed=seed)
    checks.compare(name, rescored.differences, f"{rescored.says} (seed {seed})")
