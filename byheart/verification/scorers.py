"""The second implementations that can score windows again, and the choice between them."""

import dataclasses
from functools import partial
from typing import Protocol

import numpy as np

from byheart.contracts.errors import ModelError, SettingsError
from byheart.models.folder import read_config
from byheart.store import open_store
from byheart.verification import transformers_scoring
from byheart.verification.architecture import read_architecture
from byheart.verification.families import TRANSFORMERS_ALONE
from byheart.verification.scoring import ReferenceScores, score

AUTO, NUMPY, TRANSFORMERS = "auto", "numpy", "transformers"
SCORERS = (AUTO, NUMPY, TRANSFORMERS)
"""What a person may ask for; `auto` is NumPy where it knows the model's family, else transformers."""


class Score(Protocol):
    """Computes the scores of windows."""

    def __call__(
        self,
        model_input: np.ndarray,
        top_token_ids: np.ndarray,
        *,
        temperature: float,
        top_k: int,
        tolerance: float,
    ) -> ReferenceScores:
        """The scores of windows; the arguments are those of `scoring.score`."""
        ...


@dataclasses.dataclass(frozen=True, kw_only=True)
class Scorer:
    """A second implementation with a model."""

    title: str
    """What computes, with its versions, as reports name it."""
    score: Score
    batch: int
    """How many windows pass through the layers together."""


def check_scorer(asked: str) -> None:
    """Check what a person asks for, before anything is verified.

    Raises:
        SettingsError: there is no such scorer, or it is not installed.
    """
    if asked not in SCORERS:
        raise SettingsError(
            f"scorer must be one of {', '.join(SCORERS)}, found {asked!r}: choose one", parameter="scorer"
        )
    if asked == TRANSFORMERS and not transformers_scoring.is_installed():
        raise SettingsError(
            f"scorer={TRANSFORMERS} needs PyTorch, found none: {_INSTALL}, or leave --scorer out", parameter="scorer"
        )


def find_scorer(address: str, asked: str = AUTO, *, adapter: str = "") -> Scorer:
    """A second implementation that computes a model.

    Args:
        address: the model's folder.
        asked: one of `SCORERS`.
        adapter: the folder of the adapter which is merged into the model; empty without any.

    Raises:
        ModelError: none computes it, or the one that was asked for does not.
    """
    place = open_store(address, "model")
    config = read_config(place)
    architecture = read_architecture(config)
    if architecture and asked != TRANSFORMERS:
        beside = open_store(adapter, "model") if adapter else None
        return Scorer(title="NumPy in float64", score=partial(score, architecture, place, adapter=beside), batch=32)
    unknown = f"a second implementation must know {config.get('model_type', 'the model')}, found none: NumPy's does not"
    if feature := TRANSFORMERS_ALONE.get(config.get("model_type", "")):
        unknown += f", since it has {feature}"
    if asked == NUMPY:
        raise ModelError(f"{unknown}: try --scorer {TRANSFORMERS}")
    if not transformers_scoring.is_installed():
        raise ModelError(f"{unknown}, and transformers needs PyTorch, which is not installed: {_INSTALL}")
    return Scorer(
        title=transformers_scoring.name_versions(),
        score=partial(transformers_scoring.score, transformers_scoring.load(address, adapter)),
        batch=4,
    )


_INSTALL = "install it with `pip install torch`"
