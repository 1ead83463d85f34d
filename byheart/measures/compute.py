"""The statistics of a measured book, computed by a pure function."""

import math
from collections.abc import Sequence

import numpy as np

from byheart.measures.blocks import Blocks
from byheart.measures.character_map import CharacterMap
from byheart.measures.control import Control
from byheart.measures.coverage import Words, count_not_measurable, find_words
from byheart.measures.discoverable import (
    EVIDENCE_FLOOR,
    HEADLINE_THRESHOLD,
    QUANTILES,
    THRESHOLDS,
    N,
    P,
    compute_log10_n_needed,
    is_below_floor,
)
from byheart.measures.measured import MeasuredBook, Scheme, find_first_covered, find_selected
from byheart.measures.near_half import NearHalf
from byheart.measures.passages import BookPassages, Passage
from byheart.measures.provenance import BookProvenance
from byheart.measures.rates import Rate, Rates
from byheart.measures.recall import WindowRecall, find_best_window
from byheart.measures.scheme_statistics import (
    CoverageAt,
    CoverageTables,
    Curve,
    ExtractionRates,
    NonOverlapping,
    PassagesAt,
    Portion,
    SchemeStatistics,
    WindowsAt,
)
from byheart.measures.schemes import Coverages, Schemes
from byheart.measures.statistics import (
    BookCharacters,
    BookStatistics,
    BookWindows,
    ControlSampleStatistics,
    ControlStatistics,
    GreedyWindows,
    Headline,
    Measurable,
    PromptMedians,
    PromptShares,
    SampleStatistics,
    Uncertainty,
)
from byheart.measures.uncertainty import LEVEL, compute_wilson_interval, select_non_overlapping


def compute_statistics(
    measured: MeasuredBook,
    blocks: Blocks,
    rates: Schemes[Rates],
    recall: WindowRecall,
    passages: BookPassages,
    provenance: BookProvenance,
    control: Control | None,
) -> BookStatistics:
    """The statistics of a book.

    Args:
        blocks: the blocks that the intervals treat as independent.
        recall: of the measured windows.
        control: the control books of the run, pooled; None for a control book, and in a run without controls.
    """
    control_rates: Schemes[Rates | None] = control.rates if control else Schemes(plain=None, top_k=None)
    selected = find_selected(measured.selection, len(measured.book.text))
    words = find_words(measured.book.text).keep(selected)
    apart = select_non_overlapping(measured.windows.start, measured.windows.stop)

    def compute_scheme(
        scheme: Scheme, own: Rates, by_threshold: dict[float, list[Passage]], others: Rates | None
    ) -> SchemeStatistics:
        return SchemeStatistics(
            windows_at={
                threshold: _compute_windows_at(
                    measured, scheme.log_p_z >= math.log(threshold), apart, own.windows_at[threshold],
                    others.windows_at[threshold] if others else None,
                )
                for threshold in THRESHOLDS
            },
            coverage_at=_compute_coverage(scheme, selected, words, own, others),
            passages_at={threshold: _summarize_passages(by_threshold[threshold]) for threshold in THRESHOLDS},
            extraction_rates=ExtractionRates(
                n=list(N),
                evidence_floor=EVIDENCE_FLOOR,
                at={p: _make_curve(p, own.discoverable[p], others.discoverable[p] if others else None) for p in P},
            ),
            log10_n_needed={p: _compute_quantiles(compute_log10_n_needed(scheme.log_p_z, p)) for p in P},
        )  # fmt: skip

    schemes = measured.schemes.map(compute_scheme, rates, passages, control_rates)
    of_book = recall.compute()
    longest = schemes.plain.passages_at[HEADLINE_THRESHOLD].longest
    return BookStatistics(
        headline=Headline(
            coverage=rates.plain.coverage_at.suffix[HEADLINE_THRESHOLD].share,
            windows=rates.plain.windows_at[EVIDENCE_FLOOR].share,
            longest=longest.characters if longest else 0,
            bits=of_book.bits_per_character if of_book else None,
        ),
        windows=_count_windows(
            measured, len(apart), rates.plain.greedy, control_rates.plain.greedy if control_rates.plain else None
        ),
        characters=_count_characters(measured, int(selected.sum())),
        words=len(words),
        uncertainty=Uncertainty(
            level=LEVEL, block=blocks.unit, block_characters=blocks.least_characters, blocks=len(blocks)
        ),
        recall=of_book,
        best_window=find_best_window(measured.windows, measured.schemes.plain.log_p_z),
        near_half=NearHalf.from_scheme(measured.schemes.plain),
        plain=schemes.plain,
        top_k=schemes.top_k,
        control=_summarize_control(control) if control else None,
        control_sample=_summarize_control_sample(measured) if len(measured.sample) else None,
        provenance=provenance,
    )


