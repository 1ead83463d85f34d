"""Windows near thresholds are scored again in float32: planned for a TPU, scored on this machine's CPU."""

import dataclasses
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from byheart.components.extract import rescoring
from byheart.components.extract.run import run as extract_stage
from byheart.components.extract.score_work import score_work
from byheart.components.plan.run import run as plan_stage
from byheart.components.plot.run import run as plot_stage
from byheart.contracts.books import BOOK, CONTROL, Book, write_books
from byheart.contracts.errors import DamagedError, StoreError
from byheart.contracts.model import Model, write_model
from byheart.contracts.only import Span
from byheart.contracts.plan import Plan, read_plan, write_plan
from byheart.contracts.selection import select_windows
from byheart.contracts.settings import Settings
from byheart.contracts.window_files import write_windows
from byheart.contracts.windows import Tokenization, Windows
from byheart.measures.near import find_near
from byheart.measures.results import Results
from byheart.models.folder import hash_files, open_model
from byheart.models.published import count_published_bytes
from byheart.scores.kinds import SCORES
from byheart.scores.parts import list_shard_parts
from byheart.scores.store import Reuse, ScoreStore
from byheart.store import open_store
from tests.contracts.test_settings import DEFAULTS
from tests.extract.test_run import sha256
from tests.measures.toy import random_text

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


@pytest.fixture(scope="module", autouse=True)
def plain_form() -> Iterator[None]:
    """A CPU's own form rounds otherwise, and converts no weights that are held as published."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BYHEART_KERNELS", "0")
        yield


CHECKPOINT = Path(__file__).parent / "goldens" / "llama3_new_bfloat16"
TOKENS, PROMPT = 12, 5
TEXTS = {"book": 1_100, "first-control": 500, "second-control": 700}
"""How many windows each has; the book's are two parts."""


def make_windows(name: str) -> Windows:
    """Windows of random tokens, a token a character."""
    count, places = TEXTS[name], 10 * np.arange(TEXTS[name])
    ids = np.random.default_rng(len(name)).integers(0, 160, (count, TOKENS)).astype(np.int32)
    return Windows(
        cursor=places, start=places, suffix_start=places + PROMPT, stop=places + TOKENS,
        prompt_tokens=np.full(count, PROMPT, np.int32), suffix_tokens=np.full(count, TOKENS - PROMPT, np.int32),
        flagged=np.zeros(count, bool), spill=np.zeros(count, np.int32), token_ids=ids,
        token_stops=places[:, None] + 1 + np.arange(TOKENS), dropped_tail=0, dropped_inside=0,
    )  # fmt: skip


class Stages:
    """The artifacts of a book and two controls, and the stages that plan, score and plot them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        texts = {name: random_text(10 * count + TOKENS) for name, count in TEXTS.items()}
        books = [
            Book(name=name, source=name, text=text, role=BOOK if name == "book" else CONTROL)
            for name, text in texts.items()
        ]
        write_books(folder / "books", books)
        digests = {name: sha256(CHECKPOINT / name) for name in ("config.json", "model.safetensors")}
        model = Model(
            source="m", commit=None, address=str(CHECKPOINT), model_type="llama", parameters=1,
            weights_sha256=hash_files(digests), files=digests,
            published_bytes=count_published_bytes(open_model(CHECKPOINT)),
        )  # fmt: skip
        write_model(folder / "model.json", model)
        tokenization = Tokenization(tokenizer_sha256="t", tokenizers="0", bos_id=None, scored_tokens=TOKENS - PROMPT)
        spans = {name: make_windows(name) for name in TEXTS}
        whole = {name: select_windows(spans[name], [Span(start=0, stop=len(texts[name]))]) for name in TEXTS}
        write_windows(folder / "windows", tokenization, ((name, spans[name], whole[name]) for name in TEXTS))

    def plan(self, **settings: Any) -> list[int]:
        """Plan for a TPU, and have this machine's CPU take its place."""
        parameters = {
            **DEFAULTS, "chunk_size": TOKENS, "prompt_tokens": PROMPT, "top_k": 7, "accelerator": "v6e-1x1",
            "report_text": "none", "band_share": 0.01, "control_sample": 20, **settings,
        }  # fmt: skip
        Settings.from_parameters(parameters, DEFAULTS).write(self.folder / "settings.json")
        shards, _ = plan_stage(**self._paths("books", "model", "windows", "settings", "store", "plan"))
        planned = self.planned()
        again = planned.rescoring and dataclasses.replace(
            planned.rescoring, devices=dataclasses.replace(planned.rescoring.devices, flavour="cpu")
        )
        here = planned.devices and dataclasses.replace(planned.devices, flavour="cpu")
        here_plan = dataclasses.replace(planned, accelerator="cpu", devices=here, rescoring=again)
        write_plan(self.folder / "plan.json", here_plan)
        return shards

    def extract(self, shard: int = 1) -> int:
        return extract_stage(**self._paths("books", "model", "windows", "settings", "store", "plan"), shard=shard)

    def run(self, **settings: Any) -> int:
        return sum(self.extract(shard) for shard in self.plan(**settings))

    def plot(self) -> Results:
        names = ("books", "model", "windows", "settings", "plan", "store")
        plot_stage(**self._paths(*names), results=str(self.folder / "results"))
        return Results.open(self.folder / "results")

    def planned(self) -> Plan:
        return read_plan(self.folder / "plan.json")

    def read(self, addresses: list[str]) -> dict[str, dict[int, float]]:
        """The log_p_z of all windows that there are at addresses, by their numbers."""
        plan, store = self.planned(), ScoreStore(open_store(str(self.folder / "store")))
        counts = dict(zip(self.firsts, addresses, strict=True))
        found: dict[str, dict[int, float]] = {}
        for first, address in counts.items():
            parts = list_shard_parts({address: plan.windows[first]}, SCORES, 1, 1)
            missing = {item.part: set(item.windows.tolist()) for item in store.find_missing(parts, {}, Reuse())}
            there = np.array([n for part in parts for n in part.windows if n not in missing.get(part, set())], np.int32)
            columns, _ = store.read(address, plan.windows[first], SCORES, which=there)
            found[first] = dict(zip(there.tolist(), columns["log_p_z"].tolist(), strict=True))
        return found

    @property
    def firsts(self) -> list[str]:
        return list(self.planned().windows)

    @property
    def seconds(self) -> list[str]:
        again = self.planned().rescoring
        assert again
        return [again.addresses[address] for address in self.firsts]

    def _paths(self, *names: str) -> dict[str, str]:
        folders = ("books", "windows", "store")
        return {name: str(self.folder / (name if name in folders else f"{name}.json")) for name in names}


