"""The description of a decoder-only transformer: every difference between families is a field."""

import dataclasses

import numpy as np

from byheart.contracts.errors import ModelError
from byheart.models.experts import Experts
from byheart.models.latent import LatentAttention
from byheart.models.linear import LinearAttention
from byheart.models.rope import Rope

_MOST_ATTENTION_FACTOR = 1e4
_MOST_HEAD_DIM = 2**16


@dataclasses.dataclass(frozen=True, kw_only=True)
class QueryGrowth:
    """The factor of a query, which grows with its position p: 1 + beta * log(1 + floor((p + first) / interval)).

    Source: Llama 4, whose configuration calls it temperature tuning of attention.
    """

    beta: float
    interval: int
    first: int = 0
    """The number of the first position."""

    def compute_factors(self, positions: int) -> np.ndarray:
        """The factors of that many positions, float64."""
        return 1 + self.beta * np.log1p((np.arange(positions) + self.first) // self.interval)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Attention:
    """What may differ between the attention of two layers: rotary embedding, sliding window and scale."""

    rope: Rope | None
    """None for a layer that rotates nothing (NoPE)."""
    window: int | None = None
    """How many positions a token attends to, its own included; None for its own and all before it."""
    scale: float = 1.0
    """A factor of the products of query and key, beside the one that all layers have."""
    chunk: int | None = None
    """A token attends to no position before its own chunk of that many; None does not divide positions."""
    unit_norm: bool = False
    """Whether queries and keys, once rotated, are divided by their root mean square, head by head."""
    query_growth: QueryGrowth | None = None
    """None where queries do not grow with their position."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class DecoderConfig:
    """The shape and the features of a decoder; the defaults are those of Llama.

    D embed, L layers, H heads, K kv heads, F ffn, V vocab.
    """

    vocab: int
    embed: int
    layers: int
    heads: int
    kv_heads: int
    head_dim: int
    ffn: int
    max_positions: int
    attention: tuple[Attention, ...]
    """One for each layer, or one for all."""

    norm: str = "rms"
    """`rms`, or `layer`, which subtracts the mean first."""
    norm_bias: bool = False
    """Whether norms before and after attention and MLP, and the final one, add a bias."""
    norm_epsilon: float
    norm_offset: float = 0.0
    """A number that is added to the weights of norms."""
    pre_norm: bool = True
    """Whether attention and MLP each read a normed copy of the states."""
    post_norm: bool = False
    """Whether the outputs of attention and MLP are normed before they are added to the states."""
    parallel: bool = False
    """Whether attention and MLP read the same states."""
    shared_norm: bool = False
    """Whether the two, where they are parallel, read one normed copy; the MLP then has no norm of its own."""
    residual_scale: float = 1.0
    """The factor of the outputs of attention and MLP before they are added to the states."""

    biases: frozenset[str] = frozenset()
    """The projections that have a bias, the head among them; and `query_norm` and `key_norm`, if they have one."""
    query_key_norm: str | None = None
    """`head`: queries and keys are normed, each head by itself; `width`: all heads of a token together; `own`: each
    head by itself, with weights of its own."""
    norm_after_rope: bool = False
    """Whether queries and keys are rotated first and normed then; not with interleaved pairs, which it would norm in
    another order."""
    query_key_value_clip: float | None = None
    """The largest magnitude of queries, keys and values, to which others are cut before they are rotated."""
    rope_interleaved: bool = False
    """Whether rotary pairs are the numbers (2i, 2i + 1) of a head, and not (i, i + R/2), of R rotated ones."""
    attention_scale: float | None = None
    """The factor of the products of query and key; None is head_dim^-0.5."""
    attention_sinks: bool = False
    """Whether each head's softmax has one more number, which takes its share of the attention and gives nothing."""
    latent: LatentAttention | None = None
    """What keys and values are made of; None makes them of the states."""
    linear: LinearAttention | None = None
    """What some layers have in place of attention; None is attention in each layer."""
    output_gate: bool = False
    """Whether what a head mixes is multiplied by the sigmoid of a gate, which is computed from the states."""
    attention_softcap: float | None = None
    """The cap of attention scores, which become cap * tanh(score / cap)."""

    activation: str = "silu"
    """A row of `byheart.models.activations`."""
    gated: bool = True
    """Whether the MLP is down(activation(gate) * up), and not down(activation(up))."""
    gate_limit: float | None = None
    """The largest gate and magnitude of up, if the MLP is down(gate * sigmoid(gate_slope * gate) * (up + 1))."""
    gate_slope: float = 1.0
    experts: Experts | None = None
    """The MLPs of layers that have several; None is one MLP in each layer."""

    learned_positions: bool = False
    """Whether a table of `max_positions` rows gives each position a vector, which is added to its embedding."""
    embed_scale: float = 1.0
    tied_head: bool = False
    logit_scale: float = 1.0
    """The factor of logits, before they are capped."""
    final_softcap: float | None = None
    """The cap of logits, applied as `attention_softcap` is."""

    def __post_init__(self) -> None:
        if self.heads % self.kv_heads:
            raise ModelError(
                f"config.json must give heads that are a multiple of kv heads, found {self.heads} and {self.kv_heads}: "
                "the file is broken"
            )
        if self.head_dim > _MOST_HEAD_DIM:
            raise ModelError(
                f"config.json must give a head_dim of at most {_MOST_HEAD_DIM:,}, found {self.head_dim:,}: the file is "
                "broken"
            )
        if self.head_dim % 2:
            raise ModelError(f"config.json must give an even head_dim, found {self.head_dim}: the file is broken")
        if len(self.attention) not in (1, self.layers):
            raise ModelError(
                f"config.json must give a layer type for each of {self.layers} layers, found {len(self.attention)}: "
                "the file is broken"
            )
        for rope in {attention.rope for attention in self.attention if attention.rope}:
            dims = rope.count_rotated(self.rotary_dim)
            if dims % 2 or not 2 <= dims <= self.rotary_dim:
                raise ModelError(
                    f"config.json must give a partial_rotary_factor that turns an even number of a head's "
                    f"{self.rotary_dim}, found {dims}: the file is broken"
                )
            if rope.scaling == "longrope" and {len(rope.short_factors), len(rope.long_factors)} != {dims // 2}:
                raise ModelError(
                    f"config.json must give {dims // 2} short_factor and long_factor, found "
                    f"{len(rope.short_factors)} and {len(rope.long_factors)}: the file is broken"
                )
            self._check_frequencies(rope)
        if len({attention.rope.count_rotated(self.rotary_dim) for attention in self.attention if attention.rope}) > 1:
            raise ModelError(
                "config.json must give rotary embeddings that turn as many numbers of a head in every layer, found "
                "others: it cannot be computed here"
            )

    def _check_frequencies(self, rope: Rope) -> None:
        """Compute what an accelerator would, so that no number of the file ends a run there."""
        try:
            with np.errstate(all="ignore"):
                tables = [rope.compute_inverse_frequencies(self.rotary_dim, count) for count in (1, self.max_positions)]
            is_usable = all(np.isfinite(table).all() and (table > 0).all() for table in tables)
        except (ArithmeticError, ValueError):
            is_usable = False
        if not is_usable or not 0 < rope.attention_factor <= _MOST_ATTENTION_FACTOR:
            raise ModelError(
                f"config.json must give a rotary embedding that can be computed, found theta={rope.theta:g}, "
                f"scaling={rope.scaling}, factor={rope.factor:g}, original positions={rope.original_positions} and "
                f"attention factor={rope.attention_factor:g}, by which it has no frequencies: the file is broken"
            )

    @property
    def rotary_dim(self) -> int:
        """The numbers of a head of which a share is rotated."""
        return self.latent.rope_dim if self.latent else self.head_dim

    @property
    def value_dim(self) -> int:
        """The numbers of a value."""
        return self.latent.value_dim if self.latent else self.head_dim

    def expand_attention(self) -> tuple[Attention, ...]:
        """The attention of each layer."""
        return self.attention * (self.layers // len(self.attention))

    def list_expert_layers(self) -> tuple[int, ...]:
        """The layers that have experts."""
        if self.experts is None:
            return ()
        return tuple(range(self.layers)) if self.experts.layers is None else self.experts.layers
