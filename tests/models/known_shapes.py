"""The shapes that known models are published with, as far as their config.json says them, and on paper."""

from typing import Any

from byheart.machines.workload import Workload
from byheart.models.families import family_of
from byheart.models.parameters import parameters

_LLAMA = {"model_type": "llama"}
_LLAMA_2 = _LLAMA | {"vocab_size": 32_000}
_LLAMA_3 = _LLAMA | {"vocab_size": 128_256, "num_key_value_heads": 8}
_SMOLLM2 = _LLAMA | {"vocab_size": 49_152, "tie_word_embeddings": True}


def _shape(
    base: dict[str, Any], embed: int, layers: int, heads: int, ffn: int, kv_heads: int = 0, **more: Any
) -> dict[str, Any]:
    sizes = {"hidden_size": embed, "num_hidden_layers": layers, "num_attention_heads": heads, "intermediate_size": ffn}
    return base | sizes | ({"num_key_value_heads": kv_heads} if kv_heads else {}) | more


_8B = _shape(_LLAMA_3, 4096, 32, 32, 14_336)
_70B = _shape(_LLAMA_3, 8192, 80, 64, 28_672)
CONFIGS = {
    "smollm2-135m": _shape(_SMOLLM2, 576, 30, 9, 1536, kv_heads=3),
    "smollm2-360m": _shape(_SMOLLM2, 960, 32, 15, 2560, kv_heads=5),
    "smollm2-1.7b": _shape(_SMOLLM2, 2048, 24, 32, 8192),
    "llama-2-7b": _shape(_LLAMA_2, 4096, 32, 32, 11_008),
    "llama-2-13b": _shape(_LLAMA_2, 5120, 40, 40, 13_824),
    "llama-2-70b": _shape(_LLAMA_2, 8192, 80, 64, 28_672, kv_heads=8),
    "llama-3-8b": _8B,
    "llama-3-70b": _70B,
    "llama-3.1-8b": _8B,
    "llama-3.1-70b": _70B,
    "llama-3.2-1b": _shape(_LLAMA_3, 2048, 16, 32, 8192, tie_word_embeddings=True, head_dim=64),
    "llama-3.2-3b": _shape(_LLAMA_3, 3072, 28, 24, 8192, tie_word_embeddings=True),
}
"""By the names of models.yaml: a row there has one here."""


def workload(
    config: str | dict[str, Any], *, precision: str = "bfloat16", positions: int = 99, scored_tokens: int = 50
) -> Workload:
    """A model on paper, with windows of 100 tokens."""
    content = CONFIGS[config] if isinstance(config, str) else config
    family = family_of(content)
    decoder = family.decoder_config(content)
    model, layer = parameters(decoder, family.sources)
    return Workload(
        decoder=decoder,
        model=model,
        layer=layer,
        precision=precision,
        positions=positions,
        scored_tokens=scored_tokens,
    )
