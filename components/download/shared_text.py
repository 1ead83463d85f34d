"""How much of some texts stands in others, word for word: in time proportional to their length."""

import itertools
from collections.abc import Iterator, Sequence

import numpy as np

BLOCK = 64
"""Characters of a block, about 12 words, which are not the same by chance; a power of 2."""
_PIECE = 1 << 20
"""Characters whose blocks are hashed at once, to bound memory."""
_BASE = 0x9E3779B97F4A7C15
"""Of the polynomial in the code points, mod 2^64: odd, and with bits everywhere."""


def measure_shared(texts: Sequence[str], others: Sequence[str]) -> np.ndarray:
    """The share of each text, in blocks of 64 characters, that each other text has anywhere; float64 [texts, others].

    White space counts as one space, so that lines may be broken elsewhere. A block begins at every 64th character of a
    text, so a shared run of 127 characters has at least one.
    """
    none = np.empty(0, np.uint64)
    blocks = [np.concatenate([none, *_hash_blocks(text)])[::BLOCK] for text in texts]
    known, which = np.unique(np.concatenate([none, *blocks]), return_inverse=True)
    if not len(known):
        return np.zeros((len(texts), len(others)))
    begins = np.cumsum([0, *map(len, blocks)])
    shares = np.zeros((len(texts), len(others)))
    for column, other in enumerate(others):
        found = np.zeros(len(known) + 1, bool)
        for hashes in _hash_blocks(other):
            places = np.searchsorted(known, hashes)
            found[places[known[np.minimum(places, len(known) - 1)] == hashes]] = True
        for row, (begin, end) in enumerate(itertools.pairwise(begins)):
            shares[row, column] = found[which[begin:end]].mean() if end > begin else 0
    return shares


def _hash_blocks(text: str) -> Iterator[np.ndarray]:
    """A hash of the block at every character, uint64, in pieces; nothing of a text that is shorter than a block."""
    text = " ".join(text.split())
    for start in range(0, len(text) - BLOCK + 1, _PIECE):
        piece = text[start : start + _PIECE + BLOCK - 1]
        hashes = np.frombuffer(piece.encode("utf-32-le"), np.uint32).astype(np.uint64)
        width = 1
        while width < BLOCK:
            hashes = hashes[:-width] * np.uint64(pow(_BASE, width, 1 << 64)) + hashes[width:]
            width *= 2
        yield hashes
