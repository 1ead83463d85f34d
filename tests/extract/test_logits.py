"""Logits of a run: those of a float64 decoder, whose log-softmax the scores are, kept once and in bounded memory."""

from pathlib import Path

import jax
import numpy as np
import pytest

from byheart.components.extract import fetching, token_scores
from byheart.contracts.errors import ModelError
from byheart.contracts.only import Span
from byheart.contracts.selection import select_windows
from byheart.scores.kinds import SCORES
from byheart.scores.logits import LogitsStore
from tests.extract.numpy_decoder import logits as decode
from tests.extract.test_run import CHECKPOINT, IDS, PROMPT, SPANS, TOKENS, WINDOWS, Stage

SCORED, VOCABULARY = TOKENS - PROMPT, 160
PLACES = [Span(start=9_900, stop=10_500)]
"""Of some sixty windows, in both parts of the store."""


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    stage = Stage(tmp_path)
    stage.selection = select_windows(SPANS, PLACES)
    return stage


def read(stage: Stage, kind: str) -> dict[str, np.ndarray]:
    """The arrays of the selected windows, from their bytes alone."""
    (folder,) = (stage.folder / "store" / "scores").glob(f"*/{kind}/logits.zarr")
    found = {}
    for array in (path.parent for path in folder.glob("*/zarr.json")):
        dtype = np.dtype("<i4" if array.name == "ids" else "<f4" if kind.endswith("32") else "<f2")
        chunks = [(array / f"c.{window}.0.0").read_bytes()[:-4] for window in stage.selection.numbers()]
        found[array.name] = np.stack([np.frombuffer(chunk, dtype) for chunk in chunks])
    return found


def objects(stage: Stage) -> dict[Path, tuple[int, bytes]]:
    """The chunks in the store, with the number of each file and its bytes."""
    return {path: (path.stat().st_ino, path.read_bytes()) for path in (stage.folder / "store").rglob("c.*.0.0")}


def log_softmax(values: np.ndarray) -> np.ndarray:
    wide = values.astype(np.float64)
    top = wide.max(axis=-1, keepdims=True)
    return wide - top - np.log(np.exp(wide - top).sum(axis=-1, keepdims=True))


def scores_of(stage: Stage, name: str) -> np.ndarray:
    which = stage.selection.numbers()
    return stage.scores.read(stage.planned().addresses["random"], WINDOWS, SCORES, which=which)[0][name]


@pytest.mark.slow
@pytest.mark.parametrize(("dtype", "rounding"), [("float32", 1e-5), ("float16", 2**-9)])
def test_log_softmax_of_the_logits_is_the_scores(stage: Stage, dtype: str, rounding: float) -> None:
    stage.run(logits="suffix", logits_dtype=dtype)
    windows = stage.selection.numbers()
    found = read(stage, f"logits-suffix-{dtype}")["logits"].reshape(len(windows), SCORED, VOCABULARY)
    targets = IDS[windows][:, PROMPT:]
    again = np.take_along_axis(log_softmax(found), targets[..., None], axis=-1)[..., 0]
    largest = np.abs(found).max(axis=-1)
    expected = scores_of(stage, "token_log_probs")
    assert (np.abs(again - expected) <= rounding * np.maximum(largest, 1)).all()
    oracle = decode(CHECKPOINT, IDS[windows[7]])[PROMPT - 1 : TOKENS - 1]
    np.testing.assert_allclose(found[7], oracle, atol=1e-3 + rounding * np.abs(oracle).max())


@pytest.mark.slow
def test_logits_at_every_position_leave_the_scores_as_they_are(stage: Stage) -> None:
    stage.run(logits="all", logits_dtype="float32")
    windows = stage.selection.numbers()
    found = read(stage, "logits-all-float32")["logits"].reshape(len(windows), TOKENS - 1, VOCABULARY)
    np.testing.assert_allclose(found[7], decode(CHECKPOINT, IDS[windows[7]])[: TOKENS - 1], atol=1e-3)
    again = np.take_along_axis(log_softmax(found[:, PROMPT - 1 :]), IDS[windows][:, PROMPT:, None], axis=-1)[..., 0]
    np.testing.assert_allclose(again, scores_of(stage, "token_log_probs"), rtol=1e-5, atol=1e-5)


