"""What is known about the sample, and must come out: the odd chapters are known by heart, the even ones never seen."""

import dataclasses
import json
import re
from pathlib import Path
from typing import Any

import matplotlib.colors
import matplotlib.image
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from byheart.components.extract.trial import find_own_accelerator, score_windows
from byheart.components.tokenize.tokenizer import load_tokenizer
from byheart.components.tokenize.windows import slide
from byheart.contracts.setting_groups import ScoreSettings
from byheart.launch.sample import CONTROLS
from byheart.models.folder import open_model
from byheart.pages.colours import LIGHT
from samples.train import BOOK, MODEL, WINDOW, find_chapters
from tests.conftest import CONTROL

REFRAIN = re.compile(r"^Come in on the young flood.*\n(?:.+\n){7}", re.MULTILINE)
TEXT = BOOK.read_text(encoding="utf-8")


@pytest.fixture(scope="session")
def windows(sample_run: Path) -> dict[str, np.ndarray]:
    columns = ["start", "suffix_start", "stop", "log_p_z", "greedy", "repetitive"]
    table = pq.read_table(sample_run / BOOK.stem / "windows.parquet", columns=columns)
    return {name: table[name].to_numpy() for name in columns}


def inside(windows: dict[str, np.ndarray], span: tuple[int, int], first: str = "start") -> np.ndarray:
    return (windows[first] >= span[0]) & (windows["stop"] <= span[1])


def unseen_prose(windows: dict[str, np.ndarray]) -> np.ndarray:
    """Windows wholly in chapters that were never seen, and clear of the refrain."""
    touches_refrain = np.zeros(len(windows["start"]), bool)
    for found in REFRAIN.finditer(TEXT):
        touches_refrain |= (windows["start"] < found.end()) & (windows["stop"] > found.start())
    chapter = np.any([inside(windows, span) for span in find_chapters(TEXT)[1::2]], axis=0)
    return chapter & ~touches_refrain


def test_book_is_what_the_truth_says_of_it() -> None:
    assert 38_000 < len(TEXT) < 42_000
    assert len(find_chapters(TEXT)) == 10
    refrains = [found.group() for found in REFRAIN.finditer(TEXT)]
    assert len(refrains) == 5
    assert len(set(refrains)) == 1


def test_no_window_wholly_inside_unseen_prose_reaches_the_floor(windows: dict[str, np.ndarray]) -> None:
    prose = unseen_prose(windows)
    for chapter in find_chapters(TEXT)[1::2]:
        assert (prose & inside(windows, chapter)).sum() > 100
    assert windows["log_p_z"][prose].max() < np.log(0.001)


def test_memorised_chapters_are_known_by_heart(windows: dict[str, np.ndarray]) -> None:
    for chapter in find_chapters(TEXT)[::2]:
        assert np.median(windows["log_p_z"][inside(windows, chapter)]) >= np.log(0.5)


def test_refrain_is_known_in_chapters_that_were_never_seen(windows: dict[str, np.ndarray]) -> None:
    for start, stop in find_chapters(TEXT)[3:8:4]:
        [found] = REFRAIN.finditer(TEXT, start, stop)
        assert np.median(windows["log_p_z"][inside(windows, found.span())]) >= np.log(0.5)


def test_refrain_is_flagged_where_it_was_never_seen(windows: dict[str, np.ndarray]) -> None:
    """Chapters 4 and 8 know it from elsewhere in the book: high, and no sign that these pages were seen."""
    for start, stop in find_chapters(TEXT)[3:8:4]:
        [found] = REFRAIN.finditer(TEXT, start, stop)
        suffixes = inside(windows, found.span(), "suffix_start")
        assert suffixes.sum() > 20
        assert windows["repetitive"][suffixes].all()
        assert np.mean(windows["log_p_z"][inside(windows, found.span())] >= np.log(0.5)) == 1


def test_prose_is_hardly_ever_flagged(windows: dict[str, np.ndarray]) -> None:
    assert windows["repetitive"][unseen_prose(windows)].mean() < 0.01


