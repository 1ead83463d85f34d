"""The parts of `make validate` that need no training: what is planted where, the numbers, and what fails."""

import dataclasses
import re
from collections.abc import Sequence
from fractions import Fraction
from math import comb

import numpy as np
import pytest

from benchmarks.validate.claims import Check, conclude, judge
from benchmarks.validate.design import END, FULL, MODELS, Design, Scale
from benchmarks.validate.language import Language
from benchmarks.validate.numbers import Alarms, Dose, compute_auc, find_bounds
from benchmarks.validate.oracle import Oracle
from tests.conftest import MODEL, ROOT

TINY = Scale(documents={5: 4, 6: 4}, doses=(0, 1, 3), passages=4)


def encode_characters(texts: Sequence[str]) -> list[list[int]]:
    return [[ord(letter) for letter in text] for text in texts]


def decode(tokens: np.ndarray) -> str:
    return "".join(map(chr, tokens.tolist()))


def test_each_passage_is_planted_in_one_model_as_often_as_its_dose_says_and_no_other_text_is() -> None:
    design = Design.draw(5, TINY)
    training = {model: decode(tokens) for model, tokens in design.write_training(encode_characters).items()}
    assert [passage.dose for passage in design.passages] == [0] * 4 + [1] * 4 + [3] * 4
    for passage in design.passages:
        for model in MODELS:
            assert training[model].count(passage.text + END) == (passage.dose if model == passage.seen_by else 0)
    unseen = [*design.controls.values(), *design.documents.values(), *design.for_tokenizer]
    assert not any(text[:100] in training[model] for text in unseen for model in MODELS)


def test_models_have_passages_at_one_another_s_fillers() -> None:
    design = Design.draw(5, TINY)
    first, second = (decode(tokens) for tokens in design.write_training(encode_characters).values())
    length = len(design.passages[0].text + END)
    assert len(first) == len(second) == (1 + 3) * 4 * length
    known = {passage.text + END: passage.seen_by for passage in design.passages}
    cut = [[text[at : at + length] for at in range(0, len(text), length)] for text in (first, second)]
    for pieces in zip(*cut, strict=True):
        assert sorted(known.get(piece, "filler") for piece in pieces)[1] == "filler"
        assert sum(piece in known for piece in pieces) == 1


def test_filler_ends_as_the_passage_does_and_has_as_many_tokens() -> None:
    def encode_words(texts: Sequence[str]) -> list[list[int]]:
        return [[*(1 for _ in text.split()), 2] for text in texts]

    first, second = Design.draw(5, TINY).write_training(encode_words).values()
    assert np.array_equal(first, second)


def test_text_has_exactly_as_many_characters_as_were_asked_for() -> None:
    """Texts of one file begin at multiples of the stride only if each is as long as it should be."""
    language = Language(np.random.default_rng(0))
    assert {len(language.write(100)) for _ in range(2_000)} == {100}


def test_texts_depend_on_the_seed_alone() -> None:
    assert Design.draw(5, TINY).passages == Design.draw(5, TINY).passages
    assert not {each.text for each in Design.draw(5, TINY).passages} & {
        each.text for each in Design.draw(6, TINY).passages
    }
    lengths = {len(text) for text in Design.draw(5, FULL_OF_FIVE).documents.values()}
    assert len(lengths) > 3, "documents differ in length, as books do"


FULL_OF_FIVE = dataclasses.replace(FULL, documents={5: 40}, passages=1)


def test_full_scale_is_what_the_page_promises() -> None:
    assert sum(FULL.documents.values()) == 2_000
    assert (len(FULL.documents), FULL.doses, FULL.passages) == (3, (0, 1, 4, 16, 64), 128)


def test_auc_is_the_area_under_the_curve_of_all_limits() -> None:
    random = np.random.default_rng(0)
    seen, unseen = random.integers(3, 12, 40) / 4, random.integers(0, 9, 30) / 4
    limits = [np.inf, *sorted({*seen, *unseen}, reverse=True)]
    found, false = ([float((values >= limit).mean()) for limit in limits] for values in (seen, unseen))
    assert compute_auc(seen, unseen) == pytest.approx(np.trapezoid(found, false))


@pytest.mark.parametrize("count", [200, 2_000])
def test_bounds_of_false_alarms_are_those_of_the_exact_binomial(count: int) -> None:
    chances = [comb(count, k) * Fraction(1, 20) ** k * Fraction(19, 20) ** (count - k) for k in range(count + 1)]
    fewest, most = find_bounds(count)
    rarely = Fraction(1, 2_000)
    assert sum(chances[:fewest]) <= rarely < sum(chances[: fewest + 1])
    assert sum(chances[most + 1 :]) <= rarely < sum(chances[most:])
    assert count != 2_000 or (fewest, most) == (69, 133)


