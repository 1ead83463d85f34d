"""Which windows lie so near a threshold that 16 bits of arithmetic may put them on its other side.

    log odds     ... t - 3 [============= t =============] t + 3 ...        t, a threshold of p_z
    windows         ...   |  scored again in float32    |   ...             these decide who lies above t

Near is within `NEAR` nats of log(p_z / (1 - p_z)), which is log_p_z but for a p_z near 1: what a model knows by heart
hardly moves in log_p_z, whatever the arithmetic, and in log odds no more than other windows. docs/numbers.md has how
far bfloat16 moves both.

The thresholds are those that a claim or a headline stands on: the fixed ones of p_z, and t(q, r) and the census, which
come from the controls. The controls' own windows near t are scored again first, since they decide where it lies; that
may move t, and bring others near it, until no control has a window near it that was not scored again. Then every window
but those is further from t than arithmetic moves it, so that t is what float32 throughout would give. The curves of
(n, p) and the levels five decades apart go through all of log_p_z, and count for nothing here.
"""

import dataclasses
import math
from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np

from byheart.contracts.setting_groups import ControlSettings
from byheart.measures.calibration.bands import EXTRACTABLE_LOG_P_Z
from byheart.measures.calibration.stretches import Document, cut
from byheart.measures.calibration.thresholds import find_own_threshold, find_threshold
from byheart.measures.discoverable import NEAR_HALF, THRESHOLDS

NEAR = 3.0
"""Nats; bfloat16 moved no window of a real model of 30 layers by more than 2 (docs/numbers.md)."""
FIXED = (*(math.log(p_z) for p_z in (*THRESHOLDS, *NEAR_HALF)), EXTRACTABLE_LOG_P_Z)
"""The thresholds of log_p_z that do not depend on controls."""

Numbers = dict[str, np.ndarray]
"""Windows by the address of their first scores: their numbers there, int64, ascending."""
_NONE = np.empty(0, np.int64)


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class FirstScores:
    """The W measured windows of a text, or the windows of its control sample, as they were scored first."""

    address: str
    numbers: np.ndarray
    """int64 [W], ascending: their numbers at the address."""
    log_p_z: np.ndarray
    """float64 [W]"""
    log_p_z_top_k: np.ndarray
    """float64 [W]"""
    is_book: bool
    """Whether they are the windows of a book that is no control."""
    document: Document | None = None
    """The windows of a control; None for all else."""


def find_near(log_p_z: np.ndarray, thresholds: Iterable[float]) -> np.ndarray:
    """bool [W]: whether a window is near any of these thresholds of log_p_z."""
    odds, near = _to_log_odds(log_p_z), np.zeros(len(log_p_z), bool)
    for threshold in filter(math.isfinite, thresholds):
        with np.errstate(invalid="ignore"):  # infinite odds on both sides
            near |= np.abs(odds - _to_log_odds(np.array([threshold]))) <= NEAR
    return near


def choose_rescored(
    texts: Sequence[FirstScores], settings: ControlSettings, score_again: Callable[[Numbers], Mapping[str, np.ndarray]]
) -> Numbers:
    """The windows to score again, by address.

    Args:
        texts: all that a run measures.
        settings: q and r of t(q, r).
        score_again: given windows, returns their log_p_z in float32, by address, in their order. It is asked for those
            of controls alone, as often as t moves.
    """
    chosen: Numbers = {text.address: _NONE for text in texts}

    def add(text: FirstScores, thresholds: Iterable[float]) -> None:
        near = find_near(text.log_p_z, thresholds)
        chosen[text.address] = np.union1d(chosen[text.address], text.numbers[near])

    for text in texts:
        add(text, FIXED)
        top_k = text.numbers[find_near(text.log_p_z_top_k, FIXED)]
        chosen[text.address] = np.union1d(chosen[text.address], top_k)
    controls = [text for text in texts if text.document]
    shortest = min((len(control.numbers) for control in controls), default=0)
    lengths = {min(len(text.numbers), shortest) for text in texts if text.is_book} if controls else set()
    found: set[float] = set()
    while lengths:
        asked = {control.address: chosen[control.address] for control in controls}
        exact = score_again({address: numbers for address, numbers in asked.items() if len(numbers)})
        documents = [_correct(control, asked[control.address], exact.get(control.address)) for control in controls]
        found = {t for length in lengths for t in _list_thresholds(documents, length, settings)}
        for control in controls:
            add(control, found)
        if all(len(chosen[address]) == len(numbers) for address, numbers in asked.items()):
            break
    for text in texts:
        add(text, found)
    return {address: numbers for address, numbers in chosen.items() if len(numbers)}


def _list_thresholds(controls: Sequence[Document], length: int, settings: ControlSettings) -> Iterable[float]:
    """t(q, r) of windows and of characters, and the census, by stretches of so many windows."""
    stretches = [cut(control, length) for control in controls]
    windows, characters = [each.ranked_windows for each in stretches], [each.ranked_characters for each in stretches]
    q, r = settings.band_share, settings.band_rank
    for ranked, share, rank in ((windows, q, r), (characters, q, r), (windows, 0.0, 1)):
        threshold = find_threshold([find_own_threshold(values, share) for values in ranked], rank)
        if threshold is not None:
            yield threshold


def _correct(control: FirstScores, numbers: np.ndarray, exact: np.ndarray | None) -> Document:
    """The control with float32's log_p_z of these of its windows."""
    assert control.document, "the caller asks for no other"
    if exact is None:
        return control.document
    log_p_z, (_, rows, places) = control.log_p_z.copy(), np.intersect1d(control.numbers, numbers, return_indices=True)
    log_p_z[rows] = exact[places]
    return dataclasses.replace(control.document, log_p_z=log_p_z)


def _to_log_odds(log_p_z: np.ndarray) -> np.ndarray:
    """log(p_z / (1 - p_z)); infinite where p_z is 0 or 1."""
    with np.errstate(divide="ignore"):
        return log_p_z - np.log(-np.expm1(log_p_z))