def test_what_is_known_and_not_repetitive_lies_in_the_chapters_that_were_seen(
    sample_run: Path, windows: dict[str, np.ndarray]
) -> None:
    clear = (windows["log_p_z"] >= np.log(0.5)) & ~windows["repetitive"]
    suffix_seen = np.any([inside(windows, chapter, "suffix_start") for chapter in find_chapters(TEXT)[::2]], axis=0)
    assert clear.sum() > 1_500
    assert suffix_seen[clear].mean() > 0.97
    assert statistics(sample_run)["plain"]["windows_at"]["0.5"]["not_repetitive"]["count"] == clear.sum()


def test_control_that_was_never_seen_has_nothing_at_any_threshold(sample_run: Path) -> None:
    control, book = statistics(sample_run, CONTROL.stem), statistics(sample_run)
    assert (book["control"]["books"], book["control"]["windows"]) == ([CONTROL.stem], control["windows"]["count"])
    assert book["control"]["plain"]["0.001"]["interval"] == pytest.approx([0.0, 0.047], abs=0.0005), "as the docs say"
    assert control["control"] is None
    for scheme in ("plain", "top_k"):
        for threshold in ("0.001", "0.01", "0.1", "0.5", "0.75"):
            assert control[scheme]["windows_at"][threshold]["share"] == 0.0
            assert book[scheme]["windows_at"][threshold]["control"] == 0.0
            for coverage in ("suffix", "window"):
                assert control[scheme]["coverage_at"][coverage][threshold]["share_of_measurable"] == 0.0
                assert book[scheme]["coverage_at"][coverage][threshold]["control"] == 0.0
    assert control["headline"]["longest_passage_characters_at_0.5"] == 0


@pytest.mark.slow
def test_controls_are_whole_texts_that_the_model_finds_hard() -> None:
    tokenizer, texts = load_tokenizer(MODEL), [path.read_text(encoding="utf-8") for path in CONTROLS]
    assert [len(find_chapters(text)) for text in texts] == [10] * len(CONTROLS) == [10] * 3
    assert min(map(len, texts)) > 20_000
    every_100 = dataclasses.replace(WINDOW, cursor_inc=100)
    windows = np.concatenate([slide(text, tokenizer.encode, every_100, scored_tokens=50).token_ids for text in texts])
    assert len(windows) > 600
    score = ScoreSettings(temperature=1.0, top_k=40, precision="float32")
    trial = score_windows(open_model(MODEL), windows, find_own_accelerator(), score, scored_tokens=50)
    assert trial.log_p_z.max() < np.log(1e-100)


def test_suffixes_under_other_prompts_are_hardly_ever_known(sample_run: Path) -> None:
    """About half of them are known under their own."""
    found = statistics(sample_run)["control_sample"]
    assert found["count"] == 200
    assert found["plain"]["at"]["0.5"]["own_prompt"] == pytest.approx(0.5, abs=0.1)
    assert found["plain"]["at"]["0.5"]["other_prompt"] <= 0.02
    table = pq.read_table(sample_run / BOOK.stem / "control_sample.parquet")
    assert np.mean(table["log_p_z"].to_numpy() >= np.log(0.5)) == found["plain"]["at"]["0.5"]["other_prompt"]


def test_interval_says_that_four_blocks_are_few(sample_run: Path) -> None:
    """Chapters of 4,000 characters are too short to be blocks: 4,025 windows are worth about four."""
    found = statistics(sample_run)
    at = found["plain"]["windows_at"]["0.5"]
    assert (found["uncertainty"]["block"], found["uncertainty"]["blocks"]) == ("runs of 10,126 characters", 4)
    assert at["interval"] == pytest.approx([0.04, 0.96], abs=0.01)
    assert at["effective_sample"] == pytest.approx(4, abs=0.1)


