"""The joint rates of a run's books, as summary.json holds them."""

import dataclasses
from collections.abc import Iterator, Sequence

from byheart.measures.outcomes import Outcome
from byheart.measures.provenance import RunProvenance
from byheart.measures.rates import Rate, Rates
from byheart.measures.recall import Recall, WindowRecall
from byheart.measures.schemes import gather
from byheart.measures.uncertainty import Counts
from byheart.measures.units import BitsPerCharacter, BlockCount, BlockInterval, BookCount, ByThreshold, Obstacle, Share


@dataclasses.dataclass(frozen=True, kw_only=True)
class SummaryRate:
    """A rate and its interval."""

    share: Share | None
    """Null where there are no windows, or no measurable characters."""
    interval: BlockInterval | None
    no_interval: Obstacle | None

    @classmethod
    def from_rate(cls, rate: Rate) -> "SummaryRate":
        """A rate without its effective sample."""
        return cls(share=rate.share, interval=rate.interval, no_interval=rate.no_interval)


@dataclasses.dataclass(frozen=True, kw_only=True)
class SummaryRates:
    """The rates in a summary."""

    greedy_windows: SummaryRate
    """The windows whose suffix is the most probable continuation, token by token."""
    windows_at: ByThreshold[SummaryRate]
    """The windows at or above each threshold of p_z."""
    suffix_coverage_at: ByThreshold[SummaryRate]
    """The measurable characters covered by a suffix at or above each threshold."""
    window_coverage_at: ByThreshold[SummaryRate]
    """The measurable characters covered anywhere in a window at or above each threshold."""

    @classmethod
    def from_rates(cls, rates: Rates) -> "SummaryRates":
        """The rates that a summary holds."""

        def convert(by_threshold: dict[float, Rate]) -> dict[float, SummaryRate]:
            return {threshold: SummaryRate.from_rate(rate) for threshold, rate in by_threshold.items()}

        return cls(
            greedy_windows=SummaryRate.from_rate(rates.greedy),
            windows_at=convert(rates.windows_at),
            suffix_coverage_at=convert(rates.coverage_at.suffix),
            window_coverage_at=convert(rates.coverage_at.window),
        )

    def columns(self) -> Iterator[tuple[str, SummaryRate]]:
        """The rates with the names of their columns in a table."""
        yield "greedy_windows", self.greedy_windows
        for name in ("windows_at", "suffix_coverage_at", "window_coverage_at"):
            for threshold, rate in getattr(self, name).items():
                yield f"{name}_{threshold}", rate


@dataclasses.dataclass(frozen=True, kw_only=True)
class Averages:
    """The rates of several books, averaged in two ways."""

    micro: SummaryRates
    """The rates over the windows, or characters, of all books in one pool: long books count more. Intervals are for \
other books made of such blocks."""
    macro: SummaryRates
    """The means of the books' own rates: all books count the same. Intervals are for the mean over other such books; \
each book is a block."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class BookGroup:
    """Several books of a run: its books, or its controls."""

    count: BookCount
    """How many books."""
    blocks: dict[str, BlockCount]
    """How many blocks each book has, by its name."""
    plain: Averages
    """The rates under the plain scheme."""
    top_k: Averages
    """The same under top-k."""
    recall: Recall | None
    """How well the model continues them, over the windows of all books in one pool; null where there are no windows."""
    mean_bits_per_character: BitsPerCharacter | None
    """The mean of the books' own bits per character; books without windows are left out."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Summary:
    """summary.json: the joint rates of a run's books, and of its controls."""

    books: BookGroup | None
    """The books; null if there are none."""
    controls: BookGroup | None
    """The controls; null if there are none."""
    provenance: RunProvenance
    """How the run was made."""


def summarize(books: Sequence[Outcome], provenance: RunProvenance) -> Summary:
    """The joint rates of a run's books, and of its controls."""
    return Summary(
        books=_join([book for book in books if not book.is_control]),
        controls=_join([book for book in books if book.is_control]),
        provenance=provenance,
    )


def _join(books: Sequence[Outcome]) -> BookGroup | None:
    if not books:
        return None
    averages = gather(outcome.counts for outcome in books).map(
        lambda counts: Averages(
            micro=SummaryRates.from_rates(Rates.from_counts(Counts.pool(counts))),
            macro=SummaryRates.from_rates(Rates.from_counts(Counts.average(counts))),
        )
    )
    bits = [own for outcome in books if (own := outcome.statistics.headline.bits) is not None]
    return BookGroup(
        count=len(books),
        blocks={outcome.book.name: outcome.statistics.uncertainty.blocks for outcome in books},
        plain=averages.plain,
        top_k=averages.top_k,
        recall=WindowRecall.pool([outcome.recall for outcome in books]).compute(),
        mean_bits_per_character=sum(bits) / len(bits) if bits else None,
    )
