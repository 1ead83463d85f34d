"""How repetitive each suffix is, to tell repeated and low-entropy text from memorised text.

A model may give a suffix a high probability because the prompt already contains it, because the same words occur
elsewhere in the book, or because the suffix is easy to predict. None of these shows that it has seen this page.
"""

import dataclasses
import zlib

import numpy as np

from byheart.contracts.windows import Windows
from byheart.measures.coverage import find_white_space, get_code_points

NGRAM_TOKENS = 3
"""Ordinary prose repeats less than a tenth of its token trigrams within a window."""
REPEATED_CHARACTERS = 32
"""A run of so many characters, about six words, is not repeated by chance."""
MOSTLY = 0.5
INCOMPRESSIBLE = 0.5
"""Bytes a character: DEFLATE compresses prose to 0.6 to 0.9, and a list or a pattern to 0.1 to 0.3."""
_ID_SHIFTS = (0, 21, 42)
"""Three token ids of up to 21 bits are packed into one integer."""
_ROWS = 8_192
"""Windows processed at once, to bound memory."""


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Repetition:
    """How repetitive each of W suffixes is."""

    prompt_overlap: np.ndarray
    """float32 [W]: the share of the suffix's token trigrams that also occur in its prompt."""
    book_overlap: np.ndarray
    """float32 [W]: the share of the suffix's characters in runs of 32 that occur in the book more than once."""
    compressed_bytes_per_character: np.ndarray
    """float32 [W]: the suffix's size after DEFLATE, as UTF-8, over its characters."""

    @property
    def repetitive(self) -> np.ndarray:
        """bool [W]: mostly in the prompt, mostly elsewhere too, or compressed to under half a byte a character."""
        return (
            (self.prompt_overlap >= MOSTLY)
            | (self.book_overlap >= MOSTLY)
            | (self.compressed_bytes_per_character < INCOMPRESSIBLE)
        )

    def columns(self) -> dict[str, np.ndarray]:
        """The arrays by name, in the order of `windows.parquet`."""
        columns = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        return {**columns, "repetitive": self.repetitive}


def measure_repetition(text: str, windows: Windows) -> Repetition:
    """How repetitive the suffix of each window is."""
    sums = np.concatenate([[0], np.cumsum(find_repeated_characters(text))])
    length = windows.stop - windows.suffix_start
    spans = zip(windows.suffix_start.tolist(), windows.stop.tolist(), strict=True)
    compressed = np.array([_count_compressed_bytes(text[start:stop]) for start, stop in spans], np.float64)
    return Repetition(
        prompt_overlap=_compute_prompt_overlaps(windows),
        book_overlap=((sums[windows.stop] - sums[windows.suffix_start]) / np.maximum(length, 1)).astype(np.float32),
        compressed_bytes_per_character=(compressed / np.maximum(length, 1)).astype(np.float32),
    )


def find_repeated_characters(text: str) -> np.ndarray:
    """bool [C]: whether each character lies in a run of 32 that occurs in the text more than once.

    All white space counts as the same, so that a different line break makes no difference. Runs are compared by 64-bit
    hashes: the hash of a run is a weighted sum of the hashes of its halves.
    """
    hashes = np.where(find_white_space(text), np.uint64(32), get_code_points(text).astype(np.uint64))
    factor, width = 0x9E3779B97F4A7C15, 1
    while width < REPEATED_CHARACTERS:
        hashes = hashes[:-width] * np.uint64(factor) + hashes[width:] if width < len(hashes) else hashes[:0]
        factor, width = factor * factor % 2**64, 2 * width
    _, inverse, count = np.unique(hashes, return_inverse=True, return_counts=True)
    repeated = np.zeros(len(text) + 1, np.int64)
    runs = np.flatnonzero(count[inverse] > 1)
    repeated[runs] += 1
    repeated[runs + REPEATED_CHARACTERS] -= 1
    return np.cumsum(repeated)[:-1] > 0


def _compute_prompt_overlaps(windows: Windows) -> np.ndarray:
    """float32 [W]: the prompt overlap of each window; windows of equal numbers of tokens are processed together."""
    overlaps = np.zeros(len(windows), np.float32)
    tokens = np.stack([windows.prompt_tokens, windows.suffix_tokens], axis=1)
    numbers, counts = np.unique(tokens, axis=0, return_counts=True)
    order = np.lexsort((windows.suffix_tokens, windows.prompt_tokens))
    groups = np.split(order, np.cumsum(counts)[:-1]) if len(windows) else []
    for (prompt, suffix), alike in zip(numbers.tolist(), groups, strict=True):
        for first in range(0, len(alike), _ROWS):
            rows = alike[first : first + _ROWS]
            ids = windows.token_ids[rows, : prompt + suffix]
            overlaps[rows] = _compute_prompt_overlap(ids[:, :prompt], ids[:, prompt:])
    return overlaps


def _compute_prompt_overlap(prompts: np.ndarray, suffixes: np.ndarray) -> np.ndarray:
    """float64 [W]: the share of the suffix n-grams in each row that are among the prompt n-grams of the same row."""
    if suffixes.shape[1] < NGRAM_TOKENS or prompts.shape[1] < NGRAM_TOKENS:
        return np.zeros(len(prompts))
    in_prompt, in_suffix = (_pack_ngrams(ids) for ids in (prompts, suffixes))
    # Sorted, the n-grams of the prompt, which end in 0, stand before the same n-grams of the suffix, which end in 1.
    marked = np.sort(np.concatenate([in_prompt << np.uint64(1), in_suffix << np.uint64(1) | np.uint64(1)], axis=1))
    is_first = np.diff(marked >> np.uint64(1), axis=1, prepend=np.uint64(2**64 - 1)) != 0
    first = np.maximum.accumulate(np.where(is_first, np.arange(marked.shape[1]), 0), axis=1)
    is_of_suffix = (marked & np.uint64(1)).astype(bool)
    return (is_of_suffix & ~np.take_along_axis(is_of_suffix, first, axis=1)).sum(axis=1) / in_suffix.shape[1]


def _pack_ngrams(ids: np.ndarray) -> np.ndarray:
    """uint64 [W, T - 2]: the n-grams of each row, three ids in 63 bits."""
    wide = np.lib.stride_tricks.sliding_window_view(ids.astype(np.uint64), NGRAM_TOKENS, axis=1)
    return np.bitwise_or.reduce(wide << np.array(_ID_SHIFTS, np.uint64), axis=-1)


def _count_compressed_bytes(text: str) -> int:
    deflate = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    return len(deflate.compress(text.encode())) + len(deflate.flush())
