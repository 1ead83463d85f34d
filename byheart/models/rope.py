"""Rotary position embedding: how far each pair of a head's numbers is turned at each position."""

import dataclasses
import math

import numpy as np


@dataclasses.dataclass(frozen=True, kw_only=True)
class Rope:
    """Its base, the share of a head that it turns, and how its frequencies are scaled.

    Scalings: none, `linear`, `llama3`, `yarn` and `longrope`. Semantics: transformers' modeling_rope_utils.py.
    """

    theta: float
    share: float = 1.0
    """Of each head, from its first number on; the rest is not turned."""
    scaling: str | None = None
    factor: float = 1.0
    original_positions: int = 1
    """The positions that the model was first trained on."""
    low_freq_factor: float = 1.0
    high_freq_factor: float = 1.0
    beta_fast: float = 32.0
    beta_slow: float = 1.0
    truncate: bool = True
    short_factors: tuple[float, ...] = ()
    long_factors: tuple[float, ...] = ()
    attention_factor: float = 1.0
    """By which sine and cosine are multiplied."""

    def dims(self, head_dim: int) -> int:
        """How many numbers of each head are turned."""
        return int(head_dim * self.share)

    def inverse_frequencies(self, head_dim: int, positions: int = 1) -> np.ndarray:
        """Radians a position, float64 [dims / 2], fastest first, for an input of so many positions."""
        dims = self.dims(head_dim)
        exponents = np.arange(0, dims, 2, dtype=np.float64) / dims
        match self.scaling:
            case None:
                return self.theta**-exponents
            case "linear":
                return self.theta**-exponents / self.factor
            case "llama3":
                return self._llama3(self.theta**-exponents)
            case "yarn":
                return self._yarn(self.theta**-exponents, dims)
            case "longrope":
                factors = self.long_factors if positions > self.original_positions else self.short_factors
                return self.theta**-exponents / np.array(factors)
        raise ValueError(f"scaling must be one that is described above, found {self.scaling}")

    def _llama3(self, frequencies: np.ndarray) -> np.ndarray:
        """Wavelengths shorter than original_positions / high_freq_factor are left as they are, those longer than
        original_positions / low_freq_factor divided by `factor`, and those between blended linearly.

        Source: the model card and reference code of Llama 3.1.
        """
        turns = self.original_positions * frequencies / (2 * np.pi)
        kept = (turns - self.low_freq_factor) / (self.high_freq_factor - self.low_freq_factor)
        kept = np.clip(kept, 0.0, 1.0)
        return frequencies * (kept + (1 - kept) / self.factor)

    def _yarn(self, frequencies: np.ndarray, dims: int) -> np.ndarray:
        """Frequencies that turn more than beta_fast times in original_positions are left as they are, those that turn
        less than beta_slow times divided by `factor`, and those between blended, linearly in the pair's number.

        Source: Peng et al. 2023 (arXiv 2309.00071), section 3.2.
        """

        def pair(turns: float) -> float:
            return dims * math.log(self.original_positions / (turns * 2 * math.pi)) / (2 * math.log(self.theta))

        low, high = pair(self.beta_fast), pair(self.beta_slow)
        if self.truncate:
            low, high = math.floor(low), math.ceil(high)
        low, high = max(low, 0), min(high, dims - 1)
        width = high - low or 0.001
        kept = 1 - np.clip((np.arange(dims // 2) - low) / width, 0.0, 1.0)
        return frequencies * (kept + (1 - kept) / self.factor)
