"""Finished results, honest and tampered with: what catches which change."""

import csv
import io
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from byheart.contracts import parquet
from byheart.measures.provenance import PROVENANCE
from byheart.measures.results import PASSAGES, STATISTICS, TEXT, WINDOWS, Results
from byheart.verification import verify
from byheart.verification.again import list_file_differences
from byheart.verification.checks import FAILED, HELD, NOT_VERIFIED, Checks
from byheart.verification.means import Means
from byheart.verification.rescoring import rescore
from byheart.verification.scorers import find_scorer
from byheart.verification.verify import Verification, verify_folder
from tests.conftest import MODEL
from tests.verification.conftest import reseal

pytestmark = pytest.mark.slow

BOOK = "the-soap-winter"


@pytest.fixture
def check(again: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Verification]:
    """Verifies a folder; what its scores give was computed once, from the honest scores."""
    monkeypatch.setattr(verify, "write_again", lambda *_: None)
    monkeypatch.setattr(
        verify, "list_file_differences", lambda of, folder, _, names: list_file_differences(of, folder, again, names)
    )

    def check_folder(folder: Path, **means: Any) -> Verification:
        return verify_folder(folder, Means(model=str(MODEL), **{"windows": 4, **means}), Checks(print))

    return check_folder


def find(verification: Verification, name: str) -> str:
    """What a check says."""
    return next(check.says for check in verification.checks if check.name == name)


def edit_json(path: Path, change: Callable[[Any], None]) -> None:
    content = json.loads(path.read_bytes())
    change(content)
    path.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


def edit_columns(path: Path, change: Callable[[dict[str, np.ndarray]], None]) -> None:
    columns, note = parquet.from_bytes(path.read_bytes(), name=str(path))
    columns = {name: values.copy() for name, values in columns.items()}
    change(columns)
    path.write_bytes(parquet.to_bytes(columns, note))


def test_honest_results_hold(honest: Path, check: Callable[..., Verification]) -> None:
    found = check(honest, store=str(honest.parent / "nowhere"))
    assert found.list_names(FAILED) == found.list_names(NOT_VERIFIED) == []
    assert found.verdict == (
        "verified: files, registration, texts, model, tokenizer, tokens, sums, numbers, pictures, scores"
    )
    assert "before any window was scored; the store has no record of it" in find(found, "registration")
    assert find(found, "tokens").startswith("6,132 windows are those")
    assert find(found, "scores").startswith("4 of 6,532 windows, scored by NumPy in float64: at most ")


def test_changed_file_has_another_hash(changed: Path, check: Callable[..., Verification]) -> None:
    (changed / "log.txt").write_bytes(b" " + (changed / "log.txt").read_bytes())
    assert check(changed).list_names(FAILED) == ["files"]


def change_headline(folder: Path) -> None:
    def change(content: Any) -> None:
        numbers = content["headline"]
        content["headline"] = {name: value + (1 if isinstance(value, int) else 0.1) for name, value in numbers.items()}

    edit_json(folder / BOOK / STATISTICS, change)


def change_deep_statistic(folder: Path) -> None:
    def change(content: Any) -> None:
        content["top_k"]["coverage_at"]["window"]["0.1"]["words"] += 1

    edit_json(folder / BOOK / STATISTICS, change)


def change_passage(folder: Path) -> None:
    path = folder / BOOK / PASSAGES
    rows = list(csv.reader(io.StringIO(path.read_text(encoding="utf-8"), newline="")))
    rows[1][rows[0].index("characters")] = "9999"
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    path.write_text(text.getvalue(), encoding="utf-8")


def change_page(folder: Path) -> None:
    path = folder / "summary.md"
    path.write_text(path.read_text(encoding="utf-8").replace("51.4%", "91.4%"), encoding="utf-8")


def remove_chart(folder: Path) -> None:
    (folder / BOOK / "coverage.svg").unlink()


