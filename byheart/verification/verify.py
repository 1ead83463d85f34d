"""Verifies a folder of finished results, from its files' hashes to the scores of windows."""

import dataclasses
import tempfile
from collections.abc import Callable, Container, Mapping, Sequence
from pathlib import Path

from byheart.components.tokenize.tokenizer import Tokenizer, load_tokenizer
from byheart.contracts.books import Book
from byheart.contracts.errors import ByheartError
from byheart.contracts.json_files import from_json
from byheart.contracts.plan import Registration
from byheart.contracts.windows import Windows
from byheart.measures.results import Results
from byheart.scores.registration import FOLDER as REGISTERED
from byheart.store import open_store
from byheart.verification.again import draws_alike, list_file_differences, list_sum_differences, write_again
from byheart.verification.checks import FAILED, HELD, NOT_VERIFIED, Check, Checks
from byheart.verification.files import SUMS, hash_file, list_differences, list_other_files, read_sums
from byheart.verification.model import compute_weights_hash, find_model
from byheart.verification.rescoring import draw_seed, knows, rescore
from byheart.verification.texts import list_text_differences, make_book, read_texts
from byheart.verification.tokens import list_token_differences, make_windows

WINDOWS = 16
"""How many windows are scored again."""
_CONTRADICTIONS = (ArithmeticError, AssertionError, AttributeError, LookupError, OSError, TypeError, ValueError)
"""What computing raises on content that no run writes."""

Inspect = Callable[[Path, Results, Checks], None]
"""Adds checks of the results in a folder."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Means:
    """What a verification has to work with, and how much it does."""

    model: str = ""
    """Where the model is; empty looks for it."""
    remembered: Sequence[str] = ()
    """Where the run may have found the model."""
    without_model: bool = False
    """Whether to do without a model."""
    texts: Sequence[str] = ()
    """Files with texts that the results do not hold."""
    store: str = ""
    """Where models and the records of what was measured are kept; empty is nowhere."""
    windows: int = WINDOWS
    """How many windows are scored again."""
    seed: int | None = None
    """Chooses them; None draws it from the results."""


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
    return Verification(results_sha256=hash_file(folder / SUMS), seed=seed, windows=means.windows, checks=checks.list)


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
    _check_registration(results, means.store, checks)
    texts: dict[str, str] = {}
    with checks.catch("texts"):
        texts = read_texts(results, means.texts)
        _check_texts(results, texts, checks)
    books = {
        item.book.name: make_book(item, texts[item.book.name]) for item in results.books if item.book.name in texts
    }
    address = _check_model(results, means, checks)
    tokenizer = None
    if address:
        with checks.catch("tokenizer"):
            tokenizer = _check_tokenizer(results, address, checks)
    windows = _check_tokens(results, books, tokenizer, checks)
    score = provenance.settings.score
    wrong = [
        clause
        for item in results.books
        for clause in list_sum_differences(item, temperature=score.temperature, top_k=score.top_k)
    ]
    checks.compare("sums", wrong, "the scores of every window follow from those of its tokens")
    _check_again(results, folder, sums, books, windows, checks)
    _check_scores(results, address, windows, means, seed, checks)


def _check_registration(results: Results, store: str, checks: Checks) -> None:
    name, record = "registration", results.provenance.registration
    if record is None:
        checks.add(name, NOT_VERIFIED, "the run registered nothing before it scored")
        return
    differences = []
    if results.provenance.compute_digest() != record.digest:
        differences.append("provenance.json says that something else was registered than was measured")
    with checks.catch(name):
        place = open_store(store) if store else None
        stored = f"{REGISTERED}/{record.digest}.json"
        of_store = "; the store has no record of it" if store else ""
        if place and place.find(stored):
            if from_json(place.read(stored), Registration, name=place.locate(stored)) != record:
                differences.append(f"{place.locate(stored)} says otherwise than provenance.json")
            of_store = ", as the store's record says"
        before = "before any window was scored"
        if record.scored:
            before = f"when {record.scored:,} of {record.windows:,} windows were scored"
        checks.compare(name, differences, f"{record.digest}, at {record.registered}, {before}{of_store}")


def _check_texts(results: Results, texts: Mapping[str, str], checks: Checks) -> None:
    missing = [item.book.name for item in results.books if item.book.name not in texts]
    differences = list_text_differences(results, dict(texts))
    if missing and not differences:
        report = results.provenance.settings.report.report_text
        checks.add(
            "texts",
            NOT_VERIFIED,
            f"report_text={report} keeps the text of {', '.join(missing[:3])} out of the results: give --text",
        )
        return
    checks.compare("texts", differences, f"{len(texts):,} texts have the hashes of provenance.json")


def _check_model(results: Results, means: Means, checks: Checks) -> str | None:
    """The address of the model, if it is there and is the one of the results."""
    provenance = results.provenance
    try:
        address = None
        if not means.without_model:
            address = find_model(provenance, given=means.model, store=means.store, remembered=means.remembered)
        found = compute_weights_hash(address) if address else ""
    except ByheartError as error:
        checks.add("model", FAILED, error.message)
        return None
    if not address:
        commit = f"@{provenance.model.commit}" if provenance.model.commit else ""
        missing = "was left out" if means.without_model else "is not on this machine: give --model"
        checks.add("model", NOT_VERIFIED, f"{provenance.model.source}{commit} {missing}")
        return None
    expected = provenance.model.weights_sha256
    wrong = f"{address} has the hash {found[:12]}..., provenance.json says {expected[:12]}..."
    says = f"{address} has the hash of provenance.json"
    return address if checks.compare("model", [] if found == expected else [wrong], says) else None


def _check_tokenizer(results: Results, address: str, checks: Checks) -> Tokenizer | None:
    tokenizer, tokenization = load_tokenizer(address), results.provenance.tokenization
    wrong = []
    if tokenizer.sha256 != tokenization.tokenizer_sha256:
        wrong.append(f"{address} has another tokenizer.json than provenance.json says")
    elif tokenization.bos_id not in (None, tokenizer.bos_id):
        wrong.append(f"provenance.json has the BOS {tokenization.bos_id}, the tokenizer {tokenizer.bos_id}")
    held = checks.compare("tokenizer", wrong, "it has the hash of provenance.json")
    return tokenizer if held else None


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
    results: Results, address: str | None, windows: Mapping[str, Windows], means: Means, seed: int, checks: Checks
) -> None:
    name = "scores"
    made_again = "tokens" in checks.names(HELD)
    if not address or not made_again:
        checks.add(name, NOT_VERIFIED, f"scoring windows again needs {'the model' if not address else 'their tokens'}")
        return
    if not knows(address):
        checks.add(name, NOT_VERIFIED, f"no second implementation of {results.provenance.model.model_type}")
        return
    rescored = rescore(results, windows, address, count=means.windows, seed=seed)
    checks.compare(name, rescored.differences, f"{rescored.says} (seed {seed})")
