"""The contrast with a reference, against ranks in plain Python."""

import dataclasses

import numpy as np
import pytest

from byheart.measures.comparison.contrast import Contrast, contrast
from byheart.measures.comparison.models import ComparedModel, name_models
from byheart.measures.measured import MeasuredBook
from byheart.measures.results import Results
from tests.measures import calibration_oracle, toy
from tests.measures.comparison.runs import write_run

TEXTS = ("book", "first", "second", "third")


def make_run(seed: int, known: float = 0) -> list[MeasuredBook]:
    """A book and three controls; of the book a model knows so many nats a window more."""
    random = np.random.default_rng(seed)
    runs = []
    for number, name in enumerate(TEXTS):
        text, count = toy.random_text(700)[number:], 40 + number  # other texts, of other lengths
        ease = np.random.default_rng(number).uniform(-20, -2, count)  # the same for any model
        log_p_z = np.minimum(ease + random.uniform(-1, 1, count) + known * (name == "book"), 0)
        runs.append(toy.make_book(np.exp(log_p_z), text=text, name=name, role="book" if name == "book" else "control"))
    return runs


RUNS = {"seen": make_run(0, 5), "unseen": make_run(0), "reference": make_run(1)}


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, ComparedModel]:
    """The models of these runs, by name."""
    folder = tmp_path_factory.mktemp("runs")
    addresses = [write_run(folder / name, books) for name, books in RUNS.items()]
    return {model.name: model for model in name_models([Results.open(each) for each in addresses], addresses)}


@pytest.mark.parametrize("name", ["seen", "unseen", "reference"])
def test_ranks_are_those_of_delta(models: dict[str, ComparedModel], name: str) -> None:
    (found,) = contrast(models[name], models["reference"]).values()
    texts = [
        list(zip(own.windows.suffix_start.tolist(), own.windows.stop.tolist(),
                 (own.scores.log_p_z - other.scores.log_p_z).tolist(), own.repetition.repetitive.tolist(), strict=True))
        for own, other in zip(RUNS[name], RUNS["reference"], strict=True)
    ]  # fmt: skip
    expected = calibration_oracle.calibrate(texts, 0.001, 1)
    assert isinstance(found, Contrast)
    assert [rank.p for rank in vars(found.ranks).values()] == expected["p"]
    assert (found.p_all, found.controls) == (expected["p_all"], 3)
    assert (found.ranks.bits_per_character.p == 1 / 4) == (name == "seen")


def keep(model: ComparedModel, texts: int) -> ComparedModel:
    """The model with its first texts only."""
    return dataclasses.replace(model, results=dataclasses.replace(model.results, books=model.results.books[:texts]))


def test_reference_must_have_the_controls(models: dict[str, ComparedModel]) -> None:
    (why,) = contrast(models["seen"], keep(models["reference"], 3)).values()
    assert why == "the reference has not measured third"


def test_without_controls_there_is_no_contrast(models: dict[str, ComparedModel]) -> None:
    assert list(contrast(keep(models["seen"], 1), models["reference"]).values()) == ["no control was measured"]
