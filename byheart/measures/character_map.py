"""From scores of windows to one value for each character of the book."""

import dataclasses

import numpy as np


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class CharacterMap:
    """The best score over each of C characters.

    A character is in one of three states:

        measured          log_p_z is a number; exp(log_p_z) is the probability
        zero              log_p_z is -inf (a top-k score whose suffix fell outside)
        not measured      window is -1 and log_p_z is NaN: no window that was asked for covers the character
    """

    log_p_z: np.ndarray
    """float64 [C]: the largest among the windows that cover the character."""
    window: np.ndarray
    """int32 [C]: the index of that window, the earliest of equals."""

    @property
    def measurable(self) -> np.ndarray:
        """bool [C]"""
        return self.window >= 0

    def within(self, asked: np.ndarray) -> "CharacterMap":
        """The same map, in which only characters of `asked`, bool [C], are measured."""
        return CharacterMap(
            log_p_z=np.where(asked, self.log_p_z, np.nan), window=np.where(asked, self.window, np.int32(-1))
        )

    def between(self, start: int, stop: int) -> "CharacterMap":
        """The map of a stretch of the characters."""
        return CharacterMap(log_p_z=self.log_p_z[start:stop], window=self.window[start:stop])

    def reaches(self, log_threshold: float) -> np.ndarray:
        """bool [C]: whether the character is measurable and its value at or above the threshold."""
        return self.measurable & (np.nan_to_num(self.log_p_z, nan=-np.inf) >= log_threshold)


def character_map(characters: int, starts: np.ndarray, stops: np.ndarray, log_p_z: np.ndarray) -> CharacterMap:
    """For each of `characters`, the largest `log_p_z` among the spans `[start, stop)` that cover it.

    Spans are painted from the smallest value to the largest, among equals from the last to the first, so that what
    stays on top is the answer:

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