def swap_charts(folder: Path) -> None:
    shutil.copyfile(folder / BOOK / "heat_map.png", folder / "the-lamp-ledger" / "heat_map.png")


def change_one_score(folder: Path) -> None:
    def change(columns: dict[str, np.ndarray]) -> None:
        columns["log_p_z"][7] = -0.1

    edit_columns(folder / BOOK / WINDOWS, change)


def change_tokens(folder: Path) -> None:
    def change(columns: dict[str, np.ndarray]) -> None:
        columns["token_ids"][0, 0] += 1

    edit_columns(folder / BOOK / WINDOWS, change)


def change_text(folder: Path) -> None:
    path = folder / BOOK / TEXT
    path.write_bytes(path.read_bytes().replace(b"soap", b"soup", 1))


def change_text_and_its_hash(folder: Path) -> None:
    import hashlib

    change_text(folder)
    digest = hashlib.sha256((folder / BOOK / TEXT).read_bytes()).hexdigest()
    for path in (folder / PROVENANCE, folder / BOOK / STATISTICS):
        old = json.loads((folder / PROVENANCE).read_bytes())["books"][BOOK]["sha256"]
        path.write_bytes(path.read_bytes().replace(old.encode(), digest.encode()))


def change_setting(folder: Path) -> None:
    edit_json(folder / PROVENANCE, lambda content: content["settings"]["score"].update(top_k=41))


def change_weights_hash(folder: Path) -> None:
    edit_json(folder / PROVENANCE, lambda content: content["model"].update(weights_sha256="0" * 64))


def add_file(folder: Path) -> None:
    (folder / BOOK / "claim.txt").write_text("certified", encoding="utf-8")
    with (folder / "SHA256SUMS").open("a", encoding="utf-8") as file:
        file.write(f"{'0' * 64}  {BOOK}/claim.txt\n")


@pytest.mark.parametrize(
    ("tamper", "caught", "says"),
    [
        (
            change_headline,
            "numbers",
            "statistics.json, headline ",
        ),
        (change_deep_statistic, "numbers", "statistics.json, top_k coverage_at window 0.1 words: "),
        (change_passage, "numbers", f"{BOOK}/passages.csv, 0 characters: 9999 instead of "),
        (change_page, "numbers", "summary.md, line "),
        (remove_chart, "pictures", f"{BOOK}/coverage.svg is missing"),
        (swap_charts, "pictures", "the-lamp-ledger/heat_map.png is not the picture that the scores give"),
        (change_one_score, "sums", f"{BOOK}/windows.parquet, log_p_z: not the sum of token_log_probs"),
        (change_tokens, "tokens", f"{BOOK}/windows.parquet, token_ids: not the tokens of the text"),
        (change_text, "texts", "text.txt must be as it was written"),
        (change_text_and_its_hash, "registration", "something else was registered than was measured"),
        (change_setting, "registration", "something else was registered than was measured"),
        (change_weights_hash, "model", "provenance.json says 000000000000..."),
        (add_file, "numbers", f"{BOOK}/claim.txt is not of such a run"),
    ],
)
def test_change_is_caught_though_the_hashes_were_mended(
    tamper: Callable[[Path], None], caught: str, says: str, changed: Path, check: Callable[..., Verification]
) -> None:
    tamper(changed)
    reseal(changed)
    found = check(changed)
    assert found.list_names(FAILED), found
    assert "files" in found.list_names(HELD), "the hashes were mended"
    assert caught in found.list_names(FAILED)
    assert says in find(found, caught)


def test_registration_is_held_against_the_store_s_record(
    sample_run: Path, changed: Path, check: Callable[..., Verification]
) -> None:
    own = {"store": str(sample_run.parent / "store"), "is_runs_store": True}
    assert "as the store's record says" in find(check(changed, **own), "registration")
    edit_json(changed / PROVENANCE, lambda content: content["registration"].update(registered="2020-01-01T00:00:00"))
    reseal(changed)
    assert "registration" in check(changed).list_names(HELD), "nothing but the store knows when that was"
    found = check(changed, **own)
    assert "registration" in found.list_names(FAILED)
    assert "says otherwise than provenance.json" in find(found, "registration")


