"""Llama 4. Source: llama.cpp's conversion/llama.py, and src/models/llama4.cpp, which has the size of chunks, the growth
of queries and the order of layers.
"""

from typing import Any

from byheart.components.download.gguf.architectures.architecture import (
    ATTENTION,
    MODEL,
    NORMS,
    Architecture,
    has_bias,
    read_expert_counts,
    read_sizes,
)
from byheart.components.download.gguf.architectures.making import Made, both, join_transposed, keep, transpose
from byheart.components.download.gguf.metadata import Metadata
from byheart.components.download.gguf.rotary import read_rope, require_whole_heads

_MAVERICK = 128
"""Experts of the model whose queries and keys are not normed."""


def _describe(metadata: Metadata) -> dict[str, Any]:
    require_whole_heads(metadata)
    metadata.require("attention.sliding_window", 8192)
    sizes, experts = read_sizes(metadata), read_expert_counts(metadata, "num_local_experts")
    return {
        **sizes,
        **read_rope(metadata),
        **experts,
        "architectures": ["Llama4ForCausalLM"],
        "model_type": "llama4_text",
        "hidden_act": "silu",
        "intermediate_size": metadata.integer("expert_feed_forward_length"),
        "intermediate_size_mlp": sizes["intermediate_size"],
        "interleave_moe_layer_step": metadata.integer("interleave_moe_layer_step"),
        "attention_bias": has_bias(metadata, "attn_q"),
        "attention_chunk_size": 8192,
        "attn_scale": 0.1,
        "attn_temperature_tuning": True,
        "floor_scale": 8192,
        "no_rope_layer_interval": 4,
        "use_qk_norm": experts["num_local_experts"] != _MAVERICK,
    }


_MLP = "model.layers.{layer}.feed_forward."
_GATE, _UP, _DOWN = (f"blk.{{layer}}.ffn_{part}_exps.weight" for part in ("gate", "up", "down"))

ARCHITECTURES = (
    Architecture(
        name="llama4",
        describe=_describe,
        tensors=(
            *MODEL,
            *both(ATTENTION | NORMS),
            *both({f"ffn_{part}": f"feed_forward.{part}_proj" for part in ("gate", "up", "down")}),
            *both({f"ffn_{part}_shexp": f"feed_forward.shared_expert.{part}_proj" for part in ("gate", "up", "down")}),
            Made(f"{_MLP}router.weight", ("blk.{layer}.ffn_gate_inp.weight",), keep),
            Made(f"{_MLP}experts.gate_up_proj", (_GATE, _UP), join_transposed),
            Made(f"{_MLP}experts.down_proj", (_DOWN,), transpose),
        ),
    ),
)