def make_folder(path: Path) -> Path:
    path.mkdir()
    return path


@pytest.fixture
def stages(tmp_path: Path) -> Stages:
    return Stages(tmp_path)


@pytest.fixture(scope="module")
def exact(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[int, float]]:
    """log_p_z of all windows in float32, by the order of the addresses."""
    stages = Stages(tmp_path_factory.mktemp("exact"))
    stages.run(precision="float32")
    return {str(n): values for n, values in enumerate(stages.read(stages.firsts).values())}


def check_rescored(stages: Stages, exact: dict[str, dict[int, float]]) -> dict[str, list[int]]:
    """Check that the scores in float32 are right; returns which windows have them."""
    again = list(stages.read(stages.seconds).values())
    first = list(stages.read(stages.firsts).values())
    for n, windows in enumerate(again):
        whole = exact[str(n)]
        assert len(first[n]) == len(whole)
        assert all(windows[number] == pytest.approx(whole[number], abs=1e-5) for number in windows)
    moved = [abs(first[n][number] - again[n][number]) for n in range(len(again)) for number in again[n]]
    assert max(moved) > 1e-3, "first scores stay what they were"
    return {str(n): sorted(windows) for n, windows in enumerate(again)}


def test_windows_near_thresholds_are_scored_again_and_no_others(
    stages: Stages, exact: dict[str, dict[int, float]], capsys: pytest.CaptureFixture[str]
) -> None:
    scored = stages.run()
    planned = stages.planned()
    assert planned.precision == "bfloat16"
    chosen = check_rescored(stages, exact)
    near, total = sum(map(len, chosen.values())), sum(planned.windows.values())
    assert 0 < near < total / 2
    assert scored == total + near
    said = capsys.readouterr().out
    assert f"{near:,} of {total:,} windows ({near / total:.1%}) are within 3 nats of a threshold" in said
    assert said.count(" of weights ") == 1, "published in bfloat16, they are there already"
    results = stages.plot()
    calibration = results.books[0].read_calibration()
    assert calibration
    assert calibration.windows_t
    assert calibration.characters_t
    assert calibration.census
    thresholds = [t.value for t in (calibration.windows_t, calibration.characters_t, calibration.census)]
    of_book = np.array(list(exact["0"].values()))
    sure = np.flatnonzero(np.abs(of_book[:, None] - np.array(thresholds)).min(axis=1) < 2.5)
    assert set(sure) <= set(chosen["0"])
    far = np.flatnonzero(~find_near(of_book, [*thresholds, -7.0, -2.0]))
    assert len(set(far) & set(chosen["0"])) < len(chosen["0"]) / 2


def test_results_take_the_scores_in_float32(stages: Stages, exact: dict[str, dict[int, float]]) -> None:
    stages.run()
    chosen, results = check_rescored(stages, exact), stages.plot()
    assert (results.provenance.precision, results.provenance.rescored) == ("bfloat16", True)
    for book in results.books:
        n = str(stages.firsts.index(book.book.scores))
        table = book.read_windows()
        assert table.number[table.rescored].tolist() == chosen[n]
        assert book.statistics.windows.rescored == len(chosen[n])
        expected = [exact[n][number] for number in chosen[n]]
        np.testing.assert_allclose(table.scores.log_p_z[table.rescored], expected, atol=1e-5)
        np.testing.assert_allclose(table.scores.token_log_probs.sum(axis=1)[table.rescored], expected, atol=1e-5)
        assert {on.precision for on in book.book.computed_on} == {"bfloat16", "float32"}
        assert book.book.rescored_scores in stages.seconds
    sample = pq.read_table(stages.folder / "results" / "book" / "control_sample.parquet")
    of_sample = stages.firsts.index(stages.planned().control_addresses["book"])
    assert np.flatnonzero(sample["rescored"].to_numpy()).tolist() == chosen[str(of_sample)]
    methods = " ".join((stages.folder / "results" / "methods.md").read_text().split())
    count = sum(book.statistics.windows.rescored for book in results.books)
    assert f"scored again in float32 arithmetic with the weights as published ({count:,} of 2,300)" in methods
    assert results.provenance.compute_digest() == results.provenance.registration.digest  # type: ignore[union-attr]


