"""The character map: for each character of a book, the best score of the windows that cover it."""

import dataclasses

import numpy as np


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class CharacterMap:
    """The best score of the windows that cover each of C characters.

    A character is in one of three states:

        measured          log_p_z is a number; exp(log_p_z) is the probability
        zero              log_p_z is -inf: a suffix token lies outside the top k
        not measured      window is -1 and log_p_z is NaN: no measured window covers the character
    """

    log_p_z: np.ndarray
    """float64 [C]: the largest log_p_z of the windows that cover the character."""
    window: np.ndarray
    """int32 [C]: the index of that window, the earliest if several are equal."""

    @property
    def measurable(self) -> np.ndarray:
        """bool [C]: whether a measured window covers the character."""
        return self.window >= 0

    def keep(self, characters: np.ndarray) -> "CharacterMap":
        """The map with every character outside `characters`, bool [C], set to not measured."""
        return CharacterMap(
            log_p_z=np.where(characters, self.log_p_z, np.nan), window=np.where(characters, self.window, np.int32(-1))
        )

    def crop(self, start: int, stop: int) -> "CharacterMap":
        """The map of the characters from `start` to before `stop`."""
        return CharacterMap(log_p_z=self.log_p_z[start:stop], window=self.window[start:stop])

    def reaches(self, log_threshold: float) -> np.ndarray:
        """bool [C]: whether the character is measurable and its log_p_z is at or above the threshold."""
        return self.measurable & (np.nan_to_num(self.log_p_z, nan=-np.inf) >= log_threshold)

    def compute_share(self, log_threshold: float) -> float | None:
        """The share of measurable characters at or above the threshold; None if there are none."""
        reached = self.reaches(log_threshold)[self.measurable]
        return float(reached.mean()) if len(reached) else None

    def find_longest(self, log_threshold: float) -> int:
        """The length of the longest run of characters at or above the threshold."""
        return find_longest_run(self.reaches(log_threshold))


def find_longest_run(hits: np.ndarray) -> int:
    """The length of the longest run of hits, bool [C]."""
    edges = np.flatnonzero(np.diff(hits, prepend=False, append=False))
    return int((edges[1::2] - edges[::2]).max(initial=0))


def map_characters(characters: int, starts: np.ndarray, stops: np.ndarray, log_p_z: np.ndarray) -> CharacterMap:
    """The largest `log_p_z` of the spans `[start, stop)` that cover each of `characters`.

    Spans are painted from the smallest value to the largest, and equal values from the last span to the first. Each
    character keeps the value that is painted last:

        span 0   log_p_z -2   [######]
        span 1   log_p_z -9      [######]
        span 2   log_p_z -2         [######]
        map                   000000122222..     . is not measurable

    Args:
        starts, stops: int [W].
        log_p_z: float [W].
    """
    values = np.full(characters, np.nan)
    window = np.full(characters, -1, np.int32)
    order = np.lexsort((-np.arange(len(log_p_z)), log_p_z))
    for index in order:
        values[starts[index] : stops[index]] = log_p_z[index]
        window[starts[index] : stops[index]] = index
    return CharacterMap(log_p_z=values, window=window)
