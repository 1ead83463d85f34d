"""A calibration in plain sentences, for the page, the terminal and methods.md."""

import dataclasses
import math

from byheart.measures.calibration.bands import HIGHEST_CHANCE
from byheart.measures.calibration.calibrate import Calibration
from byheart.measures.discoverable import EVIDENCE_FLOOR
from byheart.measures.figures import show_rounded, show_with_bound


@dataclasses.dataclass(frozen=True, kw_only=True)
class Facts:
    """Sentences about a book and its controls; each is empty where there is nothing to say."""

    rank: str
    """p_all, with K and the least possible value."""
    bits: str
    """Bits per character beside the best control's."""
    threshold: str
    """How much lies above t, and how often that is so of unseen books."""
    bands: str
    """How many of the compared windows lie in each band."""
    census: str
    """The book's most probable window beside the controls'."""
    word: str
    """Whether `memorised` may be said, and if not, why."""
    middle_band: str
    """That no window can be above the controls without being extractable."""
    several_books: str
    """The chance of an error among all books of the run."""
    sample: str
    """How many suffixes lie above t under their own prompts, and under others."""
    spread: str
    """That the windows are a first look."""


def state_facts(calibration: Calibration) -> Facts:
    """The sentences about a book. With no controls, all are empty but `word`."""
    return Facts(
        rank=_state_rank(calibration),
        bits=_state_bits(calibration),
        threshold=_state_threshold(calibration),
        bands=_state_bands(calibration),
        census=_state_census(calibration),
        word=_state_word(calibration),
        middle_band=_state_middle_band(calibration),
        several_books=_state_several_books(calibration),
        sample=_state_sample(calibration),
        spread="Windows were spread over the texts, further apart in longer ones: no error rate holds."
        if calibration.is_spread
        else "",
    )


def count_controls_needed(r: int) -> int:
    """The fewest controls with which what lies above t(q, r) may be called memorised: 19 for r = 1."""
    return math.ceil(round(r / HIGHEST_CHANCE, 6)) - 1


def format_p_z(log_p_z: float | None) -> str:
    """p_z as people read it: 12.5%, below the evidence floor 3 × 10⁻¹²; 0 for minus infinity."""
    if log_p_z is None or log_p_z == -math.inf:
        return "0"
    p_z = math.exp(log_p_z)
    return f"{p_z:.1%}" if p_z >= EVIDENCE_FLOOR else show_rounded(log_p_z)


def _state_rank(calibration: Calibration) -> str:
    count = calibration.controls_count
    if not count:
        return ""
    extreme = round(calibration.p_all * (count + 1))
    others = f"{extreme - 1 or 'none'} {'is' if extreme < 3 else 'are'} as extreme as the book"
    p = f"p = {calibration.p_all:.3g}, {extreme:,} in {count + 1:,}"
    least = "the least possible" if extreme == 1 else f"where 1 in {count + 1:,} is the least possible"
    return f"Of {_count(count, 'control')}, {others}: {p}, {least}."


def _state_bits(calibration: Calibration) -> str:
    own = calibration.book.numbers.bits_per_character
    others = [control.numbers.bits_per_character for control in calibration.controls]
    known = [bits for bits in others if bits is not None]
    if own is None or not known:
        return ""
    excess = calibration.ranks.bits_per_character.excess_at_least
    sure = (
        f": at least {excess:.2f} fewer than the same book unseen, with confidence {calibration.confidence:.0%}"
        if excess is not None and excess > 0
        else ""
    )
    best = f"its best control {min(known):.2f}{sure}"
    return f"Over the windows compared, the book takes {own:.2f} bits a character, {best}."


def _state_threshold(calibration: Calibration) -> str:
    threshold = calibration.windows_t
    if threshold is None or threshold.share is None:
        return ""
    share = show_with_bound(threshold.share, calibration.book.non_overlapping)
    return (
        f"{share} of the {_count(threshold.of, 'window')} compared lie above "
        f"p_z = {format_p_z(threshold.log_p_z)}; of unseen books, at most "
        f"{threshold.r} in {calibration.controls_count + 1:,} have more than {100 * threshold.q:g}% there."
    )


def _state_bands(calibration: Calibration) -> str:
    if calibration.bands is None:
        return ""
    windows = calibration.bands.stretch_windows
    left_out = f"; {windows.none:,} repetitive ones are left out" if windows.none else ""
    return (
        f"Of the windows compared, {windows.extractable:,} are extractable, {windows.above_controls:,} only above the "
        f"controls, {windows.easy:,} easily drawn but not above, {windows.like_unseen:,} like unseen text{left_out}."
    )


def _state_sample(calibration: Calibration) -> str:
    sample, threshold = calibration.control_sample, calibration.windows_t
    if sample is None or threshold is None:
        return ""
    own, other = (show_with_bound(share, sample.non_overlapping) for share in (sample.own_prompt, sample.other_prompt))
    return (
        f"Of the suffixes that were scored twice, {own} lie above p_z = {format_p_z(threshold.log_p_z)} under their "
        f"own prompt, {other} under another."
    )


def _state_census(calibration: Calibration) -> str:
    census, best = calibration.census, calibration.book.best_window
    if census is None or census.decided_by is None or best is None:
        return ""
    decided = census.decided_by
    return (
        f"The best of the book's windows compared has p_z = {format_p_z(best.log_p_z)}, the controls' best "
        f"{format_p_z(decided.log_p_z)} ({decided.text}, characters {decided.start:,} to {decided.stop:,}): an "
        f"unseen book would be above with a chance of at most 1 in {calibration.controls_count + 1:,}."
    )


def _state_word(calibration: Calibration) -> str:
    if calibration.bands and calibration.bands.may_say_memorised:
        return f"What lies above the controls may be called memorised{_limit_to_one_book(calibration)}."
    threshold = calibration.windows_t
    if threshold is None or threshold.chance > HIGHEST_CHANCE:
        why = f"that takes {count_controls_needed(threshold.r if threshold else 1):,} controls"
    elif calibration.is_spread:
        why = "only some windows were measured"
    else:
        why = "no more lies above the controls than unseen books may have there"
    return f"Nothing may be called memorised: {why}."


def _limit_to_one_book(calibration: Calibration) -> str:
    """What several books do to the word; empty for a single one."""
    several = calibration.several_books
    if several is None or several.books < 2:
        return ""
    return (
        f", of this book by itself: with {several.books:,} books looked at, an unseen one is above all controls with a "
        f"chance of up to {several.any_above_all_controls:.0%} (R / (R + K))"
    )


def _state_middle_band(calibration: Calibration) -> str:
    is_empty = calibration.bands and calibration.bands.above_controls_is_empty
    return "The controls have easily drawn windows too, so every window above them is extractable." if is_empty else ""


def _state_several_books(calibration: Calibration) -> str:
    several = calibration.several_books
    if several is None or several.books < 2:
        return ""
    return (
        f"If all {several.books:,} books of the run were unseen, any would have a window above all controls with a "
        f"chance of at most {several.any_above_all_controls:.0%}."
    )


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'s' * (number != 1)}"
