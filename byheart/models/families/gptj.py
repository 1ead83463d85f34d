"""GPT-J: one layer norm for attention and MLP side by side, interleaved rotary pairs, biases of MLP and head."""

from typing import Any

from byheart.contracts.errors import ModelError
from byheart.models.decoder_config import Attention, DecoderConfig
from byheart.models.families import gpt2
from byheart.models.families.family import Family
from byheart.models.families.fields import Fields
from byheart.models.rope import Rope

DEFAULTS = {
    "activation_function": "gelu_new",
    "layer_norm_epsilon": 1e-5,
    "n_embd": 4096,
    "n_head": 16,
    "n_layer": 28,
    "n_positions": 2048,
    "rotary_dim": 64,
    "tie_word_embeddings": False,
    "vocab_size": 50_400,
}
"""What transformers takes for a field that is missing."""
THETA = 10_000.0
"""The base of rotary embedding, which no field gives."""
WITHOUT_EFFECT = (*gpt2.WITHOUT_EFFECT, "rotary", "scale_attn_weights")


def parse_config(config: dict[str, Any]) -> DecoderConfig:
    """The decoder that a `model_type: gptj` config.json describes."""
    fields = Fields(DEFAULTS | config)
    shape = gpt2.read_gpt_shape(fields)
    rotated = fields.integer("rotary_dim", most=shape["head_dim"])
    if rotated % 2:
        raise ModelError(f"config.json must have an even rotary_dim, found {rotated}: the file is broken")
    rope = Rope(theta=THETA, share=rotated / shape["head_dim"])
    fields.require("rope_theta", THETA)
    fields.refuse_unknown_fields(*WITHOUT_EFFECT)
    return DecoderConfig(
        **shape,
        attention=(Attention(rope=rope),),
        rope_interleaved=True,
        parallel=True,
        shared_norm=True,
        biases=frozenset(("up", "down", "head")),
    )


_LAYER = "transformer.h.{layer}."

SOURCES = {
    "embed": "transformer.wte.weight",
    "final_norm": "transformer.ln_f.weight",
    "final_norm_bias": "transformer.ln_f.bias",
    "head": "lm_head.weight",
    "head_bias": "lm_head.bias",
    "attention_norm": _LAYER + "ln_1.weight",
    "attention_norm_bias": _LAYER + "ln_1.bias",
    "query": _LAYER + "attn.q_proj.weight",
    "key": _LAYER + "attn.k_proj.weight",
    "value": _LAYER + "attn.v_proj.weight",
    "output": _LAYER + "attn.out_proj.weight",
    "up": _LAYER + "mlp.fc_in.weight",
    "up_bias": _LAYER + "mlp.fc_in.bias",
    "down": _LAYER + "mlp.fc_out.weight",
    "down_bias": _LAYER + "mlp.fc_out.bias",
}
"""The tensor of the checkpoint that holds each parameter."""

FAMILY = Family(model_type="gptj", parse_config=parse_config, sources=SOURCES)
