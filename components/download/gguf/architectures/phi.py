"""Phi-2, and Phi-3 to Phi-4. Source: llama.cpp's conversion/phi.py, and src/models/phi2.cpp and phi3.cpp.

llama.cpp does not apply Phi-3's sliding window; the model has the one that the file names, so it is applied here.
"""

from typing import Any

from byheart.components.download.gguf.architectures.architecture import (
    ATTENTION,
    EMBED,
    HEAD,
    MODEL,
    NORMS,
    Architecture,
    read_sizes,
)
from byheart.components.download.gguf.architectures.making import both, once
from byheart.components.download.gguf.metadata import Metadata
from byheart.components.download.gguf.rotary import read_rope, read_share


def _describe_phi2(metadata: Metadata) -> dict[str, Any]:
    return {
        **read_sizes(metadata, epsilon="layer_norm_eps"),
        **read_rope(metadata),
        "architectures": ["PhiForCausalLM"],
        "model_type": "phi",
        "hidden_act": "gelu_new",
        "intermediate_size": metadata.measure("blk.{layer}.ffn_up.weight", 0),  # the field is 4 * embed, whatever it is
        "partial_rotary_factor": read_share(metadata),
    }


def _describe_phi3(metadata: Metadata) -> dict[str, Any]:
    window = metadata.integer("attention.sliding_window", 0, least=0)
    positions = metadata.integer("context_length")
    return {
        **read_sizes(metadata),
        **read_rope(metadata),
        "architectures": ["Phi3ForCausalLM"],
        "model_type": "phi3",
        "hidden_act": "silu",
        "original_max_position_embeddings": metadata.integer("rope.scaling.original_context_length", positions),
        "partial_rotary_factor": read_share(metadata),
        "sliding_window": window or None,
    }


_PHI2 = once(
    {
        EMBED: "model.embed_tokens.weight",
        HEAD: "lm_head.weight",
        "output.bias": "lm_head.bias",
        "output_norm.weight": "model.final_layernorm.weight",
        "output_norm.bias": "model.final_layernorm.bias",
    }
) + both(
    ATTENTION
    | {
        "attn_norm": "input_layernorm",
        "attn_output": "self_attn.dense",
        "ffn_up": "mlp.fc1",
        "ffn_down": "mlp.fc2",
    }
)
_PHI3 = MODEL + both(
    NORMS
    | {
        "attn_qkv": "self_attn.qkv_proj",
        "attn_output": "self_attn.o_proj",
        "ffn_up": "mlp.gate_up_proj",
        "ffn_down": "mlp.down_proj",
    }
)

ARCHITECTURES = (
    Architecture(name="phi2", describe=_describe_phi2, tensors=_PHI2),
    Architecture(name="phi3", describe=_describe_phi3, tensors=_PHI3),
)