def count_non_overlapping(hits: int, total: int) -> NonOverlapping:
    """A count among non-overlapping windows, with its share and interval."""
    return NonOverlapping(
        count=hits, of=total, share=_divide(hits, total), interval=compute_wilson_interval(hits, total)
    )


def _count_windows(measured: MeasuredBook, apart: int, greedy: Rate, control: Rate | None) -> BookWindows:
    return BookWindows(
        count=len(measured.windows),
        of_book=len(measured.all_windows),
        stride_characters=measured.stride,
        non_overlapping=apart,
        dropped_tail=measured.windows.dropped_tail,
        dropped_inside=measured.windows.dropped_inside,
        flagged=int(measured.windows.flagged.sum()),
        repetitive=int(measured.repetition.repetitive.sum()),
        rescored=int(measured.rescored.sum()),
        greedy=GreedyWindows(
            count=int(measured.scores.greedy.sum()),
            share=greedy.share,
            interval=greedy.interval,
            no_interval=greedy.no_interval,
            control=control.share if control else None,
            control_interval=control.interval if control else None,
        ),
    )


def _count_characters(measured: MeasuredBook, selected: int) -> BookCharacters:
    all_windows, stride = measured.all_windows, measured.stride
    coverages = measured.schemes.plain.maps.map(
        lambda character_map, not_asked, first: Measurable(
            measurable=int(character_map.measurable.sum()),
            not_asked=int(not_asked.sum()),
            not_measurable=count_not_measurable(
                ~character_map.measurable & ~not_asked, all_windows, first, stride=stride
            ),
        ),
        measured.not_asked,
        find_first_covered(all_windows),
    )
    return BookCharacters(
        count=len(measured.book.text), asked=selected, suffix=coverages.suffix, window=coverages.window
    )


def _compute_windows_at(
    measured: MeasuredBook, hits: np.ndarray, apart: np.ndarray, rate: Rate, control: Rate | None
) -> WindowsAt:
    prose = ~measured.repetition.repetitive
    prose_hits, prose_windows = int((hits & prose).sum()), int(prose.sum())
    return WindowsAt(
        count=int(hits.sum()),
        share=rate.share,
        interval=rate.interval,
        no_interval=rate.no_interval,
        effective_sample=rate.effective_sample,
        non_overlapping=count_non_overlapping(int(hits[apart].sum()), len(apart)),
        not_repetitive=Portion(count=prose_hits, of=prose_windows, share=_divide(prose_hits, prose_windows)),
        control=control.share if control else None,
        control_interval=control.interval if control else None,
    )


def _compute_coverage(
    scheme: Scheme, selected: np.ndarray, words: Words, rates: Rates, control: Rates | None
) -> CoverageTables:
    def compute_table(
        character_map: CharacterMap, own: dict[float, Rate], others: dict[float, Rate] | None
    ) -> dict[float, CoverageAt]:
        measurable_words = int(words.lie_in(character_map.measurable).sum())
        return {
            threshold: _compute_coverage_at(
                character_map.reaches(math.log(threshold)), int(selected.sum()), words, measurable_words,
                own[threshold], others[threshold] if others else None,
            )
            for threshold in THRESHOLDS
        }  # fmt: skip

    control_rates = control.coverage_at if control else Coverages(suffix=None, window=None)
    tables = scheme.maps.map(compute_table, rates.coverage_at, control_rates)
    return CoverageTables(suffix=tables.suffix, window=tables.window)


