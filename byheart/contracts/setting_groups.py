"""The settings of a run in groups, by what they decide."""

import dataclasses
import math
import re

from byheart.contracts.parameters import refuse
from byheart.contracts.spellings import suggest_pair

AUTO = "auto"
FULL, NONE = "full", "none"
SUFFIX, ALL = "suffix", "all"
"""Values of `logits`, beside `none` and `topN`."""
COLUMN = "column"
"""A `figsize`: as wide as a column of a paper."""
COMMON_REACH = 100
"""A common boundary of all tokenizers is sought among so many characters."""
_ROUNDED = 16
"""Windows of different numbers of tokens are padded to a multiple of it, so that similar runs share a program."""
CHARACTERS_A_TOKEN = 2
"""Until a text is tokenized: the window with the most tokens has so many characters for each."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class TextSettings:
    """How books are read, and what happens if one cannot be measured."""

    chapters: str
    """`auto`, `none`, or a regular expression for the lines that are headings of chapters."""
    encoding: str
    """The name of a text codec of Python."""
    gutenberg: str
    """`cut` leaves out Project Gutenberg's header and footer, `keep` measures them."""
    unwrap: bool
    """Whether the lines of a paragraph are joined."""
    on_bad_book: str
    """`fail` measures the other books and then fails the run; `skip` only leaves the book out."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class SelectionSettings:
    """Which part of a book is measured; the addresses of scores do not depend on it."""

    only: str
    """Chapters, as `3,5-7`, or characters, as `10000:30000`; empty asks for the whole book."""
    windows: int
    """How many windows of each text are measured, evenly spread; 0 measures all."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class WindowSettings:
    """Where the windows lie and which of their tokens are scored.

    Windows are counted in tokens, or, with `suffix_characters`, in characters: then they are the same for all models.
    """

    chunk_size: int
    """Tokens in a window."""
    slice_length: int
    """Characters tokenized at each cursor; the window is their first `chunk_size` tokens."""
    cursor_inc: int
    """Characters from one cursor to the next."""
    max_length: int
    """The most positions fed to the model, the BOS included; 0 sets no limit."""
    prompt_tokens: int
    """Window tokens in the prompt; the rest is the suffix, which is scored."""
    bos: str
    """`auto`, `true` or `false`."""
    suffix_characters: int = 0
    """The least characters of a suffix, which stops at the next common boundary of all tokenizers; 0 counts tokens."""
    prompt_characters: int = 200
    """With `suffix_characters`, the same of a prompt."""

    def count_prompt_tokens(self) -> int:
        """The number of prompt tokens of each window; with `suffix_characters` an assumption, for plans."""
        return _assume_tokens(self.prompt_characters) if self.suffix_characters else self.prompt_tokens

    def count_scored_tokens(self, *, has_bos: bool) -> int:
        """The number of suffix tokens scored in each window; with `suffix_characters` an assumption, for plans.

        Raises:
            SettingsError: `max_length` leaves none.
        """
        if self.suffix_characters:
            return _assume_tokens(self.suffix_characters)
        fed = self.chunk_size + has_bos
        if self.max_length:
            fed = min(fed, self.max_length)
        scored = fed - has_bos - self.prompt_tokens
        if scored < 1:
            refuse(
                "max_length",
                f"leave a suffix after {'the BOS and ' if has_bos else ''}prompt_tokens={self.prompt_tokens}",
                f"max_length={self.max_length}",
                f"set it to 0 or to more than {self.prompt_tokens + has_bos}",
            )
        return scored

    def count_positions(self, *, has_bos: bool) -> int:
        """The number of tokens that the model is fed: the BOS, the prompt, and all scored tokens but the last."""
        return has_bos + self.count_prompt_tokens() + self.count_scored_tokens(has_bos=has_bos) - 1


