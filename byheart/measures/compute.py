"""From what was measured of a book to its statistics: a pure function."""

import math

import numpy as np

from byheart.measures.character_map import CharacterMap
from byheart.measures.control import Control
from byheart.measures.coverage import Words, not_measurable, words
from byheart.measures.discoverable import (
    EVIDENCE_FLOOR,
    HEADLINE_THRESHOLD,
    QUANTILES,
    THRESHOLDS,
    N,
    P,
    below_floor,
    log10_n_needed,
)
from byheart.measures.measured import Measured, Scheme, asked_for, first_covered
from byheart.measures.passages import BookPassages, Passage
from byheart.measures.provenance import BookProvenance
from byheart.measures.rates import Rate, Rates
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
from byheart.measures.uncertainty import FEWEST_BLOCKS, LEVEL, REPLICATES, Blocks, non_overlapping, wilson


def compute_statistics(
    measured: Measured,
    blocks: Blocks,
    rates: Schemes[Rates],
    found: BookPassages,
    provenance: BookProvenance,
    control: Control | None,
) -> BookStatistics:
    """The statistics of a book.

    Args:
        blocks: the pieces of the book that the intervals resample.
        rates: the book's rates.
        found: the book's passages.
        control: the run's control books together; None for one of them, and where there are none.
    """
    beside: Schemes[Rates | None] = control.rates if control else Schemes(plain=None, top_k=None)
    asked = asked_for(measured.selection, len(measured.book.text))
    among = words(measured.book.text).within(asked)
    apart = non_overlapping(measured.windows)

    def of_scheme(
        scheme: Scheme, own: Rates, some: dict[float, list[Passage]], others: Rates | None
    ) -> SchemeStatistics:
        return SchemeStatistics(
            windows_at={
                threshold: _windows_at(
                    measured, scheme.log_p_z >= math.log(threshold), apart, own.windows_at[threshold],
                    others.windows_at[threshold] if others else None,
                )
                for threshold in THRESHOLDS
            },
            coverage_at=_coverage(scheme, asked, among, own, others),
            passages_at={threshold: _passages_at(some[threshold]) for threshold in THRESHOLDS},
            extraction_rates=ExtractionRates(
                n=list(N),
                evidence_floor=EVIDENCE_FLOOR,
                at={p: _curve(p, own.discoverable[p], others.discoverable[p] if others else None) for p in P},
            ),
            log10_n_needed={p: _quantiles(log10_n_needed(scheme.log_p_z, p)) for p in P},
        )  # fmt: skip

    schemes = measured.schemes.map(of_scheme, rates, found, beside)
    longest = schemes.plain.passages_at[HEADLINE_THRESHOLD].longest
    return BookStatistics(
        headline=Headline(
            coverage=rates.plain.coverage_at.suffix[HEADLINE_THRESHOLD].share,
            windows=rates.plain.windows_at[EVIDENCE_FLOOR].share,
            longest=longest.characters if longest else 0,
        ),
        windows=_windows(measured, len(apart), rates.plain.greedy, beside.plain.greedy if beside.plain else None),
        characters=_characters(measured, int(asked.sum())),
        words=len(among),
        uncertainty=Uncertainty(
            level=LEVEL, block=blocks.unit, blocks=len(blocks), fewest_blocks=FEWEST_BLOCKS, replicates=REPLICATES
        ),
        plain=schemes.plain,
        top_k=schemes.top_k,
        control=_control(control) if control else None,
        control_sample=_control_sample(measured) if len(measured.sample) else None,
        provenance=provenance,
    )


def count_clear(hits: int, total: int) -> NonOverlapping:
    """So many hits of so many windows that do not overlap."""
    return NonOverlapping(count=hits, of=total, share=_share(hits, total), interval=wilson(hits, total))


def _windows(measured: Measured, apart: int, greedy: Rate, control: Rate | None) -> BookWindows:
    return BookWindows(
        count=len(measured.windows),
        of_book=len(measured.every),
        stride_characters=measured.stride,
        non_overlapping=apart,
        dropped_tail=measured.windows.dropped_tail,
        dropped_inside=measured.windows.dropped_inside,
        repetitive=int(measured.repetition.repetitive.sum()),
        greedy=GreedyWindows(
            count=int(measured.scores.greedy.sum()),
            share=greedy.share,
            interval=greedy.interval,
            control=control.share if control else None,
        ),
    )


def _characters(measured: Measured, asked: int) -> BookCharacters:
    every, stride = measured.every, measured.stride
    both = measured.schemes.plain.maps.map(
        lambda covered, not_asked, first: Measurable(
            measurable=int(covered.measurable.sum()),
            not_asked=int(not_asked.sum()),
            not_measurable=not_measurable(~covered.measurable & ~not_asked, every, first, stride=stride),
        ),
        measured.not_asked,
        first_covered(every),
    )
    return BookCharacters(count=len(measured.book.text), asked=asked, suffix=both.suffix, window=both.window)


