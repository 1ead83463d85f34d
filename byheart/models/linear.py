"""The description of linear attention: a state for each head, which every token reads and corrects."""

import dataclasses


@dataclasses.dataclass(frozen=True, kw_only=True)
class LinearAttention:
    """The sizes of the gated delta rule, and the layers that have it in place of attention.

    Queries, keys and values pass a short convolution over the tokens before. A head's state maps keys to values. Each
    token makes it fade, by a number that is computed from the token, corrects what it holds for the token's key, and
    reads it with the token's query.

    Source: Yang et al. 2024 (arXiv 2412.06464).
    """

    layers: tuple[int, ...]
    key_heads: int
    value_heads: int
    """A multiple of the key heads, which serve as many value heads each."""
    head_dim: int
    """The numbers of a query, a key and a value."""
    kernel: int
    """The tokens that the convolution sees, its own included."""
