"""The second implementation, held against Hugging Face transformers for every family."""

import json
from pathlib import Path

import numpy as np
import pytest

from byheart.models.families import FAMILIES as OF_ENGINE
from byheart.store import open_store
from byheart.verification.architecture import NAMES as OF_REFERENCE
from byheart.verification.architecture import read_architecture
from byheart.verification.families import TRANSFORMERS_ALONE
from byheart.verification.scoring import ReferenceScores, score

GOLDENS = Path(__file__).parents[1] / "extract" / "goldens"
NAMES = sorted(
    path.parent.name
    for path in GOLDENS.glob("*/golden.npz")
    if json.loads((path.parent / "config.json").read_text(encoding="utf-8"))["model_type"] not in TRANSFORMERS_ALONE
)
TOLERANCE = 1e-4
"""Nats a token: transformers computed the goldens in float32."""


def rescore(name: str, *, temperature: float = 1.0, top_k: int = 0) -> tuple[ReferenceScores, np.ndarray, np.ndarray]:
    """The scores of a golden's tokens but the first, and its log-probabilities and ranks."""
    folder = GOLDENS / name
    with np.load(folder / "golden.npz") as held:
        token_ids, log_probs, ranks = held["token_ids"], held["log_probs"], held["ranks"]
    model = read_architecture(json.loads((folder / "config.json").read_text(encoding="utf-8")))
    assert model
    scores = score(
        model,
        open_store(str(folder)),
        token_ids,
        token_ids[:, 1:],
        temperature=temperature,
        top_k=top_k,
        tolerance=1e-5,
    )
    return scores, log_probs, ranks


@pytest.mark.parametrize("name", NAMES)
def test_log_probs_and_ranks_are_those_of_transformers(name: str) -> None:
    scores, log_probs, ranks = rescore(name)
    assert np.abs(scores.log_probs - log_probs).max() < TOLERANCE
    assert (scores.surely_above <= ranks).all()
    assert (ranks <= scores.perhaps_above).all()
    is_top = scores.surely_above == 0
    assert scores.top_gaps[is_top].max(initial=0) <= 1e-5
    assert (scores.top_gaps[~is_top] > 1e-5).all()


def test_every_family_of_the_engine_has_a_second_implementation() -> None:
    assert set(OF_ENGINE) == {*OF_REFERENCE, *TRANSFORMERS_ALONE}


def test_probability_of_the_top_k_is_theirs_at_a_temperature() -> None:
    scores, _, _ = rescore("gqa_untied", temperature=0.7, top_k=5)
    whole, _, _ = rescore("gqa_untied", temperature=0.7)
    assert (whole.log_top_k_mass == 0).all()
    assert (scores.log_top_k_mass < 0).all()
    best = scores.surely_above == 0  # a token with the largest logit holds at least a fifth of what the top 5 hold
    share = scores.tempered_log_probs - scores.log_top_k_mass
    assert best.any()
    assert (share[best] >= np.log(1 / 5)).all()
    assert (share[best] < 0).all()
