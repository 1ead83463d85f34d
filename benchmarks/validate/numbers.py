"""Dose and response, and false alarms: numbers of measured passages and documents."""

import dataclasses
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from benchmarks.validate.design import CONTROLS, MODELS, Design, Passage
from benchmarks.validate.measure import Measured
from byheart.measures.calibration.bands import EXTRACTABLE_LOG_P_Z
from byheart.measures.calibration.calibrate import Calibration, calibrate
from byheart.measures.calibration.stretches import Document, compare, cut

Q, R = 0.001, 1
"""Of the threshold t(q, r), as a run has them by default."""
ALPHA = 0.05
SHORT = 3
"""Windows of a document that stands for a control; a document that stands for a book has up to 11."""
_RARELY = 1 / 2_000
"""How often a right program may fail by chance."""


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Dose:
    """The passages of one dose and one seed: in the model that has seen them, and in the other."""

    seed: int
    copies: int
    seen: np.ndarray
    """float64 [P, 3] of P passages: the mean and the largest log10 p_z of the windows, and bits a character."""
    unseen: np.ndarray
    """The same of the same passages in the other model."""
    is_first_half: np.ndarray
    """bool [P]: whether model A has seen them."""
    window_log10_p_z: np.ndarray
    """float64 [W]: of all windows of the passages, in the model that has seen them."""
    above_controls: int
    """How many of these windows lie above the threshold from the controls."""
    extractable: int
    """How many of these are easily drawn too."""
    claimed: np.ndarray
    """bool [P]: whether p_all against the controls is at most 5%, in the model that has seen them."""
    claimed_unseen: np.ndarray
    """The same in the other model."""

    @property
    def auc(self) -> float:
        """How well bits a character tell seen from unseen passages of one model: the mean of the two models."""
        halves = [
            compute_auc(-self.seen[half, 2], -self.unseen[~half, 2])
            for half in (self.is_first_half, ~self.is_first_half)
        ]
        return float(np.mean(halves))

    @property
    def gain(self) -> tuple[float, float]:
        """Bits a character that having seen a passage saves, and the standard error: mean of the two halves' means.

        What one model finds easier than the other, seen or not, adds to one half and is taken from the other.
        """
        saved = self.unseen[:, 2] - self.seen[:, 2]
        halves = [saved[half] for half in (self.is_first_half, ~self.is_first_half)]
        error = math.sqrt(sum(float(half.var(ddof=1)) / len(half) for half in halves)) / 2
        return float(np.mean([half.mean() for half in halves])), error


@dataclasses.dataclass(frozen=True, kw_only=True)
class Alarms:
    """How many documents, which no model has seen, raise each alarm."""

    documents: int
    p_all: int
    census: int
    """Documents with a window above all windows of their controls."""

    def __add__(self, other: "Alarms") -> "Alarms":
        return Alarms(**{name: value + getattr(other, name) for name, value in vars(self).items()})

    @property
    def bounds(self) -> tuple[int, int]:
        """The fewest and the most alarms that a right program has, but once in 2,000 times each."""
        return find_bounds(self.documents)


def compute_auc(positive: np.ndarray, negative: np.ndarray) -> float:
    """The chance that a positive value is larger than a negative one; of equals, half count."""
    larger = (positive[:, None] > negative[None]).mean()
    return float(larger + (positive[:, None] == negative[None]).mean() / 2)


def find_bounds(count: int, rate: float = ALPHA) -> tuple[int, int]:
    """The smallest and the largest number that a binomial count passes at most once in 2,000 times each."""
    logs = [
        math.lgamma(count + 1) - math.lgamma(k + 1) - math.lgamma(count - k + 1)
        + k * math.log(rate) + (count - k) * math.log1p(-rate)
        for k in range(count + 1)
    ]  # fmt: skip
    below = np.cumsum(np.exp(logs))
    return int(np.argmax(below > _RARELY)), int(np.argmax(1 - below <= _RARELY))


