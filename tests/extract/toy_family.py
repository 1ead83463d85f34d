"""The toys: Llamas that are described in other words, with keys, queries and values in one tensor."""

from typing import Any

from byheart.models.decoder_config import Attention, DecoderConfig
from byheart.models.families.family import Family
from byheart.models.families.fields import Fields
from byheart.models.parameters import Fused, Source
from byheart.models.rope import Rope


def parse_config(config: dict[str, Any]) -> DecoderConfig:
    fields = Fields(config)
    found = DecoderConfig(
        vocab=fields.integer("rows"),
        embed=fields.integer("width"),
        layers=fields.integer("layers"),
        heads=4,
        kv_heads=2,
        head_dim=10,
        ffn=fields.integer("inner"),
        max_positions=256,
        norm_epsilon=0.01,
        attention=(Attention(rope=Rope(theta=777.5)),),
    )
    fields.refuse_unknown_fields()
    return found


FROM_LLAMA = {
    "input_layernorm": "before",
    "self_attn.o_proj": "out",
    "post_attention_layernorm": "between",
    "mlp.gate_proj": "gate",
    "mlp.up_proj": "up",
    "mlp.down_proj": "down",
}
_KQV = Fused(tensor="{layer}.kqv", names=("key", "query", "value"))

SOURCES: dict[str, Source] = {
    "embed": "words",
    "final_norm": "last",
    "head": "head",
    "attention_norm": "{layer}.before",
    **dict.fromkeys(_KQV.names, _KQV),
    "output": "{layer}.out",
    "mlp_norm": "{layer}.between",
    "gate": "{layer}.gate",
    "up": "{layer}.up",
    "down": "{layer}.down",
}

FAMILY = Family(model_type="toy", parse_config=parse_config, sources=SOURCES)