def test_books_stand_side_by_side(sample_run: Path) -> None:
    frame = pd.read_csv(sample_run / "summary.csv").set_index("book")
    assert frame["role"].to_dict() == {BOOK.stem: "book", CONTROL.stem: "control"}
    assert frame.loc[BOOK.stem, "windows_at_0.001"] == statistics(sample_run)["headline"]["share_of_windows_at_0.001"]
    assert frame.loc[CONTROL.stem, "windows_at_0.001"] == 0.0


def test_headline_is_what_half_a_known_book_gives(sample_run: Path) -> None:
    headline = statistics(sample_run)["headline"]
    known = [stop - start for start, stop in find_chapters(TEXT)[::2]]
    assert headline["share_of_measurable_characters_at_0.5"] == pytest.approx(sum(known) / len(TEXT), abs=0.05)
    assert headline["share_of_windows_at_0.001"] == pytest.approx(sum(known) / len(TEXT), abs=0.05)
    assert 0.9 * max(known) < headline["longest_passage_characters_at_0.5"] < max(known) + 100


def test_recall_knows_the_odd_chapters_and_no_other(sample_run: Path) -> None:
    """Recomputed from windows.parquet: bits, corrections and runs, by chapter."""
    table = pq.read_table(sample_run / BOOK.stem / "windows.parquet")
    chapter, log_p_z = table["chapter"].to_numpy(), table["log_p_z"].to_numpy()
    lengths = table["stop"].to_numpy() - table["suffix_start"].to_numpy()
    ranks = np.array(table["token_ranks"].to_pylist())
    frame = pd.read_csv(sample_run / BOOK.stem / "chapters.csv").set_index("number")
    for number, row in frame.iterrows():
        inside = chapter == number
        assert row["windows"] == inside.sum() > 300
        assert row["bits_per_character"] == pytest.approx(-log_p_z[inside].sum() / np.log(2) / lengths[inside].sum())
        assert row["corrections_per_1000_tokens"] == pytest.approx(1_000 * np.mean(ranks[inside] > 0))
        assert row["windows_at_0.001"] == pytest.approx(np.mean(log_p_z[inside] >= np.log(0.001)))
    assert frame.loc[1::2, "bits_per_character"].max() < 0.5 < 3 < frame.loc[2::2, "bits_per_character"].min()
    recall = statistics(sample_run)["recall"]
    assert recall["bits_per_character"] == pytest.approx(-log_p_z.sum() / np.log(2) / lengths.sum())
    assert recall["length_curve"]["0.5"][-1] == statistics(sample_run)["plain"]["windows_at"]["0.5"]["share"]
    assert statistics(sample_run)["best_window"]["row"] == int(np.argmax(log_p_z))


def test_heat_map_shows_what_the_model_was_trained_on(sample_run: Path) -> None:
    """Of ten rows every second is dark, and in two others a refrain; the shares of chapters.csv say how much."""
    picture = matplotlib.image.imread(sample_run / BOOK.stem / "heat_map.png")[..., :3]
    height, width, _ = picture.shape
    deepest = np.all(np.abs(picture - matplotlib.colors.to_rgb(LIGHT.map[3])) < 0.01, axis=-1)
    dots = deepest[:, : int(0.92 * width)].sum(axis=1)
    edges = np.flatnonzero(np.diff((dots > 0).astype(int), prepend=0, append=0))
    bars = [int(np.median(dots[start:stop])) for start, stop in zip(edges[::2], edges[1::2], strict=True)]
    *rows, _ = [dark for dark, tall in zip(bars, edges[1::2] - edges[::2], strict=True) if tall > 0.01 * height]
    frame = pd.read_csv(sample_run / BOOK.stem / "chapters.csv")
    known = frame["suffix_coverage_at_0.5"] * (frame["stop"] - frame["start"])
    known = known[known > 0].to_numpy()
    assert len(rows) == len(known) == 7
    np.testing.assert_allclose(rows / np.sum(rows), known / known.sum(), rtol=0.15, atol=0.01)


def statistics(run: Path, book: str = BOOK.stem) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((run / book / "statistics.json").read_text(encoding="utf-8"))
    return loaded
