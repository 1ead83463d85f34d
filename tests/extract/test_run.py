"""The stage as a whole: windows in, score parts in the store out."""

import dataclasses
import errno
import hashlib
import json
import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from byheart.components.extract import checkpoint
from byheart.components.extract.run import run as extract_stage
from byheart.components.plan.run import run as plan_stage
from byheart.contracts.books import Book, write_books
from byheart.contracts.errors import ByheartError, DamagedError, ModelError, StoreError
from byheart.contracts.model import Model, read_model, write_model
from byheart.contracts.only import Span
from byheart.contracts.plan import Plan, read_plan, write_plan
from byheart.contracts.selection import Selection, choose_control_sample, select_windows
from byheart.contracts.settings import Settings
from byheart.contracts.window_files import write_windows
from byheart.contracts.windows import Tokenization, Windows
from byheart.machines.placement import PLAIN, Placement
from byheart.models.folder import hash_files
from byheart.scores.kinds import SCORES
from byheart.scores.scores import Scores
from byheart.scores.store import Reuse, ScoreStore
from byheart.store import open_store
from byheart.store.local import LocalStore
from tests.contracts.test_settings import DEFAULTS
from tests.extract.numpy_decoder import logits

pytestmark = pytest.mark.slow

CHECKPOINT = Path(__file__).parent / "goldens" / "gqa_untied"
TOKENS, PROMPT, WINDOWS = 12, 5, 1_100
IDS = np.random.default_rng(0).integers(0, 160, (WINDOWS, TOKENS)).astype(np.int32)
SPANS = Windows(
    cursor=10 * np.arange(WINDOWS), start=10 * np.arange(WINDOWS), suffix_start=10 * np.arange(WINDOWS) + PROMPT,
    stop=10 * np.arange(WINDOWS) + TOKENS, prompt_tokens=np.full(WINDOWS, PROMPT, np.int32),
    suffix_tokens=np.full(WINDOWS, TOKENS - PROMPT, np.int32), flagged=np.zeros(WINDOWS, bool),
    spill=np.zeros(WINDOWS, np.int32), token_ids=IDS, token_stops=IDS.astype(np.int64),
    dropped_tail=0, dropped_inside=0,
)  # fmt: skip
"""A token a character."""


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


class Stage:
    """The artifacts of a book of random tokens, under one name or several, and the stages that plan and score it."""

    def __init__(self, folder: Path, checkpoint: Path = CHECKPOINT, names: tuple[str, ...] = ("random",)) -> None:
        self.folder, self.names = folder, names
        self.selection = select_windows(SPANS, [Span(start=0, stop=10 * WINDOWS + TOKENS)])
        write_books(folder / "books", [Book(name=name, source="nowhere", text="a book") for name in names])
        digests = {name: sha256(checkpoint / name) for name in ("config.json", "model.safetensors")}
        model = Model(
            source="m",
            commit=None,
            address=str(checkpoint),
            model_type="llama",
            parameters=1,
            weights_sha256=hash_files(digests),
            files=digests,
        )
        write_model(folder / "model.json", model)

    def __call__(self, **settings: Any) -> Scores:
        self.run(**settings)
        return self.read()

    def run(self, **settings: Any) -> None:
        """What is left, shard by shard, as the pipeline has it."""
        for shard in self.plan(**settings)[0]:
            self.extract(shard)

    def plan(self, *, bos_id: int | None = None, **settings: Any) -> tuple[list[int], Placement]:
        Settings.from_parameters(
            {
                **DEFAULTS,
                "chunk_size": TOKENS,
                "prompt_tokens": PROMPT,
                "top_k": 7,
                "accelerator": "cpu",
                **settings,
            }
        ).write(self.folder / "settings.json")
        tokenization = Tokenization(tokenizer_sha256="t", tokenizers="0", bos_id=bos_id, scored_tokens=TOKENS - PROMPT)
        books = ((name, SPANS, self.selection) for name in self.names)
        write_windows(self.folder / "windows", tokenization, books)
        return plan_stage(**self._paths("books", "model", "windows", "settings", "store", "plan"))

    def extract(self, shard: int) -> None:
        self.scored = extract_stage(
            **self._paths("books", "model", "windows", "settings", "store", "plan"), shard=shard
        )

    def _paths(self, *names: str) -> dict[str, str]:
        folders = ("books", "windows", "store")
        return {name: str(self.folder / (name if name in folders else f"{name}.json")) for name in names}

    def planned(self) -> Plan:
        return read_plan(self.folder / "plan.json")

    def read(self) -> Scores:
        return self.read_at(self.planned().addresses["random"], WINDOWS)

    def read_at(self, address: str, count: int) -> Scores:
        return Scores(**self.scores.read(address, count, SCORES)[0])

    @property
    def scores(self) -> ScoreStore:
        return ScoreStore(open_store(str(self.folder / "store")))

    def parts(self) -> dict[Path, int]:
        return {path: path.stat().st_mtime_ns for path in (self.folder / "store").rglob("*.parquet")}


