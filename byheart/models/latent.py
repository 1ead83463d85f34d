"""The description of multi-head latent attention, whose keys and values are made of a short vector."""

import dataclasses


@dataclasses.dataclass(frozen=True, kw_only=True)
class LatentAttention:
    """The sizes of latent attention.

    A token's latent vector is projected to the keys and values of each head. A key has besides a few numbers that all
    heads share; only these, and as many of a query, are rotated.

    Source: DeepSeek-AI 2024 (arXiv 2405.04434), section 2.1.
    """

    rank: int
    """The length of the vector that keys and values are made of."""
    query_rank: int | None
    """The length of the vector that queries are made of; None if they are made of the states."""
    rope_dim: int
    """The numbers of a query and of a key that are rotated, the last ones."""
    value_dim: int
    """The numbers of a value."""
    norm_epsilon: float
    """The epsilon of the norms of these vectors."""