def _compute_coverage_at(
    reached: np.ndarray, selected: int, words: Words, measurable_words: int, rate: Rate, control: Rate | None
) -> CoverageAt:
    reached_characters, reached_words = int(reached.sum()), int(words.lie_in(reached).sum())
    return CoverageAt(
        characters=reached_characters,
        share_of_measurable=rate.share,
        interval=rate.interval,
        no_interval=rate.no_interval,
        share_of_all=_divide(reached_characters, selected),
        words=reached_words,
        share_of_measurable_words=_divide(reached_words, measurable_words),
        share_of_all_words=_divide(reached_words, len(words)),
        control=control.share if control else None,
        control_interval=control.interval if control else None,
    )


def _summarize_passages(passages: list[Passage]) -> PassagesAt:
    return PassagesAt(
        count=len(passages),
        characters=sum(passage.characters for passage in passages),
        longest=max(passages, key=lambda passage: passage.characters, default=None),
    )


def _make_curve(p: float, rates: list[Rate], control: list[Rate] | None) -> Curve:
    return Curve(
        rate=[rate.share for rate in rates],
        interval_low=[rate.interval and rate.interval[0] for rate in rates],
        interval_high=[rate.interval and rate.interval[1] for rate in rates],
        below_evidence_floor=[is_below_floor(n, p) for n in N],
        control=[rate.share for rate in control] if control else None,
    )


def _compute_quantiles(values: np.ndarray, shares: Sequence[float] = QUANTILES) -> dict[float, float | None]:
    """The quantiles as order statistics; None where the value is infinite, or there are no windows."""
    if not len(values):
        return dict.fromkeys(shares)
    quantiles = np.quantile(values, shares, method="inverted_cdf")
    return {q: float(value) if math.isfinite(value) else None for q, value in zip(shares, quantiles, strict=True)}


def _summarize_control(control: Control) -> ControlStatistics:
    schemes = control.non_overlapping.map(
        lambda by_threshold: {at: count_non_overlapping(*counts) for at, counts in by_threshold.items()}
    )
    return ControlStatistics(
        books=control.books,
        windows=len(control.log_p_z.plain),
        recall=control.recall.compute(),
        best_windows=control.best_windows,
        plain=schemes.plain,
        top_k=schemes.top_k,
    )


def _summarize_control_sample(measured: MeasuredBook) -> ControlSampleStatistics:
    def compare(own: np.ndarray, other: np.ndarray) -> SampleStatistics:
        return SampleStatistics(
            at={
                threshold: PromptShares(
                    own_prompt=float(np.mean(own >= math.log(threshold))),
                    other_prompt=float(np.mean(other >= math.log(threshold))),
                )
                for threshold in THRESHOLDS
            },
            median_log10_p_z=PromptMedians(own_prompt=_compute_median(own), other_prompt=_compute_median(other)),
            median_fall=_compute_median_fall(own, other),
        )

    suffixes, other_scores = measured.sample_rows, measured.sample_scores
    return ControlSampleStatistics(
        count=len(suffixes),
        non_overlapping=measured.sample_log_p_z.non_overlapping,
        plain=compare(measured.scores.log_p_z[suffixes], other_scores.log_p_z),
        top_k=compare(measured.scores.log_p_z_top_k[suffixes], other_scores.log_p_z_top_k),
    )


def _compute_median(log_p_z: np.ndarray) -> float | None:
    """The median of log10 p_z."""
    return _compute_quantiles(log_p_z / math.log(10), (0.5,))[0.5]


def _compute_median_fall(own: np.ndarray, other: np.ndarray) -> float | None:
    """The median of log10 p_z under the own prompt minus that under the other; None where one of them is undefined."""
    with np.errstate(invalid="ignore"):  # a suffix may be impossible under both
        return _compute_median(own - other)


def _divide(hits: int, total: int) -> float | None:
    return hits / total if total else None