def by_float64(ids: list[int]) -> tuple[list[float], list[int]]:
    """The log-probs and the ranks of the suffix tokens, the last of `ids`."""
    wide = logits(CHECKPOINT, np.array(ids))
    log_probs = wide - np.log(np.exp(wide).sum(axis=-1, keepdims=True))
    suffix = range(len(ids) - (TOKENS - PROMPT), len(ids))
    ranks = [int((wide[place - 1] > wide[place - 1, ids[place]]).sum()) for place in suffix]
    return [float(log_probs[place - 1, ids[place]]) for place in suffix], ranks


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    return Stage(tmp_path)


@pytest.mark.parametrize("bos_id", [None, 3])
def test_scores_are_those_of_a_float64_decoder(stage: Stage, bos_id: int | None) -> None:
    scores = stage(bos_id=bos_id)
    for window in (0, 500, WINDOWS - 1):
        expected, ranks = by_float64([*([] if bos_id is None else [bos_id]), *IDS[window]])
        np.testing.assert_allclose(scores.token_log_probs[window], expected, atol=1e-4)
        assert scores.log_p_z[window] == pytest.approx(sum(expected), abs=1e-3)
        assert scores.token_ranks[window].tolist() == ranks


@pytest.mark.parametrize("bos_id", [None, 3])
def test_control_sample_is_scored_under_the_prompt_of_another_window(stage: Stage, bos_id: int | None) -> None:
    stage(bos_id=bos_id, control_sample=30)
    sample = choose_control_sample(SPANS, 30)
    address = stage.planned().control_addresses["random"]
    scores = stage.read_at(address, len(sample))
    assert len(sample) == 30
    for row in (0, 17, 29):
        prompt, suffix = IDS[sample.prompt_window[row]][:PROMPT], IDS[sample.suffix_window[row]][PROMPT:]
        expected, ranks = by_float64([*([] if bos_id is None else [bos_id]), *prompt, *suffix])
        np.testing.assert_allclose(scores.token_log_probs[row], expected, atol=1e-4)
        assert scores.token_ranks[row].tolist() == ranks


def test_control_sample_leaves_the_scores_and_their_address_as_they_were(stage: Stage) -> None:
    stage()
    before = stage.parts()
    assert stage.planned().control_addresses == {}
    stage(control_sample=30)
    after = stage.parts()
    assert {path: after[path] for path in before} == before
    assert len(after) == len(before) + 1


