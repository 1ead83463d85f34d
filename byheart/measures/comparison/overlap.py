"""The characters that two models know: how many are the same, and how many would be by chance."""

import dataclasses

import numpy as np


@dataclasses.dataclass(frozen=True, kw_only=True)
class Overlap:
    """Two sets of characters among those that have a value under both models."""

    among: int
    """The characters that have a value under both."""
    first_only: int
    """Those that only the first model's set holds."""
    both: int
    """Those that both hold."""
    second_only: int
    """Those that only the second's holds."""

    @classmethod
    def count(cls, first: np.ndarray, second: np.ndarray, among: np.ndarray) -> "Overlap":
        """The overlap of two masks; all are bool [C]."""
        return cls(
            among=int(among.sum()),
            first_only=int((first & ~second & among).sum()),
            both=int((first & second & among).sum()),
            second_only=int((second & ~first & among).sum()),
        )

    @property
    def jaccard(self) -> float | None:
        """The characters in both sets over those in either; None if both are empty."""
        either = self.first_only + self.both + self.second_only
        return self.both / either if either else None

    @property
    def jaccard_by_chance(self) -> float | None:
        """What it would be, as expected, if the sets were independent: ab / (a + b - ab), a and b their shares of
        `among`; None if both are empty."""
        if not self.among or self.jaccard is None:
            return None
        a, b = ((only + self.both) / self.among for only in (self.first_only, self.second_only))
        return a * b / (a + b - a * b)