def test_registration_holds_where_another_store_has_it_from_another_time(
    sample_run: Path, changed: Path, check: Callable[..., Verification]
) -> None:
    edit_json(changed / PROVENANCE, lambda content: content["registration"].update(registered="2099-01-01T00:00:00"))
    reseal(changed)
    found = check(changed, store=str(sample_run.parent / "store"))
    assert "registration" in found.list_names(HELD)
    assert "this machine's store has it from 20" in find(found, "registration")


def test_windows_of_a_book_whose_text_is_missing_are_not_scored_again(honest: Path) -> None:
    results = Results.open(honest)
    made_again = {item.book.name: item.read_windows().windows for item in results.books if item.book.name == BOOK}
    found = rescore(results, made_again, find_scorer(str(MODEL)), count=4, seed=1)
    assert (found.among, found.differences) == (4_025 + 200, [])


def test_scores_that_are_false_throughout_are_found_by_scoring_again(changed: Path) -> None:
    """Whoever makes up scores, and all files from them, is caught by nothing else."""

    def improve(columns: dict[str, np.ndarray]) -> None:
        columns["token_log_probs"][::2] *= np.float32(0.9)
        columns["log_p_z"][:] = columns["token_log_probs"].astype(np.float64).sum(axis=1)

    def improve_sample(columns: dict[str, np.ndarray]) -> None:
        columns["log_p_z"] -= 1

    windows = {item.book.name: item.read_windows().windows for item in Results.open(changed).books}
    assert rescore(Results.open(changed), windows, find_scorer(str(MODEL)), count=8, seed=1).differences == []
    edit_columns(changed / BOOK / WINDOWS, improve)
    edit_columns(changed / BOOK / "control_sample.parquet", improve_sample)
    found = rescore(Results.open(changed), windows, find_scorer(str(MODEL)), count=48, seed=1)
    of_windows = [clause for clause in found.differences if clause.startswith(f"{BOOK}/windows.parquet, row ")]
    assert len(of_windows) > 5
    assert "a token's log-probability is off by more than 0.0001 nats" in of_windows[0]
    assert any(clause.startswith(f"{BOOK}/control_sample.parquet, row ") for clause in found.differences)
    assert not any(clause.startswith("the-lamp-ledger") for clause in found.differences)


def test_windows_in_float32_of_a_run_in_16_bits_are_held_to_float32(changed: Path) -> None:
    """The control's windows are all below p_z = 0.001, where bfloat16 may differ by nats."""

    def shift(columns: dict[str, np.ndarray]) -> None:
        columns["token_log_probs"] -= np.float32(0.001)
        columns["log_p_z"][:] = columns["token_log_probs"].astype(np.float64).sum(axis=1)
        columns["rescored"][::3] = True

    windows = {item.book.name: item.read_windows().windows for item in Results.open(changed).books}
    control = {name: rows for name, rows in windows.items() if name == "the-lamp-ledger"}
    edit_json(changed / PROVENANCE, lambda content: content.update(precision="bfloat16"))
    edit_columns(changed / "the-lamp-ledger" / WINDOWS, shift)
    found = rescore(Results.open(changed), control, find_scorer(str(MODEL)), count=24, seed=1)
    rows = [int(clause.partition(", row ")[2].partition(":")[0].replace(",", "")) for clause in found.differences]
    assert len(rows) > 3
    assert all(row % 3 == 0 for row in rows)


def test_what_needs_the_model_is_said_where_it_is_left_out(honest: Path, check: Callable[..., Verification]) -> None:
    found = check(honest, without_model=True)
    assert found.list_names(FAILED) == []
    assert found.list_names(NOT_VERIFIED) == ["model", "tokens", "scores"]
    assert "was left out" in find(found, "model")
