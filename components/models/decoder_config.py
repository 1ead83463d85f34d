"""A decoder-only transformer, described: every difference between families is a field here."""

import dataclasses

import numpy as np

from components.contracts.errors import ModelError


@dataclasses.dataclass(frozen=True, kw_only=True)
class Rope:
    """Rotary position embedding: its base, and how its frequencies are scaled (none, `linear` or `llama3`)."""

    theta: float
    scaling: str | None = None
    factor: float = 1.0
    low_freq_factor: float = 1.0
    high_freq_factor: float = 1.0
    original_positions: int = 1

    def inverse_frequencies(self, head_dim: int) -> np.ndarray:
        """Radians a position, float64 [head_dim / 2], fastest first.

        `llama3` leaves wavelengths shorter than original_positions / high_freq_factor as they are, divides those longer
        than original_positions / low_freq_factor by `factor`, and blends linearly in between. Source: the model card
        and reference code of Llama 3.1.
        """
        frequencies = self.theta ** -(np.arange(0, head_dim, 2, dtype=np.float64) / head_dim)
        if self.scaling is None:
            return frequencies
        if self.scaling == "linear":
            return frequencies / self.factor
        turns = self.original_positions * frequencies / (2 * np.pi)
        kept = (turns - self.low_freq_factor) / (self.high_freq_factor - self.low_freq_factor)
        kept = np.clip(kept, 0.0, 1.0)
        return frequencies * (kept + (1 - kept) / self.factor)


@dataclasses.dataclass(frozen=True, kw_only=True)
class DecoderConfig:
    """The shape of a decoder.

    D embed, L layers, H heads, K kv heads, F ffn, V vocab.
    """

    vocab: int
    embed: int
    layers: int
    heads: int
    kv_heads: int
    head_dim: int
    ffn: int
    norm_epsilon: float
    rope: Rope
    max_positions: int
    tied_head: bool = False
    attention_bias: bool = False
    mlp_bias: bool = False

    def __post_init__(self) -> None:
        if self.heads % self.kv_heads:
            raise ModelError(
                f"config.json must give heads that are a multiple of kv heads, found {self.heads} and {self.kv_heads}: "
                "the file is broken"
            )
        if self.head_dim % 2:
            raise ModelError(f"config.json must give an even head_dim, found {self.head_dim}: the file is broken")