@pytest.mark.parametrize("batch_size", [1, 7, 64, 2_000])
def test_values_do_not_depend_on_the_batch(stage: Stage, tmp_path: Path, batch_size: int) -> None:
    """Beyond rounding: 1e-5 nats a token, or 1e-5 of the value where that is more (this checkpoint is steep)."""
    (tmp_path / "other").mkdir()
    one, other = stage(), Stage(tmp_path / "other")(batch_size=batch_size)
    np.testing.assert_allclose(other.token_log_probs, one.token_log_probs, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(other.token_log_top_k_mass, one.token_log_top_k_mass, rtol=1e-5, atol=1e-5)
    moved = np.abs(other.token_ranks - one.token_ranks)
    assert moved.max() <= 1, "two logits that nearly tie may change places"
    assert moved.mean() < 1e-3


def test_finished_part_is_not_computed_again_and_a_lost_one_comes_back_the_same(stage: Stage) -> None:
    stage()
    first = stage.parts()
    contents = {path: path.read_bytes() for path in first}
    lost, kept = sorted(first)
    lost.unlink()
    stage()
    assert stage.parts()[kept] == first[kept]
    assert {path: path.read_bytes() for path in first} == contents


def test_damaged_parts_are_found_and_computed_again(stage: Stage, capsys: pytest.CaptureFixture[str]) -> None:
    expected = stage()
    cut, changed = sorted(path for path in stage.parts() if path.stem in ("part-00000", "part-00001"))
    whole = {path: path.read_bytes() for path in (cut, changed)}
    cut.write_bytes(whole[cut][:-100])
    spoilt = bytearray(whole[changed])
    spoilt[len(spoilt) // 3] ^= 1
    changed.write_bytes(spoilt)
    again = stage()
    assert capsys.readouterr().out.count("damaged, and computed again") == 2
    assert {path: path.read_bytes() for path in whole} == whole
    np.testing.assert_array_equal(again.token_log_probs, expected.token_log_probs)


def test_parts_that_are_there_are_computed_anew_only_by_force(stage: Stage) -> None:
    stage()
    before = {path: (path.stat().st_ino, path.read_bytes()) for path in stage.parts()}
    stage()
    assert {path: path.stat().st_ino for path in before} == {path: inode for path, (inode, _) in before.items()}
    stage(force=True)
    after = {path: (path.stat().st_ino, path.read_bytes()) for path in stage.parts()}
    assert {path: data for path, (_, data) in after.items()} == {path: data for path, (_, data) in before.items()}
    assert all(after[path][0] != inode for path, (inode, _) in before.items())


def test_forced_run_that_was_killed_goes_on_where_it_was(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Every batch is a piece here, and the run is killed as the fifth is to be written."""
    stage()
    before = {path: path.read_bytes() for path in stage.parts()}
    stage.plan(force=True)
    link, pieces = os.link, iter(range(999))

    def killed(*arguments: Any) -> None:
        if ".probe-" not in str(arguments[1]) and next(pieces) >= 4:
            raise KeyboardInterrupt
        link(*arguments)

    monkeypatch.setattr("byheart.scores.batches.PIECE_SECONDS", 0.0)
    monkeypatch.setattr(os, "link", killed)
    with pytest.raises(KeyboardInterrupt):
        stage.extract(1)
    kept = [path for path in stage.parts() if path not in before]
    assert len(kept) == 4
    assert {path.parent.name for path in kept} == {stage.planned().run}
    monkeypatch.undo()
    stage.extract(1)
    done = sum(int(path.stem.split("-")[1]) - int(path.stem.split("-")[0]) + 1 for path in kept)
    assert stage.scored == WINDOWS - done
    assert f"{WINDOWS:,} windows of 1 book, {done} scored already" in capsys.readouterr().out
    assert {path: path.read_bytes() for path in stage.parts()} == before
    stage.extract(1)
    assert stage.scored == 0


def test_forced_run_that_was_killed_after_its_last_piece_replaces_what_was_there(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No later run knows its pieces: they carry its name."""
    stage()
    before = {path: path.stat().st_ino for path in stage.parts()}
    stage.plan(force=True)
    monkeypatch.setattr("byheart.scores.batches.PIECE_SECONDS", 0.0)
    monkeypatch.setattr(ScoreStore, "put_together", lambda *_: False)
    stage.extract(1)
    monkeypatch.undo()
    assert len(stage.parts()) > len(before)
    stage.extract(1)
    assert stage.scored == 0
    assert before.keys() == stage.parts().keys()
    assert all(path.stat().st_ino != inode for path, inode in before.items())


@pytest.mark.parametrize("planned", [False, True])
def test_folder_of_a_part_s_name_is_said_before_weights_are_loaded(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, planned: bool
) -> None:
    stage.plan()
    (address,) = stage.planned().windows
    monkeypatch.setattr(checkpoint, "load", None)
    (stage.folder / "store" / "scores" / address / "scores" / "part-00000.parquet").mkdir(parents=True)
    with pytest.raises(StoreError, match=r"part-00000.parquet must be a file or not there, found a folder: remove it"):
        stage.extract(1) if planned else stage.plan()


def test_part_is_paid_for_once(stage: Stage, capsys: pytest.CaptureFixture[str]) -> None:
    """Windows 101 to 109 and 1,000 to 1,099, of both parts of the store; then every tenth; then the rest."""
    whole = stage.selection
    part = [Span(start=1_006, stop=1_111), Span(start=10_005, stop=99_999)]
    stage.selection = select_windows(SPANS, part)
    which = np.array([*range(101, 110), *range(1_000, 1_100)])
    assert stage.selection.numbers().tolist() == which.tolist()
    stage.run()
    address = stage.planned().addresses["random"]
    assert (stage.scored, stage.planned().missing) == (109, 109)
    assert "109 of 109 windows are to be scored" in capsys.readouterr().out
    some, _ = stage.scores.read(address, WINDOWS, SCORES, which=which, reuse=Reuse())
    stage.selection = select_windows(SPANS, whole.characters, 110)
    spread = [10 * number + 5 for number in range(110)]
    assert stage.selection.numbers().tolist() == spread
    stage.run()
    assert stage.scored == 110 - len(set(spread) & set(which.tolist())) == 99
    assert "99 of 110 windows are to be scored" in capsys.readouterr().out
    stage.selection = whole
    stage.run()
    assert stage.planned().addresses["random"] == address
    assert stage.scored == WINDOWS - 109 - 99
    np.testing.assert_allclose(some["token_log_probs"], stage.read().token_log_probs[which], rtol=1e-5, atol=1e-5)
    assert sorted(path.name for path in stage.parts()) == ["part-00000.parquet", "part-00001.parquet"]


def test_part_of_what_is_scored_asks_for_no_accelerator(stage: Stage) -> None:
    stage.run()
    stage.selection = select_windows(SPANS, stage.selection.characters, 7)
    assert stage.plan(accelerator="v6e-1x1", precision="float32") == ([1], PLAIN)
    stage.extract(1)
    assert stage.scored == 0


def test_part_that_is_computed_anew_leaves_the_rest_as_it_was(stage: Stage) -> None:
    stage.run()
    before = {path: path.stat().st_ino for path in stage.parts()}
    stage.selection = select_windows(SPANS, stage.selection.characters[:1], 5)
    stage.run(force=True)
    assert stage.scored == 5
    which = stage.selection.numbers()
    address, reuse = stage.planned().addresses["random"], Reuse.from_plan(stage.planned())
    assert len(stage.scores.read(address, WINDOWS, SCORES, which=which, reuse=reuse)[0]["log_p_z"]) == 5
    assert {path: path.stat().st_ino for path in before} == before


def test_suffixes_of_a_control_sample_are_of_the_part(stage: Stage) -> None:
    stage.selection = select_windows(SPANS, [Span(start=0, stop=1_000 + TOKENS)])
    stage.run(control_sample=20)
    numbers = stage.selection.numbers()
    sample = choose_control_sample(SPANS, 20, numbers)
    assert sample.suffix_window.tolist() == [(2 * n + 1) * len(numbers) // 40 for n in range(20)]
    assert (sample.prompt_window - sample.suffix_window == WINDOWS // 2).all(), "half of the whole book away"
    scores = stage.read_at(stage.planned().control_addresses["random"], 20)
    prompt, suffix = IDS[sample.prompt_window[7]][:PROMPT], IDS[sample.suffix_window[7]][PROMPT:]
    np.testing.assert_allclose(scores.token_log_probs[7], by_float64([*prompt, *suffix])[0], atol=1e-4)


def test_text_under_two_names_is_asked_for_as_far_as_both_ask(tmp_path: Path) -> None:
    stage = Stage(tmp_path, names=("random", "again"))
    parts = [select_windows(SPANS, [Span(start=start, stop=start + 200)]) for start in (0, 100)]
    stage.plan()
    asked = {stage.planned().addresses["random"]: parts}
    write_plan(stage.folder / "plan.json", dataclasses.replace(stage.planned(), asked=asked))
    stage.extract(1)
    assert stage.scored == len({*parts[0].numbers().tolist(), *parts[1].numbers().tolist()})


def test_plan_that_asks_for_no_window_of_an_address_scores_none(stage: Stage) -> None:
    stage.plan()
    asked: dict[str, list[Selection]] = {stage.planned().addresses["random"]: []}
    write_plan(stage.folder / "plan.json", dataclasses.replace(stage.planned(), asked=asked))
    stage.extract(1)
    assert (stage.scored, stage.parts()) == (0, {})


def test_part_that_another_run_has_made_meanwhile_is_left_out(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another run makes all parts while this one loads its weights."""
    other = Stage(stage.folder / "other")
    other()
    load = checkpoint.load

    def load_slowly(*arguments: Any) -> Any:
        shutil.copytree(other.folder / "store", stage.folder / "store", dirs_exist_ok=True)
        return load(*arguments)

    monkeypatch.setattr(checkpoint, "load", load_slowly)
    stage()
    written = {path.relative_to(other.folder): time for path, time in other.parts().items()}
    assert {path.relative_to(stage.folder): path.stat().st_ino for path in stage.parts()}.keys() == written.keys()
    assert all(path.stat().st_mtime_ns == written[path.relative_to(stage.folder)] for path in stage.parts())


def test_write_that_fails_ends_the_stage_with_its_own_message(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    def fill(file: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), file)

    stage()
    for path in stage.parts():
        path.unlink()
    monkeypatch.setattr(LocalStore, "check_writable", lambda *_: None)  # the disk fills up after it
    monkeypatch.setattr(os, "fsync", fill)
    with pytest.raises(StoreError, match=r"cannot write .*part-0000\d.*parquet: No space left on device: make room"):
        stage()
    assert not stage.parts()


def test_same_text_under_two_names_is_scored_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Stage(tmp_path, names=("random", "again"))()
    assert f"{WINDOWS:,} / {WINDOWS:,} windows" in capsys.readouterr().out
    addresses = read_plan(tmp_path / "plan.json").addresses
    assert addresses["random"] == addresses["again"]


def test_settings_that_change_scores_change_the_address(stage: Stage) -> None:
    one = stage()
    other = stage(temperature=2.0)
    assert len(stage.parts()) == 4
    np.testing.assert_array_equal(other.token_log_probs, one.token_log_probs)
    assert (other.token_log_top_k_mass < one.token_log_top_k_mass).mean() > 0.9


def test_half_precision_is_obeyed(stage: Stage) -> None:
    exact, rough = stage(), stage(precision="bfloat16")
    assert stage.planned().precision == "bfloat16"
    difference = np.abs(rough.token_log_probs - exact.token_log_probs)
    assert 1e-4 < difference.mean() < 0.15


@pytest.mark.parametrize("file", ["config.json", "model.safetensors"])
def test_model_that_changes_after_it_was_hashed_leaves_no_score(tmp_path: Path, file: str) -> None:
    """As by a training run that writes its next checkpoint, by a disk that rots, or by another user of the store."""
    model = tmp_path / "model"
    shutil.copytree(CHECKPOINT, model)
    stage = Stage(tmp_path, model)
    stage.plan()
    if file == "config.json":
        config = json.loads((model / file).read_text())
        (model / file).write_text(json.dumps(config | {"rms_norm_eps": 0.5}))
    else:
        weights = load_file(model / file)
        weights["model.layers.0.mlp.up_proj.weight"] *= np.float32(1.5)
        then = (model / file).stat().st_mtime_ns
        save_file(weights, model / file, {"format": "pt"})
        os.utime(model / file, ns=(then, then))
    with pytest.raises(ModelError, match=rf"{file} must hold the bytes that were hashed .*, found others"):
        stage.extract(1)
    assert not stage.parts()


def test_file_that_was_not_hashed_is_not_scored(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    stage.plan()
    described = read_model(tmp_path / "model.json")
    write_model(tmp_path / "model.json", dataclasses.replace(described, files={}))
    with pytest.raises(ModelError, match="must hold the files that were hashed for this run"):
        stage.extract(1)


def test_model_that_gives_no_number_is_refused(tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "config.json").write_text((CHECKPOINT / "config.json").read_text())
    weights = load_file(CHECKPOINT / "model.safetensors")
    weights["model.norm.weight"][0] = np.nan
    save_file(weights, broken / "model.safetensors")
    with pytest.raises(ModelError, match=r"found NaN or infinity in model.norm.weight of .*: name another revision"):
        Stage(tmp_path, broken)()
    assert not list((tmp_path / "store").rglob("*.parquet"))


def test_part_says_what_it_was_computed_on_which_is_no_part_of_the_address(stage: Stage) -> None:
    stage(batch_size=8)
    before = stage.parts()
    stage(batch_size=16)
    assert stage.parts() == before
    _, (computed_on,) = stage.scores.read(stage.planned().addresses["random"], WINDOWS, SCORES)
    assert computed_on["batch_size"] == 8
    assert computed_on["precision"] == "float32"
    assert computed_on["device"] == "cpu"


def test_shards_share_the_parts_and_find_the_same_addresses(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for folder in ("whole", "shared"):
        (tmp_path / folder).mkdir()
    whole, shared = Stage(tmp_path / "whole"), Stage(tmp_path / "shared")
    whole(control_sample=30)
    capsys.readouterr()
    computed, scored = [], []
    assert shared.plan(shards=3, control_sample=30)[0] == [1, 2, 3]
    for number in range(1, 4):
        before = shared.parts().keys()
        shared.extract(number)
        computed.append(shared.parts().keys() - before)
        scored.append(shared.scored)
    assert [len(parts) for parts in computed] == [1, 1, 1], "two of the book, one of its control sample"
    assert "shard 2/3: 76 windows of 1 book, 0 scored already" in capsys.readouterr().out
    assert scored == [1_024, 76, 30]
    assert shared.planned().addresses == whole.planned().addresses
    assert {path.name: path.read_bytes() for path in shared.parts()} == {
        path.name: path.read_bytes() for path in whole.parts()
    }


def test_shards_without_anything_to_score_are_left_out(stage: Stage) -> None:
    shards, placement = stage.plan(shards=2)
    assert (shards, placement.memory) == ([1, 2], "3Gi")
    stage.extract(2)
    assert stage.plan(shards=2)[0] == [1]
    stage.extract(1)
    assert stage.plan(shards=2) == ([1], PLAIN)
    assert stage.plan(shards=2, force=True)[0] == [1, 2]


def test_damaged_part_is_planned_for(stage: Stage, capsys: pytest.CaptureFixture[str]) -> None:
    stage.run()
    damaged = max(stage.parts())
    damaged.write_bytes(damaged.read_bytes()[:-1])
    assert stage.plan(shards=2)[0] == [2]
    assert f"76 of {WINDOWS:,} windows are to be scored" in capsys.readouterr().out


def test_run_whose_scores_are_there_is_planned_on_any_node_at_the_same_addresses(stage: Stage) -> None:
    stage.run(precision="bfloat16")
    scored = read_plan(stage.folder / "plan.json")
    assert stage.plan(accelerator="v6e-1x1") == ([1], PLAIN)
    again = read_plan(stage.folder / "plan.json")
    assert (again.accelerator, again.precision, again.devices) == ("v6e-1x1", "bfloat16", None)
    assert again.addresses == scored.addresses
    before = stage.parts()
    stage.extract(1)
    assert stage.parts() == before


def test_scores_that_go_after_the_plan_are_not_computed_where_no_accelerator_was_asked_for(stage: Stage) -> None:
    stage.run()
    assert stage.plan() == ([1], PLAIN)
    min(stage.parts()).unlink()
    with pytest.raises(DamagedError, match=r"found 1,024 windows gone since it was planned, .*part-00000.*run again"):
        stage.extract(1)


@pytest.mark.parametrize(("accelerator", "resource"), [("v6e-1x1", "google.com/tpu"), ("gpu-1", "nvidia.com/gpu")])
def test_accelerator_that_was_planned_must_be_there(stage: Stage, accelerator: str, resource: str) -> None:
    """This machine has a CPU alone."""
    stage.plan(accelerator=accelerator)
    with pytest.raises(ByheartError, match=f"{accelerator}|{resource}"):
        stage.extract(1)
    assert not stage.parts()