def measure_doses(design: Design, models: Sequence[Measured]) -> list[Dose]:
    """The passages of a seed by dose, the smallest first."""
    by_model = {measured.model: measured for measured in models}
    doses = sorted({passage.dose for passage in design.passages})
    return [
        _measure_dose(design, [passage for passage in design.passages if passage.dose == copies], by_model)
        for copies in doses
    ]


def count_alarms(design: Design, measured: Measured) -> Alarms:
    """Each document that was measured under the model as a book, against 19 others that are drawn for it.

    The others are shortened to their middle windows: a program that does not compare equal stretches fails.
    """
    documents = [measured.texts[name] for name in design.documents if name in measured.texts]
    random = np.random.default_rng([design.seed, 3, MODELS.index(measured.model)])
    found: list[Calibration] = []
    for number, document in enumerate(documents):
        others = np.delete(np.arange(len(documents)), number)
        controls = [_shorten(documents[other]) for other in random.choice(others, CONTROLS, replace=False)]
        found.append(calibrate(compare(document, controls), q=Q, r=R, books=1))
    return Alarms(
        documents=len(found),
        p_all=sum(calibration.p_all <= ALPHA for calibration in found),
        census=sum(bool(calibration.census and calibration.census.exceeded) for calibration in found),
    )


def calibrate_passage(design: Design, measured: Measured, passage: str) -> Calibration:
    """A passage against the controls of its seed."""
    controls = [measured.texts[name] for name in design.controls]
    return calibrate(compare(measured.texts[passage], controls), q=Q, r=R, books=1)


def _shorten(document: Document) -> Document:
    first = max(len(document) - SHORT, 0) // 2
    names = ("number", "suffix_start", "stop", "log_p_z", "repetitive", "book_overlap")
    return dataclasses.replace(document, **{name: getattr(document, name)[first : first + SHORT] for name in names})


def _measure_dose(design: Design, passages: Sequence[Passage], models: dict[str, Measured]) -> Dose:
    seen = [models[passage.seen_by] for passage in passages]
    unseen = [models[next(model for model in MODELS if model != passage.seen_by)] for passage in passages]
    documents = [measured.texts[passage.name] for passage, measured in zip(passages, seen, strict=True)]
    others = [measured.texts[passage.name] for passage, measured in zip(passages, unseen, strict=True)]
    calibrations = [calibrate_passage(design, *pair) for pair in _pair(seen, passages)]
    thresholds = [_need(calibration.windows_t).value for calibration in calibrations]
    above = [document.log_p_z > t for document, t in zip(documents, thresholds, strict=True)]
    easy = [document.log_p_z >= EXTRACTABLE_LOG_P_Z for document in documents]
    return Dose(
        seed=design.seed,
        copies=passages[0].dose,
        seen=np.array([_measure_document(document) for document in documents]),
        unseen=np.array([_measure_document(document) for document in others]),
        is_first_half=np.array([passage.seen_by == MODELS[0] for passage in passages]),
        window_log10_p_z=np.concatenate([document.log_p_z for document in documents]) / math.log(10),
        above_controls=int(sum(rows.sum() for rows in above)),
        extractable=int(sum((rows & which).sum() for rows, which in zip(above, easy, strict=True))),
        claimed=np.array([calibration.p_all <= ALPHA for calibration in calibrations]),
        claimed_unseen=np.array([calibrate_passage(design, *pair).p_all <= ALPHA for pair in _pair(unseen, passages)]),
    )


def _pair(models: Sequence[Measured], passages: Sequence[Passage]) -> list[tuple[Measured, str]]:
    return [(measured, passage.name) for measured, passage in zip(models, passages, strict=True)]


def _measure_document(document: Document) -> tuple[float, float, float]:
    log10 = document.log_p_z / math.log(10)
    return float(log10.mean()), float(log10.max()), _need(cut(document, len(document)).bits_per_character)


def _need(value: Any) -> Any:
    if value is None:
        raise ValueError("a text must have windows that are not repetitive, found none: write longer ones")
    return value
