"""The numbers of one book, as statistics.json holds them: each with its unit and a docstring.

Docs, JSON Schema and pages take names, units and docstrings from here. A number without a value is None.
"""

import dataclasses

import msgspec

from byheart.measures.coverage import NotMeasurable
from byheart.measures.near_half import NearHalf
from byheart.measures.provenance import BookProvenance
from byheart.measures.recall import BestWindow, Recall
from byheart.measures.scheme_statistics import NonOverlapping, SchemeStatistics
from byheart.measures.schemes import Coverages, Schemes
from byheart.measures.units import (
    BitsPerCharacter,
    BlockCount,
    BlockInterval,
    ByThreshold,
    Characters,
    ControlInterval,
    ControlShare,
    Cursors,
    Decades,
    Log10PZ,
    Obstacle,
    Share,
    WindowCount,
    WordCount,
)


class Headline(msgspec.Struct, frozen=True, kw_only=True):
    """The numbers that every page shows, under the plain scheme. In a sentence, the number replaces the dots."""

    coverage: Share | None = msgspec.field(name="share_of_measurable_characters_at_0.5")
    """… of measurable characters lie in a suffix with p_z ≥ 0.5"""
    windows: Share | None = msgspec.field(name="share_of_windows_at_0.001")
    """… of windows have p_z ≥ 0.001"""
    longest: Characters = msgspec.field(name="longest_passage_characters_at_0.5")
    """… characters lie in the longest passage at p_z ≥ 0.5"""
    bits: BitsPerCharacter | None = msgspec.field(name="bits_per_character")
    """… bits per character: the fewer, the better known"""


@dataclasses.dataclass(frozen=True, kw_only=True)
class GreedyWindows:
    """The windows whose suffix is the most probable continuation, token by token."""

    count: WindowCount
    """How many windows."""
    share: Share | None
    """Their share of all windows; null where there are no windows."""
    interval: BlockInterval | None
    no_interval: Obstacle | None
    control: ControlShare | None
    control_interval: ControlInterval | None


@dataclasses.dataclass(frozen=True, kw_only=True)
class BookWindows:
    """The measured windows of the book."""

    count: WindowCount
    """How many windows were measured."""
    of_book: WindowCount
    """How many windows the book has: more than `count` where `only` or `windows` selects some of them."""
    stride_characters: Characters
    """The characters from cursor to cursor, on which coverage depends."""
    non_overlapping: WindowCount
    """How many windows share no characters: the first, and each next window that begins after the last one stops."""
    dropped_tail: Cursors
    """The cursors, in the whole book, without a window because the book ends before the slice has enough tokens."""
    dropped_inside: Cursors
    """The cursors, in the whole book, without a window although the slice has its full length."""
    flagged: WindowCount
    """Windows of characters that do not stop at common boundaries of all tokenizers: no comparison pairs them."""
    repetitive: WindowCount
    """Windows whose suffix is mostly in its prompt, mostly elsewhere in the book too, or compresses to under half a \
byte a character."""
    rescored: WindowCount
    """Windows that were scored again in float32, because their p_z is near a threshold."""
    greedy: GreedyWindows
    """Windows whose suffix greedy decoding would produce."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Measurable:
    """The characters of the book under one coverage; the numbers here add up to `characters.count`."""

    measurable: Characters
    """How many characters a measured window covers."""
    not_asked: Characters
    """How many characters are not selected: outside `only`, or covered by windows that are not measured."""
    not_measurable: NotMeasurable
    """How many selected characters no window covers, by reason."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class BookCharacters(Coverages[Measurable]):
    """The characters (Unicode code points) of the book."""

    count: Characters
    """How many characters the book has."""
    asked: Characters
    """How many characters were selected: all, or those of `only`."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Uncertainty:
    """The method of the intervals, which say how much a rate would vary over other books made of such blocks."""

    level: Share
    """The share of such intervals that should contain the rate."""
    block: str
    """What a block is: the unit that is treated as independent."""
    block_characters: Characters
    """The length that a run, or the median chapter, has at least: 10,000, or twice the size-weighted mean length of \
the stretches with p_z >= 0.001 if that is longer."""
    blocks: BlockCount
    """How many blocks the selected characters make."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class ControlStatistics:
    """The control books of the run, pooled."""

    books: list[str]
    """Their names."""
    windows: WindowCount
    """How many windows they have."""
    recall: Recall | None
    """How well the model continues them, pooled; null where they have no windows."""
    best_windows: dict[str, BestWindow | None]
    """The best window of each, by its name."""
    plain: ByThreshold[NonOverlapping]
    """Their non-overlapping windows at or above each threshold of the plain p_z."""
    top_k: ByThreshold[NonOverlapping]
    """The same under top-k."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class PromptShares:
    """The shares of the same suffixes under two prompts."""

    own_prompt: Share
    """Under their own prompts."""
    other_prompt: Share
    """Under the prompts of windows half a book away."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class PromptMedians:
    """The medians of the same suffixes under two prompts."""

    own_prompt: Log10PZ | None
    """Under their own prompts; null where it is minus infinity."""
    other_prompt: Log10PZ | None
    """Under the prompts of windows half a book away; null where it is minus infinity."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class SampleStatistics:
    """The suffixes of the control sample under their own and other prompts."""

    at: ByThreshold[PromptShares]
    """The shares of suffixes that reach each threshold of p_z."""
    median_log10_p_z: PromptMedians
    """The medians of log10 p_z."""
    median_fall: Decades | None
    """The median of log10 p_z under the own prompt minus that under the other; null where it is infinite."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class ControlSampleStatistics:
    """The suffixes that were scored a second time, under prompts from half a book away."""

    count: WindowCount
    """How many suffixes."""
    non_overlapping: WindowCount
    """How many of them belong to windows that share no characters with one another."""
    plain: SampleStatistics
    """Under the plain scheme."""
    top_k: SampleStatistics
    """The same under top-k."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class BookStatistics:
    """The numbers of one book under one model. Thresholds, p and quantiles are keys, written as decimals."""

    headline: Headline
    """The numbers that every page shows."""
    windows: BookWindows
    """The measured windows: every rate of windows is a share of these."""
    characters: BookCharacters
    """The characters (Unicode code points) of the book."""
    words: WordCount
    """How many words the selected characters have: runs of characters that are not white space."""
    uncertainty: Uncertainty
    """The method of the intervals."""
    recall: Recall | None
    """How well the model continues the text, given the text before each token; null where there are no windows."""
    best_window: BestWindow | None
    """The window that the model knows best; null where there are no windows."""
    near_half: NearHalf
    """The headline's shares at thresholds near 0.5."""
    plain: SchemeStatistics
    """The statistics of log_p_z: temperature 1, whole vocabulary."""
    top_k: SchemeStatistics
    """The statistics of log_p_z_top_k, with the temperature and top_k of the settings; the same fields as `plain`."""
    control: ControlStatistics | None
    """The control books of the run; null for a control book, and in a run without controls."""
    control_sample: ControlSampleStatistics | None
    """The control sample; null if there is none."""
    provenance: BookProvenance
    """How the numbers were made: code, model, tokenizer, settings, precision, book and devices."""

    @property
    def schemes(self) -> Schemes[SchemeStatistics]:
        """The statistics of both schemes."""
        return Schemes(plain=self.plain, top_k=self.top_k)

    @property
    def measurable_share(self) -> float:
        """The share of the selected characters that are measurable under suffix coverage; 0 if none are selected."""
        return self.characters.suffix.measurable / max(self.characters.asked, 1)