def _windows_at(measured: Measured, hits: np.ndarray, apart: np.ndarray, rate: Rate, control: Rate | None) -> WindowsAt:
    prose = ~measured.repetition.repetitive
    among, total = int((hits & prose).sum()), int(prose.sum())
    return WindowsAt(
        count=int(hits.sum()),
        share=rate.share,
        interval=rate.interval,
        effective_sample=rate.effective_sample,
        non_overlapping=count_clear(int(hits[apart].sum()), len(apart)),
        not_repetitive=Portion(count=among, of=total, share=_share(among, total)),
        control=control.share if control else None,
    )


def _coverage(scheme: Scheme, asked: np.ndarray, among: Words, rates: Rates, control: Rates | None) -> CoverageTables:
    def table(
        covered: CharacterMap, own: dict[float, Rate], others: dict[float, Rate] | None
    ) -> dict[float, CoverageAt]:
        measurable = int(among.whole(covered.measurable).sum())
        reached = {threshold: covered.reaches(math.log(threshold)) for threshold in THRESHOLDS}
        return {
            at: _coverage_at(characters, int(asked.sum()), among, measurable, own[at], others[at] if others else None)
            for at, characters in reached.items()
        }

    beside = control.coverage_at if control else Coverages(suffix=None, window=None)
    both = scheme.maps.map(table, rates.coverage_at, beside)
    return CoverageTables(suffix=both.suffix, window=both.window)


def _coverage_at(
    characters: np.ndarray, asked: int, among: Words, measurable_words: int, rate: Rate, control: Rate | None
) -> CoverageAt:
    covered, whole = int(characters.sum()), int(among.whole(characters).sum())
    return CoverageAt(
        characters=covered,
        share_of_measurable=rate.share,
        interval=rate.interval,
        share_of_all=_share(covered, asked),
        words=whole,
        share_of_measurable_words=_share(whole, measurable_words),
        share_of_all_words=_share(whole, len(among)),
        control=control.share if control else None,
    )


def _passages_at(found: list[Passage]) -> PassagesAt:
    return PassagesAt(
        count=len(found),
        characters=sum(passage.characters for passage in found),
        longest=max(found, key=lambda passage: passage.characters, default=None),
    )


def _curve(p: float, rates: list[Rate], control: list[Rate] | None) -> Curve:
    return Curve(
        rate=[rate.share for rate in rates],
        interval_low=[rate.interval and rate.interval[0] for rate in rates],
        interval_high=[rate.interval and rate.interval[1] for rate in rates],
        below_evidence_floor=[below_floor(n, p) for n in N],
        control=[rate.share for rate in control] if control else None,
    )


def _quantiles(values: np.ndarray) -> dict[float, float | None]:
    """Order statistics: each is the value of a window; None where it is infinite, or there is no window."""
    if not len(values):
        return dict.fromkeys(QUANTILES)
    found = np.quantile(values, QUANTILES, method="inverted_cdf")
    return {q: float(value) if math.isfinite(value) else None for q, value in zip(QUANTILES, found, strict=True)}


def _control(control: Control) -> ControlStatistics:
    clear = control.clear.map(lambda by_threshold: {at: count_clear(*counts) for at, counts in by_threshold.items()})
    return ControlStatistics(
        books=control.books, windows=len(control.log_p_z.plain), plain=clear.plain, top_k=clear.top_k
    )


def _control_sample(measured: Measured) -> ControlSampleStatistics:
    def sample(own: np.ndarray, other: np.ndarray) -> SampleStatistics:
        return SampleStatistics(
            at={
                threshold: PromptShares(
                    own_prompt=float(np.mean(own >= math.log(threshold))),
                    other_prompt=float(np.mean(other >= math.log(threshold))),
                )
                for threshold in THRESHOLDS
            },
            median_log10_p_z=PromptMedians(own_prompt=_median(own), other_prompt=_median(other)),
        )

    suffixes = np.searchsorted(measured.selection.numbers(), measured.sample.suffix_window)
    again = measured.sample_scores
    return ControlSampleStatistics(
        count=len(suffixes),
        plain=sample(measured.scores.log_p_z[suffixes], again.log_p_z),
        top_k=sample(measured.scores.log_p_z_top_k[suffixes], again.log_p_z_top_k),
    )


def _median(log_p_z: np.ndarray) -> float | None:
    """The median as log10, an order statistic; None where it is minus infinity."""
    value = float(np.quantile(log_p_z, 0.5, method="inverted_cdf")) / math.log(10)
    return value if math.isfinite(value) else None


def _share(hits: int, total: int) -> float | None:
    return hits / total if total else None
