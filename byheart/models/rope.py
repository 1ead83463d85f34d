"""Rotary position embedding: the angle by which each pair of a head's numbers is rotated at each position."""

import dataclasses
import math

import numpy as np


@dataclasses.dataclass(frozen=True, kw_only=True)
class Rope:
    """A rotary embedding: its base, the share of a head that it rotates, and the scaling of its frequencies.

    Source of the scalings: transformers' modeling_rope_utils.py.
    """

    theta: float
    """The base."""
    share: float = 1.0
    """The share of each head that is rotated, from its first number on."""
    scaling: str | None = None
    """None, `linear`, `llama3`, `yarn` or `longrope`."""
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
    """The factor of sine and cosine."""

    def count_rotated(self, head_dim: int) -> int:
        """How many numbers of each head are rotated."""
        return int(head_dim * self.share)

    def compute_inverse_frequencies(self, head_dim: int, positions: int = 1) -> np.ndarray:
        """Radians a position, float64 [dims / 2], fastest first, for an input of `positions` tokens."""
        dims = self.count_rotated(head_dim)
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
        raise ValueError(f"scaling must be linear, llama3, yarn or longrope, found {self.scaling}")

    def _llama3(self, frequencies: np.ndarray) -> np.ndarray:
        """Frequencies scaled as in Llama 3.1.

        A frequency whose wavelength is below original_positions / high_freq_factor is kept, one whose wavelength is
        above original_positions / low_freq_factor is divided by `factor`, and the others are blended linearly.

        Source: the model card and reference code of Llama 3.1.
        """
        turns = self.original_positions * frequencies / (2 * np.pi)
        width = self.high_freq_factor - self.low_freq_factor
        kept = np.clip((turns - self.low_freq_factor) / width, 0.0, 1.0) if width else turns > self.high_freq_factor
        return frequencies * (kept + (1 - kept) / self.factor)

    def _yarn(self, frequencies: np.ndarray, dims: int) -> np.ndarray:
        """Frequencies scaled as in YaRN.

        A frequency that makes more than beta_fast turns in original_positions is kept, one that makes fewer than
        beta_slow is divided by `factor`, and the others are blended, linearly in the pair's index.

        Source: Peng et al. 2023 (arXiv 2309.00071), section 3.2.
        """

        def find_pair(turns: float) -> float:
            return dims * math.log(self.original_positions / (turns * 2 * math.pi)) / (2 * math.log(self.theta))

        low, high = find_pair(self.beta_fast), find_pair(self.beta_slow)
        if self.truncate:
            low, high = math.floor(low), math.ceil(high)
        low, high = max(low, 0), min(high, dims - 1)
        width = high - low or 0.001
        kept = 1 - np.clip((np.arange(dims // 2) - low) / width, 0.0, 1.0)
        return frequencies * (kept + (1 - kept) / self.factor)
