"""The books of a run taken together, as summary.json holds them."""

import dataclasses
from collections.abc import Iterator, Sequence

from byheart.measures.outcomes import Outcome
from byheart.measures.provenance import RunProvenance
from byheart.measures.rates import Rate, Rates
from byheart.measures.schemes import gather
from byheart.measures.uncertainty import Counts
from byheart.measures.units import BlockCount, BookCount, BootstrapInterval, ByThreshold, Share


@dataclasses.dataclass(frozen=True, kw_only=True)
class SummaryRate:
    """A rate and how sure it is."""

    share: Share | None
    """Null where there is nothing to take a share of."""
    interval: BootstrapInterval | None

    @classmethod
    def of(cls, rate: Rate) -> "SummaryRate":
        """A rate without its effective sample."""
        return cls(share=rate.share, interval=rate.interval)


@dataclasses.dataclass(frozen=True, kw_only=True)
class SummaryRates:
    """The rates that a summary names."""

    greedy_windows: SummaryRate
    """Windows whose suffix is the most probable continuation, token by token."""
    windows_at: ByThreshold[SummaryRate]
    """Windows at or above each threshold of p_z."""
    suffix_coverage_at: ByThreshold[SummaryRate]
    """Measurable characters in a suffix at or above it."""
    window_coverage_at: ByThreshold[SummaryRate]
    """Measurable characters anywhere in a window at or above it."""

    @classmethod
    def of(cls, rates: Rates) -> "SummaryRates":
        """Those of the rates that a summary names."""

        def table(by_threshold: dict[float, Rate]) -> dict[float, SummaryRate]:
            return {threshold: SummaryRate.of(rate) for threshold, rate in by_threshold.items()}

        return cls(
            greedy_windows=SummaryRate.of(rates.greedy),
            windows_at=table(rates.windows_at),
            suffix_coverage_at=table(rates.coverage_at.suffix),
            window_coverage_at=table(rates.coverage_at.window),
        )

    def columns(self) -> Iterator[tuple[str, SummaryRate]]:
        """Each rate with the name of its column in a table."""
        yield "greedy_windows", self.greedy_windows
        for name in ("windows_at", "suffix_coverage_at", "window_coverage_at"):
            for threshold, rate in getattr(self, name).items():
                yield f"{name}_{threshold}", rate


@dataclasses.dataclass(frozen=True, kw_only=True)
class Ways:
    """The rates of several books, taken together in two ways."""

    micro: SummaryRates
    """All windows, or characters, in one pool: long books count more."""
    macro: SummaryRates
    """The mean of the books' own rates: each book counts the same."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Together:
    """Several books, taken together."""

    count: BookCount
    """How many books."""
    blocks: dict[str, BlockCount]
    """How many blocks each has."""
    plain: Ways
    """From the plain p_z."""
    top_k: Ways
    """The same under top-k."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Summary:
    """summary.json: the books of a run, and its controls, taken together."""

    books: Together | None
    """The books; null where there are none."""
    controls: Together | None
    """The controls; null where there are none."""
    provenance: RunProvenance
    """How the run was made."""


def summarize(books: Sequence[Outcome], provenance: RunProvenance) -> Summary:
    """The books of a run, and its controls, taken together."""
    return Summary(
        books=_together([book for book in books if not book.is_control]),
        controls=_together([book for book in books if book.is_control]),
        provenance=provenance,
    )


def _together(books: Sequence[Outcome]) -> Together | None:
    if not books:
        return None
    ways = gather(outcome.counts for outcome in books).map(
        lambda counts: Ways(
            micro=SummaryRates.of(Rates.of(Counts.pooled(counts))), macro=SummaryRates.of(Rates.mean(counts))
        )
    )
    return Together(
        count=len(books),
        blocks={outcome.book.name: outcome.statistics.uncertainty.blocks for outcome in books},
        plain=ways.plain,
        top_k=ways.top_k,
    )