@pytest.mark.slow
def test_largest_are_kept_with_their_ids_and_only_what_is_missing_is_computed(
    stage: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    """Scores first; then their logits, which write no score; then of more windows; then nothing; then by force."""
    half = select_windows(SPANS, PLACES, 20)
    stage.run()
    parts = stage.parts()
    whole, stage.selection = stage.selection, half
    stage.run(logits="top5", logits_dtype="float32")
    assert (stage.scored, stage.parts()) == (20, parts)
    stage.selection = whole
    first = objects(stage)
    stage.run(logits="top5", logits_dtype="float32")
    number = len(whole.numbers())
    assert (stage.scored, stage.parts()) == (number - 20, parts)
    found = read(stage, "logits-top5-float32")
    ids = found["ids"].reshape(number, SCORED, 5)
    np.testing.assert_array_equal(ids[..., 0], scores_of(stage, "top_token_ids"))
    oracle = decode(CHECKPOINT, IDS[whole.numbers()[7]])[PROMPT - 1 : TOKENS - 1]
    np.testing.assert_array_equal(ids[7], np.argsort(-oracle, axis=-1)[:, :5])
    largest = -np.sort(-oracle, axis=-1)[:, :5]
    np.testing.assert_allclose(found["values"].reshape(number, SCORED, 5)[7], largest, atol=1e-3)
    every = objects(stage)
    assert {path: every[path] for path in first} == first
    said = capsys.readouterr().out
    assert f"logits to write: {(number - 20) * (SCORED * 5 * 8 + 8) / 1e6:,.1f} MB" in said
    assert sum(len(data) for _, data in every.values()) == number * (SCORED * 5 * 8 + 8)
    stage.run(logits="top5", logits_dtype="float32")
    assert (stage.scored, objects(stage)) == (0, every)
    stage.run(logits="top5", logits_dtype="float32", force=True)
    forced = objects(stage)
    assert {path: data for path, (_, data) in forced.items()} == {path: data for path, (_, data) in every.items()}
    assert all(forced[path][0] != inode for path, (inode, _) in every.items())


@pytest.mark.slow
def test_killed_run_goes_on_and_leaves_the_same_bytes(
    stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "other").mkdir()
    whole = Stage(tmp_path / "other")
    whole.selection = stage.selection
    whole.run(logits="suffix", batch_size=8)
    write, calls = LogitsStore.write, iter(range(10**6))

    def killed(*arguments: object, **options: bool) -> None:
        if next(calls) >= 30:
            raise KeyboardInterrupt
        write(*arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(LogitsStore, "write", killed)
    with pytest.raises(KeyboardInterrupt):
        stage.run(logits="suffix", batch_size=8)
    monkeypatch.undo()
    kept = objects(stage)
    assert 30 <= len(kept) < len(stage.selection.numbers())
    stage.run(logits="suffix", batch_size=8)
    assert stage.scored <= len(stage.selection.numbers())
    found = objects(stage)
    assert {path: found[path] for path in kept} == kept
    relative = {path.relative_to(stage.folder): data for path, (_, data) in found.items()}
    assert relative == {path.relative_to(whole.folder): data for path, (_, data) in objects(whole).items()}


def test_rows_are_fetched_block_by_block_from_all_devices(monkeypatch: pytest.MonkeyPatch) -> None:
    values = {"values": jax.numpy.arange(6 * 5 * 3.0).reshape(6, 5, 3), "ids": jax.numpy.arange(90).reshape(6, 5, 3)}
    monkeypatch.setattr(fetching, "_BLOCK_BYTES", 2 * 5 * 3 * 8)
    rows = dict(fetching.fetch_rows(values, np.array([1, 4, 5])))
    assert list(rows) == [1, 4, 5]
    for row, arrays in rows.items():
        for name, array in values.items():
            np.testing.assert_array_equal(arrays[name], array[row])
            block = arrays[name].base
            assert block is not None
            assert block.shape == (2, 5, 3)


@pytest.mark.slow
def test_logit_that_float16_cannot_hold_is_refused(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    choose, chosen = token_scores.choose_kept, "byheart.components.extract.head.choose_kept"
    monkeypatch.setattr(chosen, lambda logits, kept: choose(logits * 1e6, kept))
    with pytest.raises(ModelError, match="must be below 65,504 to be kept in float16, found a larger one: set"):
        stage.run(logits="suffix")
    assert not objects(stage)
