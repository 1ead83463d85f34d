"""Recall in plain units: how well the model continues a text that it is shown.

Every token was scored with the true tokens before it: those of the prompt, by default 50, and of the suffix. Numbers
are ratios of sums over all windows, so that no choice of windows that share no characters stands behind them.
"""

import dataclasses
import math
from collections.abc import Iterator, Sequence
from typing import Annotated

import numpy as np

from byheart.contracts.windows import Windows
from byheart.measures.units import (
    BitsPerByte,
    BitsPerCharacter,
    Corrections,
    Nats,
    Position,
    Row,
    Share,
    Tokens,
    set_keys,
)
from byheart.scores.scores import Scores

LENGTH_THRESHOLDS = (0.5, 0.1, 0.001)
"""The probabilities at which the length curve is reported."""
_WHOLE = np.iinfo(np.int64).max
LengthCurve = Annotated[dict[float, list[Share]], set_keys("threshold", LENGTH_THRESHOLDS)]


@dataclasses.dataclass(frozen=True, kw_only=True)
class TokenRun:
    """How many tokens of its suffix a window yields before the first wrong one; all suffix tokens at most."""

    mean: Tokens
    """The mean over windows."""
    quantile_99: Tokens
    """The 99th percentile, as an order statistic: one window in a hundred yields as many or more."""
    largest: Tokens
    """The largest."""

    @classmethod
    def from_windows(cls, runs: np.ndarray) -> "TokenRun":
        """The runs of W windows, at least one, summed up."""
        return cls(
            mean=float(runs.mean()),
            quantile_99=float(np.quantile(runs, 0.99, method="inverted_cdf")),
            largest=float(runs.max()),
        )


