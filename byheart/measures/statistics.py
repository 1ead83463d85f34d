"""The numbers of one book, as statistics.json holds them: each with its unit, and a sentence that says what it is.

Docs, JSON Schema and pages take name, unit and sentence from here. What has no value is None.
"""

import dataclasses
from typing import Annotated

import msgspec

from byheart.measures.coverage import NotMeasurable
from byheart.measures.provenance import BookProvenance
from byheart.measures.scheme_statistics import NonOverlapping, SchemeStatistics
from byheart.measures.schemes import Coverages, Schemes
from byheart.measures.units import (
    BlockCount,
    BootstrapInterval,
    ByThreshold,
    Characters,
    ControlShare,
    Cursors,
    Log10PZ,
    Share,
    WindowCount,
    WordCount,
)


class Headline(msgspec.Struct, frozen=True, kw_only=True):
    """The numbers that are named everywhere, from the plain scheme; in a sentence the number stands for the dots."""

    coverage: Annotated[Share | None, msgspec.Meta(title="share of characters with p_z >= 0.5")] = msgspec.field(
        name="share_of_measurable_characters_at_0.5"
    )
    """… of measurable characters lie in a suffix with p_z ≥ 0.5"""
    windows: Annotated[Share | None, msgspec.Meta(title="share of windows with p_z >= 0.001")] = msgspec.field(
        name="share_of_windows_at_0.001"
    )
    """… of windows have p_z ≥ 0.001"""
    longest: Annotated[Characters, msgspec.Meta(title="longest passage at p_z >= 0.5, in characters")] = msgspec.field(
        name="longest_passage_characters_at_0.5"
    )
    """… characters lie in the longest passage at p_z ≥ 0.5"""


@dataclasses.dataclass(frozen=True, kw_only=True)
class GreedyWindows:
    """Windows whose suffix is the most probable continuation, token by token."""

    count: WindowCount
    """How many."""
    share: Share | None
    """Of all windows; null where there are none."""
    interval: BootstrapInterval | None
    control: ControlShare | None


@dataclasses.dataclass(frozen=True, kw_only=True)
class BookWindows:
    """The windows of the book that were asked for."""

    count: WindowCount
    """How many."""
    of_book: WindowCount
    """How many the book has: more where `only` or `windows` asked for some of them."""
    stride_characters: Characters
    """From cursor to cursor; coverage depends on it."""
    non_overlapping: WindowCount
    """Windows of which no two share a character."""
    dropped_tail: Cursors
    """Cursors of the whole book without a window because the book ends before the slice has enough tokens."""
    dropped_inside: Cursors
    """Cursors of the whole book without a window although the slice has its full length."""
    repetitive: WindowCount
    """Windows whose suffix is mostly in its prompt, mostly elsewhere in the book too, or compresses to under half a \
byte a character."""
    greedy: GreedyWindows
    """Windows that greedy decoding would give."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Measurable:
    """How many characters can be measured under one coverage; the numbers here add up to `count`."""

    measurable: Characters
    """How many can: those in a window that was asked for."""
    not_asked: Characters
    """How many were not asked for: outside `only`, or in none of the windows that were."""
    not_measurable: NotMeasurable
    """How many cannot, by the reason."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class BookCharacters(Coverages[Measurable]):
    """The characters (Unicode code points) of the book."""

    count: Characters
    """How many."""
    asked: Characters
    """How many were asked for: all, or those of `only`."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Uncertainty:
    """How the intervals were made."""

    level: Share
    """How often such an interval should hold the rate."""
    block: str
    """What is resampled."""
    blocks: BlockCount
    """How many of them the book has, or the part that was asked for."""
    fewest_blocks: BlockCount
    """With fewer, no interval is given."""
    replicates: int
    """How often the book was drawn anew."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class ControlStatistics:
    """The control books of the run, together."""

    books: list[str]
    """Their names."""
    windows: WindowCount
    """How many they have."""
    plain: ByThreshold[NonOverlapping]
    """Their non-overlapping windows at or above each threshold of the plain p_z."""
    top_k: ByThreshold[NonOverlapping]
    """The same under top-k."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class PromptShares:
    """Shares of the same suffixes under two prompts."""

    own_prompt: Share
    """Under their own."""
    other_prompt: Share
    """Under the prompt of a window half a book away."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class PromptMedians:
    """A median over the same suffixes under two prompts."""

    own_prompt: Log10PZ | None
    """Under their own; null where it is minus infinity."""
    other_prompt: Log10PZ | None
    """Under the prompt of a window half a book away."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class SampleStatistics:
    """Suffixes under their own and under another prompt."""

    at: ByThreshold[PromptShares]
    """Shares of the suffixes that reach each threshold of p_z."""
    median_log10_p_z: PromptMedians
    """The medians of log10 p_z."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class ControlSampleStatistics:
    """Suffixes scored a second time, under prompts from half a book away."""

    count: WindowCount
    """How many suffixes."""
    plain: SampleStatistics
    """By the plain p_z."""
    top_k: SampleStatistics
    """The same under top-k."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class BookStatistics:
    """The numbers of one book under one model. Thresholds, p and quantiles are keys, written as decimals."""

    headline: Headline
    """The numbers that are named everywhere."""
    windows: BookWindows
    """The windows of the book that were asked for: all rates of windows are shares of these."""
    characters: BookCharacters
    """The characters (Unicode code points) of the book."""
    words: WordCount
    """Words, which are runs of characters that are not white space: those of the part that was asked for."""
    uncertainty: Uncertainty
    """How the intervals were made."""
    plain: SchemeStatistics
    """From log_p_z: temperature 1, whole vocabulary."""
    top_k: SchemeStatistics
    """From log_p_z_top_k: the temperature and top_k of the settings; holds what `plain` holds."""
    control: ControlStatistics | None
    """The control books of the run; null for one of them, and where there are none."""
    control_sample: ControlSampleStatistics | None
    """The control sample; null where none was asked for."""
    provenance: BookProvenance
    """How it was made: code, model, tokenizer, settings, precision, the book and the devices that scored it."""

    @property
    def schemes(self) -> Schemes[SchemeStatistics]:
        """Both schemes."""
        return Schemes(plain=self.plain, top_k=self.top_k)

    @property
    def measurable_share(self) -> float:
        """The share of the characters asked for that can be measured as suffix; 0 of none."""
        return self.characters.suffix.measurable / max(self.characters.asked, 1)
