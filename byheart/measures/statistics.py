"""The numbers of one book, as they stand in statistics.json: a pure function of what was measured."""

import dataclasses
import math
from typing import Any

import numpy as np

from byheart.measures.coverage import Words, not_measurable, words
from byheart.measures.discoverable import EVIDENCE_FLOOR, N, P, below_floor, log10_n_needed
from byheart.measures.measured import COVERAGES, Measured, Scheme
from byheart.measures.outcomes import Control
from byheart.measures.passages import Passage, passages
from byheart.measures.rates import DISCOVERABLE, GREEDY, THRESHOLDS, WINDOWS, Rates
from byheart.measures.uncertainty import FEWEST_BLOCKS, LEVEL, REPLICATES, Blocks, non_overlapping, wilson

QUANTILES = (0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99)
HEADLINE_THRESHOLD = 0.5

Statistics = dict[str, Any]


def statistics(
    measured: Measured,
    blocks: Blocks,
    rates: dict[str, Rates],
    found: dict[str, dict[float, list[Passage]]],
    control: Control | None,
) -> Statistics:
    """The statistics of a book, ready for JSON; None stands for what has no value.

    Args:
        blocks: the pieces of the book that the intervals resample.
        rates: the book's rates under each scheme.
        found: the book's passages under each scheme, at each threshold, as `all_passages` finds them.
        control: the run's control books together; None for one of them, and where there are none.
    """
    windows, among = measured.windows, words(measured.book.text)
    beside: dict[str, Rates | None] = {name: control.rates[name] if control else None for name in measured.schemes}
    longest = max((passage.characters for passage in found["plain"][HEADLINE_THRESHOLD]), default=0)
    return {
        "headline": {
            "share_of_measurable_characters_at_0.5": rates["plain"].rate("suffix", HEADLINE_THRESHOLD),
            "share_of_windows_at_0.001": rates["plain"].rate(WINDOWS, EVIDENCE_FLOOR),
            "longest_passage_characters_at_0.5": longest,
        },
        "windows": {
            "count": len(windows),
            "stride_characters": measured.stride,
            "non_overlapping": len(non_overlapping(windows)),
            "dropped_tail": windows.dropped_tail,
            "dropped_inside": windows.dropped_inside,
            "repetitive": int(measured.repetition.repetitive.sum()),
            "greedy": {
                "count": int(measured.scores.greedy.sum()),
                "share": rates["plain"].rate(*GREEDY),
                "interval": rates["plain"].interval(*GREEDY),
                "control": control and control.rates["plain"].rate(*GREEDY),
            },
        },
        "characters": {"count": len(measured.book.text), **{name: _measurable(measured, name) for name in COVERAGES}},
        "words": len(among),
        "uncertainty": {
            "level": LEVEL,
            "block": blocks.unit,
            "blocks": len(blocks),
            "fewest_blocks": FEWEST_BLOCKS,
            "replicates": REPLICATES,
        },
        **{
            name: {
                "windows_at": _windows_at(measured, scheme, rates[name], beside[name]),
                "coverage_at": _coverage_at(scheme, among, rates[name], beside[name]),
                "passages_at": {str(threshold): _summary(found[name][threshold]) for threshold in THRESHOLDS},
                "extraction_rates": _extraction_rates(rates[name], beside[name]),
                "log10_n_needed": {str(p): _quantiles(log10_n_needed(scheme.log_p_z, p)) for p in P},
            }
            for name, scheme in measured.schemes.items()
        },
        "control": control and _control(control),
        "control_sample": _control_sample(measured),
    }


def all_passages(measured: Measured) -> dict[str, dict[float, list[Passage]]]:
    """The passages under each scheme, at each threshold."""
    return {
        name: {
            threshold: passages(
                scheme.maps["suffix"], measured.windows, scheme.log_p_z, threshold, stride=measured.stride
            )
            for threshold in THRESHOLDS
        }
        for name, scheme in measured.schemes.items()
    }


def _measurable(measured: Measured, coverage: str) -> dict[str, Any]:
    covered, windows = measured.schemes["plain"].maps[coverage], measured.windows
    first = windows.suffix_start if coverage == "suffix" else windows.start
    return {
        "measurable": int(covered.measurable.sum()),
        "not_measurable": not_measurable(covered, windows, first, stride=measured.stride),
    }


