"""How repetitive each suffix is, so that repeated and low-entropy text can be told from memory.

A model may give a suffix a high probability because the prompt already holds it, because the same words stand
elsewhere, or because there is little in it to get wrong. None of that says that it has seen this page.
"""

import dataclasses
import zlib

import numpy as np

from byheart.contracts.windows import Windows
from byheart.measures.coverage import code_points, white_space

NGRAM_TOKENS = 3
"""Unrelated prose repeats under a tenth of its token trigrams within a window."""
REPEATED_CHARACTERS = 32
"""Characters in a row that prose does not repeat by chance: about six words."""
MOSTLY = 0.5
INCOMPRESSIBLE = 0.5
"""Bytes a character: DEFLATE leaves 0.6 to 0.9 of a suffix of prose, 0.1 to 0.3 of a list or a pattern."""
_ID_SHIFTS = (0, 21, 42)
"""Three token ids of up to 21 bits make one integer."""
_ROWS = 8_192
"""Windows worked on at once, to bound memory."""


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Repetition:
    """How repetitive each of W suffixes is."""

    prompt_overlap: np.ndarray
    """float32 [W]: the share of the suffix's token trigrams that its prompt already holds."""
    book_overlap: np.ndarray
    """float32 [W]: the share of its characters that lie in a run of 32 which stands in the book more than once."""
    compressed_bytes_per_character: np.ndarray
    """float32 [W]: after DEFLATE of the suffix alone, as UTF-8."""

    @property
    def repetitive(self) -> np.ndarray:
        """bool [W]: mostly in the prompt, mostly elsewhere in the book too, or compressed to under half a byte."""
        return (
            (self.prompt_overlap >= MOSTLY)
            | (self.book_overlap >= MOSTLY)
            | (self.compressed_bytes_per_character < INCOMPRESSIBLE)
        )

    def columns(self) -> dict[str, np.ndarray]:
        """The arrays by name, in the order of `windows.parquet`."""
        figures = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        return {**figures, "repetitive": self.repetitive}


def repetition(text: str, windows: Windows, *, prompt_tokens: int, scored_tokens: int) -> Repetition:
    """How repetitive the suffixes of a book are."""
    sums = np.concatenate([[0], np.cumsum(repeated_characters(text))])
    length = windows.stop - windows.suffix_start
    spans = zip(windows.suffix_start.tolist(), windows.stop.tolist(), strict=True)
    compressed = np.array([_compressed_bytes(text[start:stop]) for start, stop in spans], np.float64)
    ids = windows.token_ids[:, : prompt_tokens + scored_tokens]
    rows = (ids[first : first + _ROWS] for first in range(0, len(ids), _ROWS))
    overlaps = [_prompt_overlap(some[:, :prompt_tokens], some[:, prompt_tokens:]) for some in rows]
    return Repetition(
        prompt_overlap=np.concatenate([np.zeros(0), *overlaps]).astype(np.float32),
        book_overlap=((sums[windows.stop] - sums[windows.suffix_start]) / np.maximum(length, 1)).astype(np.float32),
        compressed_bytes_per_character=(compressed / np.maximum(length, 1)).astype(np.float32),
    )


def repeated_characters(text: str) -> np.ndarray:
    """bool [C]: whether each character lies in a run of 32 that stands in the text more than once.

    All white space counts as the same, so that another line break is no other text. Runs are told apart by 64-bit
    hashes, each the sum of two halves' hashes.
    """
    hashes = np.where(white_space(text), np.uint64(32), code_points(text).astype(np.uint64))
    factor, width = 0x9E3779B97F4A7C15, 1
    while width < REPEATED_CHARACTERS:
        hashes = hashes[:-width] * np.uint64(factor) + hashes[width:] if width < len(hashes) else hashes[:0]
        factor, width = factor * factor % 2**64, 2 * width
    _, which, count = np.unique(hashes, return_inverse=True, return_counts=True)
    repeated = np.zeros(len(text) + 1, np.int64)
    runs = np.flatnonzero(count[which] > 1)
    repeated[runs] += 1
    repeated[runs + REPEATED_CHARACTERS] -= 1
    return np.cumsum(repeated)[:-1] > 0


def _prompt_overlap(prompts: np.ndarray, suffixes: np.ndarray) -> np.ndarray:
    """float64 [W]: the share of each row's suffix n-grams that are among the same row's prompt n-grams."""
    if suffixes.shape[1] < NGRAM_TOKENS or prompts.shape[1] < NGRAM_TOKENS:
        return np.zeros(len(prompts))
    held, asked = (np.lib.stride_tricks.sliding_window_view(ids, NGRAM_TOKENS, axis=1) for ids in (prompts, suffixes))
    both = np.concatenate([held, asked], axis=1).astype(np.int64)
    _, which = np.unique(both @ (1 << np.array(_ID_SHIFTS)), return_inverse=True)
    which = which.reshape(len(both), -1) + np.arange(len(both))[:, None] * (which.max() + 1)  # apart from row to row
    return np.isin(which[:, held.shape[1] :], which[:, : held.shape[1]]).mean(axis=1)


def _compressed_bytes(text: str) -> int:
    deflate = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    return len(deflate.compress(text.encode())) + len(deflate.flush())