def round_up_tokens(tokens: int) -> int:
    """The number of tokens that windows with at most so many are padded to."""
    return -(-tokens // _ROUNDED) * _ROUNDED


def _assume_tokens(characters: int) -> int:
    return round_up_tokens(-(-characters // CHARACTERS_A_TOKEN))


@dataclasses.dataclass(frozen=True, kw_only=True)
class ScoreSettings:
    """The decoding scheme of `log_p_z_top_k`, and the arithmetic."""

    temperature: float
    top_k: int
    """Tokens that the scheme samples from; 0 is the whole vocabulary."""
    precision: str


@dataclasses.dataclass(frozen=True, kw_only=True)
class LogitsSettings:
    """The raw logits that the store keeps; the addresses of scores do not depend on it."""

    logits: str
    """`none`; `suffix`, where a scored token is predicted; `all`, at every position; or `topN`, the N largest of each
    position where a scored token is predicted."""
    logits_dtype: str
    logits_limit: str
    """The most bytes that a run may keep: `100GB`, where a GB is 10^9 bytes."""

    @property
    def top(self) -> int:
        """The N of `topN`; 0 if all logits of a position are kept, or none.

        Raises:
            SettingsError: `logits` cannot be read.
        """
        if self.logits in (NONE, SUFFIX, ALL):
            return 0
        top = re.fullmatch(r"top([1-9]\d{0,2})", self.logits)
        if not top:
            needed = f"be {NONE}, {SUFFIX}, {ALL} or topN with N from 1 to 999"
            refuse("logits", needed, repr(self.logits), "write one of them, such as top40")
        return int(top[1])

    @property
    def limit_bytes(self) -> int:
        """The most bytes.

        Raises:
            SettingsError: `logits_limit` cannot be read.
        """
        size = re.fullmatch(r"([1-9]\d{0,5})([MGT])B", self.logits_limit)
        if not size:
            needed = "be a whole number of MB, GB or TB"
            refuse("logits_limit", needed, repr(self.logits_limit), "write such a size, as 100GB or 2TB")
        return int(size[1]) * {"M": 10**6, "G": 10**9, "T": 10**12}[size[2]]


@dataclasses.dataclass(frozen=True, kw_only=True)
class ControlSettings:
    """What each book is compared with, beside the control books."""

    control_sample: int
    """Suffixes of each book that are scored again under prompts from elsewhere in the book; 0 scores none."""
    band_share: float
    """q of the threshold t(q, r): the share of an unseen book that may lie above it."""
    band_rank: int
    """r of t(q, r): which of the controls' own thresholds it is; 1 is the largest."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class LayoutSettings:
    """How the work is divided over devices; the addresses of scores do not depend on it."""

    batch_size: int
    """Windows in a batch; 0 chooses a number for the device."""
    shards: int
    """Tasks that share the windows."""
    num_devices: int
    """Devices to use; 0 uses all that a task has."""
    mesh_shape: str
    """`auto` or `DATAxMODEL`."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class PlacementSettings:
    """The node that scores on a cluster, and the accelerator: here too, it decides what `precision=auto` means."""

    accelerator: str
    """The name of a slice in `machines.accelerators`, or `auto`."""
    spot: bool
    """Whether the node may be a spot node, which the cloud can take back at any time."""
    memory: str
    """The pod's memory, as Kubernetes writes it: `32Gi`; or `auto`."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class ReuseSettings:
    """Whether scores in the store are used again."""

    force: bool
    """Whether all scores are computed again."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class ChartSettings:
    """How the heat map looks."""

    coverage: str
    plot_title: str
    colormap: str
    figsize: str
    """`auto`: a row a chapter, 9 inches wide; `column`: 3.3 inches wide; or inches of a strip, `WIDTHxHEIGHT`."""
    dpi: int

    @property
    def strip_size(self) -> tuple[float, float] | None:
        """Width and height in inches of the map as a strip; None where it has a row for each chapter."""
        if self.figsize in (AUTO, COLUMN):
            return None
        sides = re.fullmatch(r"(\d+(?:\.\d+)?)x(\d+(?:\.\d+)?)", self.figsize)
        size = (float(sides[1]), float(sides[2])) if sides else (0.0, 0.0)
        if not (6 <= size[0] <= 100 and 2 <= size[1] <= 100):
            hint = "choose such a size" if sides else suggest_pair(self.figsize)
            needed = f"be {AUTO}, {COLUMN}, or WIDTHxHEIGHT in inches, from 6x2 to 100x100"
            refuse("figsize", needed, repr(self.figsize), hint)
        return size


@dataclasses.dataclass(frozen=True, kw_only=True)
class ReportSettings:
    """What the model is called in the results, and how much of the books' text they contain."""

    label: str
    """The model's name; empty makes one from its source."""
    report_text: str
    """`full`, `none`, or the most characters of each book that are quoted."""

    @property
    def most_characters(self) -> float:
        """The most characters of each book that the results quote; infinity for `full`, which includes the whole text.

        Raises:
            SettingsError: `report_text` cannot be read.
        """
        if self.report_text in (FULL, NONE):
            return math.inf if self.report_text == FULL else 0
        if not re.fullmatch(r"[1-9]\d{0,11}", self.report_text):
            needed = f"be {FULL}, {NONE} or a number of characters"
            refuse("report_text", needed, repr(self.report_text), f"write {FULL}, {NONE}, or a number such as 2000")
        return int(self.report_text)
