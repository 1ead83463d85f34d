"""What one family of models has of its own, for the reference decoder."""

import dataclasses
from collections.abc import Callable

from byheart.verification.experts import Routing
from byheart.verification.layer_kinds import Fields, never_slide


@dataclasses.dataclass(frozen=True, kw_only=True)
class Family:
    """The models of one model_type; the defaults are those of Llama."""

    defaults: Fields
    """What transformers takes for a field of config.json that is missing."""
    other_names: dict[str, str] = dataclasses.field(default_factory=dict)
    """The family's names of fields, and those of Llama for the same."""
    list_layer_kinds: Callable[[Fields], list[str]] = never_slide
    """For each layer, whether it slides."""
    find_unrotated: Callable[[Fields], list[int]] | None = None
    """The numbers of the layers that do not rotate queries and keys; None is none."""
    interleaved: bool = False
    """Whether the numbers (2i, 2i + 1) of a head are rotated as a pair, and not (i, i + R/2)."""
    ropes_by_kind: bool = False
    """Whether `rope_parameters` has an object for each kind of layer."""
    sliding_base: str = "rope_theta"
    """The field with the base of sliding layers' rotary embedding, in the older layout."""
    rope: Fields = dataclasses.field(default_factory=dict)
    """The rotary embedding where config.json describes none."""

    before: tuple[str, str] = ("input_layernorm", "post_attention_layernorm")
    """The norms before attention and before the MLP; empty where there is none."""
    after: tuple[str, str] = ("", "")
    """The norms after them."""
    query_key_norms: tuple[str, str] = ("", "")
    """The norms of queries and of keys."""
    normed_after_rotation: bool = False
    normed_together: bool = False
    """Whether these take all heads of a token together, and not each head by itself."""
    norm_bias: bool = False
    """Whether layer norms have a bias."""
    is_gemma: bool = False
    """Whether norms have the weight 1 + w, and embeddings are scaled by the root of their width."""

    query_key_value_bias: bool | str = "attention_bias"
    """Whether there is one, or the field that says so."""
    output_bias: bool | str = "attention_bias"
    mlp_bias: bool | str = False
    gated: bool = True
    """Whether the MLP is down(activation(gate) * up), and not down(activation(up))."""
    sinks: str = ""
    """The tensor with a number for each head that takes a share of its attention; empty where there is none."""
    routing: Routing | None = None
    """The experts, if there are any."""
    activation: str = "hidden_act"
    """The field with its name."""