def _windows_at(measured: Measured, scheme: Scheme, rates: Rates, control: Rates | None) -> dict[str, Any]:
    apart, repetitive = non_overlapping(measured.windows), measured.repetition.repetitive

    def at(threshold: float) -> dict[str, Any]:
        hits = scheme.log_p_z >= math.log(threshold)
        clear = int(hits[apart].sum())
        return {
            "count": int(hits.sum()),
            "share": rates.rate(WINDOWS, threshold),
            "interval": rates.interval(WINDOWS, threshold),
            "effective_sample": rates.effective_sample(WINDOWS, threshold),
            "non_overlapping": {**_share(clear, len(apart)), "interval": wilson(clear, len(apart))},
            "not_repetitive": _share(int(hits[~repetitive].sum()), int((~repetitive).sum())),
            "control": control and control.rate(WINDOWS, threshold),
        }

    return {str(threshold): at(threshold) for threshold in THRESHOLDS}


def _coverage_at(scheme: Scheme, among: Words, rates: Rates, control: Rates | None) -> dict[str, Any]:
    def at(coverage: str, threshold: float) -> dict[str, Any]:
        covered = scheme.maps[coverage]
        characters = covered.reaches(math.log(threshold))
        whole, measurable = int(among.whole(characters).sum()), int(among.whole(covered.measurable).sum())
        return {
            "characters": int(characters.sum()),
            "share_of_measurable": rates.rate(coverage, threshold),
            "interval": rates.interval(coverage, threshold),
            "share_of_all": _share(int(characters.sum()), len(characters))["share"],
            "words": whole,
            "share_of_measurable_words": _share(whole, measurable)["share"],
            "share_of_all_words": _share(whole, len(among))["share"],
            "control": control and control.rate(coverage, threshold),
        }

    return {name: {str(threshold): at(name, threshold) for threshold in THRESHOLDS} for name in COVERAGES}


def _summary(found: list[Passage]) -> dict[str, Any]:
    longest = max(found, key=lambda passage: passage.characters, default=None)
    return {
        "count": len(found),
        "characters": sum(passage.characters for passage in found),
        "longest": longest and {"characters": longest.characters, **dataclasses.asdict(longest)},
    }


def _extraction_rates(rates: Rates, control: Rates | None) -> dict[str, Any]:
    def at(p: float) -> dict[str, Any]:
        bounds = [rates.interval(DISCOVERABLE, p, n) for n in N]
        return {
            "rate": [rates.rate(DISCOVERABLE, p, n) for n in N],
            "interval_low": [bound and bound[0] for bound in bounds],
            "interval_high": [bound and bound[1] for bound in bounds],
            "below_evidence_floor": [below_floor(n, p) for n in N],
            "control": control and [control.rate(DISCOVERABLE, p, n) for n in N],
        }

    return {"n": list(N), "evidence_floor": EVIDENCE_FLOOR, "at": {str(p): at(p) for p in P}}


def _quantiles(values: np.ndarray) -> dict[str, float | None]:
    """Order statistics: each is the value of a window; None where it is infinite, or there is no window."""
    if not len(values):
        return dict.fromkeys(map(str, QUANTILES))
    found = np.quantile(values, QUANTILES, method="inverted_cdf")
    return {str(q): float(value) if math.isfinite(value) else None for q, value in zip(QUANTILES, found, strict=True)}


def _control(control: Control) -> dict[str, Any]:
    return {
        "books": control.books,
        "windows": len(control.log_p_z["plain"]),
        **{
            name: {at: {**_share(*clear), "interval": wilson(*clear)} for at, clear in by_threshold.items()}
            for name, by_threshold in control.clear.items()
        },
    }


def _control_sample(measured: Measured) -> dict[str, Any] | None:
    if not len(measured.sample):
        return None
    own = measured.sample.suffix_window
    under = {
        "plain": (measured.scores.log_p_z[own], measured.sample_scores.log_p_z),
        "top_k": (measured.scores.log_p_z_top_k[own], measured.sample_scores.log_p_z_top_k),
    }
    return {
        "count": len(own),
        **{
            name: {
                **{
                    str(threshold): {
                        "own_prompt": float(np.mean(own_prompt >= math.log(threshold))),
                        "other_prompt": float(np.mean(other_prompt >= math.log(threshold))),
                    }
                    for threshold in THRESHOLDS
                },
                "median_log10_p_z": {"own_prompt": _median(own_prompt), "other_prompt": _median(other_prompt)},
            }
            for name, (own_prompt, other_prompt) in under.items()
        },
    }


def _median(log_p_z: np.ndarray) -> float | None:
    """The median as log10, an order statistic; None where it is 0."""
    value = float(np.quantile(log_p_z, 0.5, method="inverted_cdf")) / math.log(10)
    return value if math.isfinite(value) else None


def _share(hits: int, total: int) -> dict[str, Any]:
    return {"count": hits, "of": total, "share": hits / total if total else None}