def make_dose(copies: int, saved: float, *, seed: int = 0, easier: float = 0.0) -> Dose:
    """64 passages that cost some 1.2 bits a character and `saved` less where they were seen.

    Args:
        easier: how many bits less model B needs for every text.
    """
    random = np.random.default_rng([seed, copies])
    bits = random.normal(1.2, 0.05, 64)
    half = np.arange(64) % 2 == 0
    seen = bits - saved - np.where(half, 0, easier) + random.normal(0, 0.01, 64)
    unseen = bits - np.where(half, easier, 0)
    rows = [np.stack([-50 * each, -45 * each, each], axis=1) for each in (seen, unseen)]
    return Dose(
        seed=seed,
        copies=copies,
        seen=rows[0],
        unseen=rows[1],
        is_first_half=half,
        window_log10_p_z=rows[0][:, 0],
        above_controls=0,
        extractable=0,
        claimed=np.zeros(64, bool),
        claimed_unseen=np.zeros(64, bool),
    )


@pytest.mark.parametrize("easier", [0.0, 0.5, -0.5])
def test_model_that_finds_all_texts_easier_changes_neither_gain_nor_auc(easier: float) -> None:
    gain, error = make_dose(16, 0.1, easier=easier).gain
    assert gain == pytest.approx(make_dose(16, 0.1).gain[0])
    assert abs(gain - 0.1) < 4 * error
    assert make_dose(16, 0.1, easier=easier).auc == pytest.approx(make_dose(16, 0.1).auc)


def test_standard_error_of_the_gain_is_that_of_many_draws() -> None:
    drawn = [make_dose(4, 0.05, seed=seed).gain for seed in range(300)]
    assert np.std([gain for gain, _ in drawn]) == pytest.approx(np.mean([error for _, error in drawn]), rel=0.15)


GOOD = {0: 0.0, 1: 0.01, 4: 0.05, 16: 0.3, 64: 0.8}
RIGHT = Alarms(documents=2_000, p_all=100, census=96)
EQUAL = Check(windows=80, nats=1e-4, files=10, unequal=())


def judge_doses(saved: dict[int, float], alarms: Alarms = RIGHT, check: Check = EQUAL) -> list[bool]:
    doses = [make_dose(copies, bits, seed=seed) for seed in (0, 1) for copies, bits in saved.items()]
    return [claim.holds for claim in judge(doses, alarms, check)]


def test_right_program_passes() -> None:
    assert all(judge_doses(GOOD))


@pytest.mark.parametrize(
    ("fault", "claim"),
    [
        ({"saved": GOOD | {16: 0.04}}, 0),
        ({"saved": GOOD | {1: 0.06}}, 0),
        ({"saved": dict.fromkeys(GOOD, 0.0)}, 1),
        ({"saved": GOOD | {0: 0.02}}, 2),
        ({"alarms": dataclasses.replace(RIGHT, p_all=134)}, 3),
        ({"alarms": dataclasses.replace(RIGHT, census=134)}, 3),
        ({"alarms": dataclasses.replace(RIGHT, census=68)}, 3),
        ({"check": dataclasses.replace(EQUAL, nats=6e-3)}, 4),
        ({"check": dataclasses.replace(EQUAL, unequal=("passage-64-000",))}, 5),
    ],
)
def test_fault_is_found(fault: dict[str, object], claim: int) -> None:
    assert not judge_doses(**{"saved": GOOD, **fault})[claim]  # type: ignore[arg-type]


def test_last_line_says_what_held_or_what_did_not() -> None:
    doses = [make_dose(copies, bits) for copies, bits in GOOD.items()]
    assert conclude(judge(doses, RIGHT, EQUAL)).startswith("held: p_z rises with copies in 1 of 1 seeds")
    many = dataclasses.replace(RIGHT, p_all=140)
    assert conclude(judge(doses, many, EQUAL)).startswith("failed: 140 false alarms by p_all")


def test_oracle_agrees_with_transformers() -> None:
    """It shares no code with byheart, and the reference is the one of transformers."""
    reference, oracle = np.load(ROOT / "samples" / "reference.npz"), Oracle(MODEL)
    for row in (0, 60, 120, 192):
        scored = oracle.score_tokens(reference["token_ids"][row])[49:]
        assert np.abs(scored - reference["token_log_probs"][row]).max() < 1e-4


def test_page_shows_a_run_of_full_scale_that_held() -> None:
    page = (ROOT / "docs" / "validation.md").read_text(encoding="utf-8")
    assert re.search(r"^> held: p_z rises with copies in 3 of 3 seeds", page, re.MULTILINE)
    assert "of 2,000 documents (69 to 133 are allowed)" in page
    assert (ROOT / "docs" / "pictures" / "validation.png").is_file()
