"""Results of made-up models, and a comparison of them."""

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from byheart.measures.comparison.comparison import ModelComparison, compare_models
from byheart.measures.comparison.models import name_models
from byheart.measures.measured import MeasuredBook
from byheart.measures.results import Results
from tests.launch.test_results import write_results
from tests.measures import toy


def write_run(folder: Path, books: Sequence[MeasuredBook], *, tokenizer: str = "t", **settings: Any) -> str:
    """The address of the results of these books under a model that is called like the folder."""
    provenance = toy.make_run(label=folder.name, **settings).provenance
    tokenization = dataclasses.replace(provenance.tokenization, tokenizer_sha256=tokenizer * 64)
    write_results(folder, list(books), dataclasses.replace(provenance, tokenization=tokenization))
    return str(folder)


def compare_books(folder: Path, models: Mapping[str, Sequence[MeasuredBook]], reference: str = "") -> ModelComparison:
    """The comparison of models, by name, on their books; one of them may be the reference too."""
    addresses = [write_run(folder / name, books) for name, books in models.items()]
    named = name_models([Results.open(address) for address in addresses], addresses)
    return compare_models(named, next((model for model in named if model.name == reference), None))


def draw_p_z(seed: int, count: int = 60) -> np.ndarray:
    """Probabilities of which some reach each threshold."""
    return np.exp(-np.random.default_rng(seed).exponential(4, count))
