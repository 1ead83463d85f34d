"""The windows that are scored again: against the rule written out in plain Python, and against float32 throughout."""

import dataclasses
import math
from collections.abc import Mapping

import numpy as np
import pytest

from byheart.contracts.setting_groups import ControlSettings
from byheart.measures.calibration.calibrate import Calibration, calibrate
from byheart.measures.calibration.stretches import Document, compare
from byheart.measures.discoverable import THRESHOLDS
from byheart.measures.near import FIXED, NEAR, FirstScores, Numbers, choose_rescored, find_near
from tests.measures.test_calibration import make_document

SETTINGS = ControlSettings(control_sample=0, band_share=0.02, band_rank=1)


def odds(p_z: float) -> float:
    return math.log(p_z / (1 - p_z))


@pytest.mark.parametrize("threshold", [1e-40, 0.001, 0.0046, 0.5, 0.75])
def test_windows_within_3_nats_of_log_odds_are_near(threshold: float) -> None:
    for shift in (-3.01, -2.99, 0.0, 2.99, 3.01):
        log_odds = odds(threshold) + shift
        log_p_z = -math.log1p(math.exp(-log_odds)) if log_odds > -30 else log_odds
        assert find_near(np.array([log_p_z]), [math.log(threshold)]) == [abs(shift) < NEAR]


def test_what_is_certain_or_impossible_is_near_nothing() -> None:
    ends = np.array([0.0, -math.inf])
    assert not find_near(ends, [*FIXED, -math.inf]).any()
    assert not find_near(np.array([math.log(0.99), -9.92, -200.0]), FIXED).any()
    assert find_near(np.array([math.log(0.98), -9.90, -0.69, -5.38]), FIXED).all()
    assert {math.log(p_z) for p_z in THRESHOLDS} < set(FIXED)


def test_curves_of_many_tries_make_nothing_near() -> None:
    assert min(FIXED) == math.log(0.001)


def shift_odds(log_p_z: np.ndarray, nats: np.ndarray) -> np.ndarray:
    """log_p_z whose log odds are so many nats higher."""
    shifted = log_p_z - np.log(-np.expm1(log_p_z)) + nats
    return np.where(shifted < -30, shifted, -np.logaddexp(0, -shifted))


class Truth:
    """Texts with what float32 gives, and what arithmetic in 16 bits gave first."""

    def __init__(self, seed: int, *, error: float, texts: int = 6, windows: int = 300) -> None:
        random = np.random.default_rng(seed)
        lengths = [windows, *random.integers(windows // 2, windows, texts - 1).tolist()]
        scale = random.uniform(20, 60)
        self.exact = [-np.abs(random.normal(0, scale, length)) - random.uniform(0, 20) for length in lengths]
        self.first = [shift_odds(values, random.uniform(-error, error, len(values))) for values in self.exact]
        self.asked: list[Numbers] = []

    def documents(self, scores: list[np.ndarray]) -> list[Document]:
        return [make_document(values.tolist(), name=f"c{n}") for n, values in enumerate(scores)]

    def choose(self) -> Numbers:
        texts = [
            FirstScores(
                address=document.name, numbers=np.arange(len(document)), log_p_z=document.log_p_z,
                log_p_z_top_k=document.log_p_z, is_book=index == 0, document=document if index else None,
            )
            for index, document in enumerate(self.documents(self.first))
        ]  # fmt: skip
        return choose_rescored(texts, SETTINGS, self.score_again)

    def score_again(self, numbers: Numbers) -> Mapping[str, np.ndarray]:
        self.asked.append(numbers)
        assert "c0" not in numbers, "only controls decide"
        return {address: self.exact[int(address[1:])][rows] for address, rows in numbers.items()}

    def mixed(self, chosen: Numbers) -> list[np.ndarray]:
        mixed = [values.copy() for values in self.first]
        for address, rows in chosen.items():
            mixed[int(address[1:])][rows] = self.exact[int(address[1:])][rows]
        return mixed


def claims(truth: Truth, scores: list[np.ndarray]) -> Calibration:
    book, *controls = truth.documents(scores)
    return calibrate(compare(book, controls), q=SETTINGS.band_share, r=SETTINGS.band_rank, books=1)


def of_thresholds(found: Calibration) -> list[tuple[float, int, int]]:
    thresholds = [found.windows_t, found.characters_t, found.census]
    return [(t.value, t.above, t.of) for t in thresholds if t]


@pytest.mark.parametrize("seed", range(40))
def test_claims_are_those_of_float32_throughout(seed: int) -> None:
    truth = Truth(seed, error=2.9)
    chosen = truth.choose()
    mixed, exact = (claims(truth, scores) for scores in (truth.mixed(chosen), truth.exact))
    assert of_thresholds(mixed) == of_thresholds(exact)
    assert mixed.bands
    assert exact.bands
    assert dataclasses.asdict(mixed.bands) == dataclasses.asdict(exact.bands)
    for log_p_z in FIXED:
        for once, always in zip(truth.mixed(chosen), truth.exact, strict=True):
            np.testing.assert_array_equal(once >= log_p_z, always >= log_p_z)


def test_first_scores_alone_would_give_other_claims_and_few_windows_are_scored_again() -> None:
    wrong, share = 0, []
    for seed in range(40):
        truth = Truth(seed, error=2.9)
        chosen = truth.choose()
        wrong += of_thresholds(claims(truth, truth.first)) != of_thresholds(claims(truth, truth.exact))
        share.append(sum(map(len, chosen.values())) / sum(map(len, truth.first)))
    assert wrong == 40
    assert 0.02 < np.mean(share) < 0.4


def test_controls_that_move_t_bring_others_near_it() -> None:
    """t lies at -20; the control's window there falls to -22.9, so that another's at -25.5 comes near."""
    truth = Truth(0, error=0.0, texts=2)
    truth.first = [np.full(300, -90.0), np.full(300, -90.0)]
    truth.first[1][[100, 200]] = [-20.0, -25.5]
    truth.exact = [values.copy() for values in truth.first]
    truth.exact[1][[100, 200]] = [-22.9, -25.6]
    settings, chosen = dataclasses.replace(SETTINGS, band_share=0.0), {}
    book, control = truth.documents(truth.first)
    texts = [
        FirstScores(
            address=document.name, numbers=np.arange(300), log_p_z=document.log_p_z, log_p_z_top_k=document.log_p_z,
            is_book=document is book, document=None if document is book else control,
        )
        for document in (book, control)
    ]  # fmt: skip
    chosen = choose_rescored(texts, settings, truth.score_again)
    assert [list(asked.get("c1", [])) for asked in truth.asked] == [[], [100], [100, 200]]
    assert {address: rows.tolist() for address, rows in chosen.items()} == {"c1": [100, 200]}


def test_without_controls_only_fixed_thresholds_count() -> None:
    log_p_z = np.array([-60.0, -8.0, -0.001])
    text = FirstScores(
        address="a", numbers=np.array([3, 5, 9]), log_p_z=log_p_z, log_p_z_top_k=np.array([-9.0, -7.9, -0.001]),
        is_book=True,
    )  # fmt: skip
    chosen = choose_rescored([text], SETTINGS, lambda _: pytest.fail("there are no controls"))
    assert chosen["a"].tolist() == [3, 5], "the first one by log_p_z_top_k, -9"
