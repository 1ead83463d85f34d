"""What may be said of a book before its headline: its place among the controls, and its best window."""

import math
from collections.abc import Mapping

from byheart.measures.calibration.calibrate import Calibration
from byheart.measures.calibration.facts import Facts, format_p_z, state_facts
from byheart.measures.discoverable import EVIDENCE_FLOOR
from byheart.measures.figures import show_rounded, show_with_bound
from byheart.measures.recall import BestWindow
from byheart.measures.statistics import BookStatistics

NO_CONTROL = "No control was measured: text that any model finds easy counts as much as what it knows."
_POWER = 6
"""From 10^6 on, a factor is a power of ten."""
_WORDS = 60
"""The most characters of a quotation."""


def state_claims(calibration: Calibration | None) -> list[str]:
    """What a book's controls allow to be said, in one to four sentences: rank, bands, and what limits them."""
    if calibration is None or not calibration.controls_count:
        return [NO_CONTROL]
    facts = state_facts(calibration)
    return [
        f"{facts.rank} {facts.word}",
        *([facts.threshold] if facts.threshold else []),
        *([facts.bands] if _has_drawn(calibration) else []),
        *([facts.spread] if facts.spread else []),
    ]


def format_rank(calibration: Calibration) -> tuple[str, str]:
    """For a table: p_all with the least that it could be, and the share of the compared windows above t."""
    threshold = calibration.windows_t
    least = "" if calibration.p_all == calibration.least_p else f" (≥ {calibration.least_p:.3g})"
    above = show_with_bound(threshold.share, calibration.book.non_overlapping) if threshold else "–"
    return f"{calibration.p_all:.3g}{least}", above


def state_details(calibration: Calibration, statistics: BookStatistics) -> list[str]:
    """What else the controls show: bits, best windows, other prompts, several books."""
    facts: Facts = state_facts(calibration)
    sentences = (
        facts.bits,
        _state_whole(calibration),
        facts.census,
        facts.middle_band,
        state_fall(statistics, facts.sample),
        facts.several_books,
    )
    return [sentence for sentence in sentences if sentence]


def _state_whole(calibration: Calibration) -> str:
    """How much of the whole book lies above t; empty where the stretch is the whole book."""
    threshold, bands = calibration.windows_t, calibration.bands
    if threshold is None or bands is None or calibration.pieces < 2:
        return ""
    counts = bands.book_windows
    above = counts.extractable + counts.above_controls
    total = above + counts.easy + counts.like_unseen
    return (
        f"Of all {total:,} windows of the book that are not repetitive, {above:,} lie above "
        f"p_z = {format_p_z(threshold.log_p_z)}: of unseen books as long, at most {threshold.chance_whole_book:.0%} "
        f"have a stretch with more than {100 * threshold.q:g}% there."
    )


def state_fall(statistics: BookStatistics, at_threshold: str = "") -> str:
    """How far suffixes fall under prompts from elsewhere in the text; empty without a control sample.

    Args:
        at_threshold: a sentence about their shares, with which to begin.
    """
    sample = statistics.control_sample
    if sample is None or sample.plain.median_fall is None:
        return at_threshold
    fall = sample.plain.median_fall
    how = (
        f"p_z falls by a factor of {_show_factor(fall)} in the median"
        if fall > 0
        else "p_z does not fall in the median"
    )
    return f"{at_threshold} Under a prompt from elsewhere in the text, {how}.".strip()


def _show_factor(decades: float) -> str:
    """A factor of at least 1 with two digits, or from a million on with one: 2.5, 320, 4 × 10⁷."""
    if decades >= _POWER:
        return show_rounded(decades * math.log(10))
    return f"{10**decades:.1f}" if decades < 1 else f"{float(f'{10**decades:.2g}'):,.0f}"


def is_blank(statistics: BookStatistics) -> bool:
    """Whether no window reaches 0.001, so that the headline's shares are all 0."""
    return not statistics.plain.windows_at[EVIDENCE_FLOOR].count


def state_best(statistics: BookStatistics, words: Mapping[str, str]) -> str:
    """The best window of a text of which no window reaches 0.001, beside that of its controls; empty of other texts.

    Args:
        words: the words of each text's best window, by the text's name; texts that may not be quoted are left out.
    """
    best = statistics.best_window
    if best is None or not is_blank(statistics):
        return ""
    own = _describe(statistics.provenance.book.name, best, words)
    return f"No window reaches p_z = {EVIDENCE_FLOOR}; the best is {own}{_describe_controls(statistics, words)}."


def _describe_controls(statistics: BookStatistics, words: Mapping[str, str]) -> str:
    windows = statistics.control.best_windows if statistics.control else {}
    known = {name: best for name, best in windows.items() if best}
    if not known:
        return ""
    name = max(known, key=lambda name: known[name].log_p_z)
    return f"; the controls' best is {_describe(name, known[name], words, of=f'{name}, ')}"


def _describe(name: str, best: BestWindow, words: Mapping[str, str], of: str = "") -> str:
    quoted = f"“{shorten(words[name])}”, " if words.get(name) else ""
    return f"{format_p_z(best.log_p_z)} ({of}{quoted}characters {best.suffix_start:,} to {best.stop:,})"


def shorten(words: str) -> str:
    """The words on a single line, cut if they are long."""
    line = " ".join(words.split())
    return line if len(line) <= _WORDS else f"{line[: _WORDS - 1].rstrip()}…"


def _has_drawn(calibration: Calibration) -> bool:
    """Whether any compared window is easily drawn, so that the bands say more than the share above t."""
    bands = calibration.bands
    return bands is not None and bands.stretch_windows.extractable + bands.stretch_windows.easy > 0