def test_run_that_was_killed_goes_on_where_it_was(
    stages: Stages, exact: dict[str, dict[int, float]], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    calls: list[tuple[Any, ...]] = []

    def score_once(*args: Any) -> int:
        if calls:
            raise KeyboardInterrupt
        calls.append(args)
        return score_work(*args)

    monkeypatch.setattr(rescoring, "score_work", score_once)
    with pytest.raises(KeyboardInterrupt):
        stages.run()
    with pytest.raises(StoreError, match=r"store must hold scores in float32 of all windows near thresholds, found \d"):
        stages.plot()
    monkeypatch.undo()
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "store").rglob("*.parquet")}
    assert stages.plan() == [1]
    planned = stages.planned()
    assert planned.devices
    assert planned.missing > 0
    assert stages.extract() == planned.missing
    assert {path: path.stat().st_mtime_ns for path in before if path.exists()} == before
    chosen = check_rescored(stages, exact)
    whole = Stages(make_folder(tmp_path / "whole"))
    whole.run()
    assert check_rescored(whole, exact) == chosen


def test_nothing_is_asked_for_once_all_is_scored(stages: Stages) -> None:
    stages.run()
    stages.plan()
    assert (stages.planned().missing, stages.planned().devices) == (0, None)
    assert stages.planned().rescoring, "results still take those scores"
    assert stages.extract() == 0


def test_scores_in_float32_that_are_gone_are_no_reason_to_look_for_devices(stages: Stages) -> None:
    stages.run()
    stages.plan()
    for path in (stages.folder / "store" / "scores" / stages.seconds[0]).rglob("*.parquet"):
        path.unlink()
    with pytest.raises(DamagedError, match=r"windows gone since it was planned, as .*: run again, which plans for"):
        stages.extract()
    stages.run()
    assert stages.plot().books[0].statistics.windows.rescored > 0


@pytest.mark.parametrize("order", [(1, 2, 3), (3, 1, 2)])
def test_shard_that_ends_last_scores_again(
    stages: Stages, exact: dict[str, dict[int, float]], order: tuple[int, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    assert stages.plan(shards=3) == [1, 2, 3]
    for shard in order[:-1]:
        stages.extract(shard)
        assert "by the task that ends last" in capsys.readouterr().out
    assert not any(stages.read(stages.seconds).values())
    stages.extract(order[-1])
    chosen = check_rescored(stages, exact)
    one = Stages(make_folder(stages.folder / "one"))
    one.run()
    assert check_rescored(one, exact) == chosen


def test_scores_of_a_run_in_float32_are_used_again_and_change_nothing_else(stages: Stages, tmp_path: Path) -> None:
    stages.run(precision="float32")
    total = sum(stages.planned().windows.values())
    assert stages.run() == total, "all that are near have been scored"
    both = stages.plot()
    alone = Stages(make_folder(tmp_path / "alone"))
    alone.run()
    for one, other in zip(both.books, alone.plot().books, strict=True):
        np.testing.assert_array_equal(one.read_windows().rescored, other.read_windows().rescored)
        np.testing.assert_allclose(
            one.read_windows().scores.log_p_z, other.read_windows().scores.log_p_z, atol=1e-5, rtol=0
        )


def test_float32_scores_are_those_that_a_run_in_float32_goes_on_with(stages: Stages) -> None:
    stages.run()
    near = sum(map(len, stages.read(stages.seconds).values()))
    total = sum(stages.planned().windows.values())
    assert stages.run(precision="float32") == total - near


@pytest.mark.parametrize("settings", [{"precision": "bfloat16"}, {"precision": "float32"}, {"accelerator": "cpu"}])
def test_precision_that_is_asked_for_is_kept(stages: Stages, settings: dict[str, str]) -> None:
    stages.plan(**settings)
    assert stages.planned().rescoring is None


def test_digest_tells_whether_windows_are_scored_again(stages: Stages) -> None:
    digests = []
    for precision in ("auto", "bfloat16"):
        stages.plan(precision=precision)
        registration = stages.planned().registration
        assert registration
        digests.append(registration.digest)
    assert digests[0] != digests[1]


def test_forced_run_scores_all_of_them_again(stages: Stages) -> None:
    scored = stages.run()
    assert stages.run(force=True) == scored
    assert json.loads((stages.folder / "plan.json").read_text())["forced"]
    assert stages.plot().books[0].statistics.windows.rescored > 0