@dataclasses.dataclass(frozen=True, kw_only=True)
class Recall:
    """How well the model continues a text, given the text before each token; at temperature 1, whole vocabulary."""

    bits_per_character: BitsPerCharacter | None
    """The bits that the model needs for a character of a suffix: 0 is known by heart."""
    bits_per_byte: BitsPerByte | None
    """The same for a byte of UTF-8, which compares scripts."""
    corrections_per_1000_tokens: Corrections
    """Of a thousand suffix tokens, those that are not the most probable one."""
    corrections_per_1000_characters: Corrections | None
    """The same for a thousand characters, which compares tokenizers."""
    expected_verbatim_run: TokenRun
    """The expected number of right tokens before the first wrong one in a single draw."""
    greedy_run: TokenRun
    """The number of right tokens before the first wrong one under greedy decoding."""
    within_top_k_share: Share
    """The share of windows whose suffix tokens are all among the top k of the settings: `log_p_z_top_k` is finite."""
    length_curve: LengthCurve
    """By threshold, for k = 1, 2, ... suffix tokens, the share of windows whose first k together are as probable; of \
shorter suffixes, all."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class BestWindow:
    """The window with the largest log_p_z, the earliest of equals; its words are characters of text.txt."""

    row: Row
    """Its row in windows.parquet, from 0."""
    start: Position
    """The position of the first character of its prompt."""
    suffix_start: Position
    """The position of the first character of its suffix."""
    stop: Position
    """The position after the last character of its suffix."""
    log_p_z: Nats
    """Its log_p_z."""


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class WindowRecall:
    """What recall is computed from: a value for each of W windows."""

    bits: np.ndarray
    """float64: of all suffix tokens together."""
    characters: np.ndarray
    """int64: of the suffix. A character that the prompt begins belongs to the prompt, though its bits are here."""
    utf8_bytes: np.ndarray
    """int64: of these characters."""
    corrections: np.ndarray
    """int64: suffix tokens that are not the most probable one."""
    verbatim_run: np.ndarray
    """float64: the sum over k of the probability of the first k suffix tokens."""
    greedy_run: np.ndarray
    """int64: suffix tokens before the first correction."""
    is_within_top_k: np.ndarray
    """bool"""
    lengths: np.ndarray
    """int64 [W, 3]: how many of the first suffix tokens together reach each of `LENGTH_THRESHOLDS`; or `_WHOLE`."""
    tokens: np.ndarray
    """int64: suffix tokens."""

    @classmethod
    def from_scores(cls, text: str, windows: Windows, scores: Scores) -> "WindowRecall":
        """The values of each window of a text."""
        sums = np.cumsum(scores.token_log_probs, axis=1, dtype=np.float64)
        is_token = np.arange(sums.shape[1]) < windows.suffix_tokens[:, None]
        is_wrong = scores.token_ranks > 0
        before_wrong = ~np.logical_or.accumulate(is_wrong, axis=1)
        reaches = [sums >= math.log(at) for at in LENGTH_THRESHOLDS]
        code_points = np.frombuffer(text.encode("utf-32-le"), "<u4")
        widths = 1 + np.sum([code_points >= first for first in (0x80, 0x800, 0x10000)], axis=0)
        bytes_before = np.concatenate([[0], np.cumsum(widths, dtype=np.int64)])
        return cls(
            bits=np.abs(sums[:, -1]) / math.log(2),
            characters=windows.stop - windows.suffix_start,
            utf8_bytes=bytes_before[windows.stop] - bytes_before[windows.suffix_start],
            corrections=is_wrong.sum(axis=1),
            verbatim_run=np.exp(sums).sum(axis=1, where=is_token),
            greedy_run=before_wrong.sum(axis=1, where=is_token),
            is_within_top_k=np.isfinite(scores.log_p_z_top_k),
            lengths=np.stack([np.where(each[:, -1], _WHOLE, each.sum(axis=1)) for each in reaches], axis=1),
            tokens=is_token.sum(axis=1),
        )

    @classmethod
    def pool(cls, books: Sequence["WindowRecall"]) -> "WindowRecall":
        """The windows of several books, at least one."""
        names = [field.name for field in dataclasses.fields(cls)]
        return cls(**{name: np.concatenate([getattr(book, name) for book in books]) for name in names})

    def select(self, which: np.ndarray) -> "WindowRecall":
        """Some of the windows."""
        return WindowRecall(**{name: values[which] for name, values in vars(self).items()})

    def compute(self, most_tokens: int = 0) -> Recall | None:
        """The recall of these windows together; None if there are none.

        Args:
            most_tokens: where the length curve ends if no suffix has as many tokens.
        """
        if not len(self.bits):
            return None
        characters = int(self.characters.sum())
        bits, corrections = float(self.bits.sum()), int(self.corrections.sum())
        reached = self.lengths[:, None] >= np.arange(1, max(int(self.tokens.max()), most_tokens) + 1)[:, None]
        return Recall(
            bits_per_character=_divide(bits, characters),
            bits_per_byte=_divide(bits, int(self.utf8_bytes.sum())),
            corrections_per_1000_tokens=1_000 * corrections / int(self.tokens.sum()),
            corrections_per_1000_characters=_divide(1_000 * corrections, characters),
            expected_verbatim_run=TokenRun.from_windows(self.verbatim_run),
            greedy_run=TokenRun.from_windows(self.greedy_run),
            within_top_k_share=float(self.is_within_top_k.mean()),
            length_curve=dict(zip(LENGTH_THRESHOLDS, reached.mean(axis=0).T.tolist(), strict=True)),
        )


def find_best_window(windows: Windows, log_p_z: np.ndarray, which: np.ndarray | None = None) -> BestWindow | None:
    """The best of the windows, or of those with the indices `which`; None if there are none."""
    among = np.arange(len(windows)) if which is None else which
    if not len(among):
        return None
    row = int(among[np.argmax(log_p_z[among])])
    return BestWindow(
        row=row,
        start=int(windows.start[row]),
        suffix_start=int(windows.suffix_start[row]),
        stop=int(windows.stop[row]),
        log_p_z=float(log_p_z[row]),
    )


def list_recall_columns(recall: Recall | None, best: BestWindow | None) -> Iterator[tuple[str, float | None]]:
    """The numbers of a text, without its length curve, with the names of their columns in a table."""
    for field in dataclasses.fields(Recall):
        value = getattr(recall, field.name, None)
        if field.name in ("expected_verbatim_run", "greedy_run"):
            for part in dataclasses.fields(TokenRun):
                yield f"{field.name}_{part.name}", getattr(value, part.name, None)
        elif field.name != "length_curve":
            yield field.name, value
    yield "best_log_p_z", best.log_p_z if best else None


def _divide(amount: float, total: int) -> float | None:
    return amount / total if total and math.isfinite(amount) else None
