"""How long the suffixes of a text are, in words and characters: for people, to whom tokens say nothing."""

import dataclasses

import numpy as np

from byheart.contracts.windows import Windows
from byheart.measures.coverage import find_words


@dataclasses.dataclass(frozen=True, kw_only=True)
class SuffixLength:
    """The mean length of the suffixes of a text's windows."""

    characters: float
    """In characters."""
    words: float
    """In words that begin in them: runs of characters that are not white space."""

    @classmethod
    def measure(cls, text: str, windows: Windows) -> "SuffixLength | None":
        """The mean over the windows; None without windows."""
        if not len(windows):
            return None
        begins = np.sort(find_words(text).start)
        words = np.searchsorted(begins, windows.stop) - np.searchsorted(begins, windows.suffix_start)
        return cls(characters=float((windows.stop - windows.suffix_start).mean()), words=float(words.mean()))
