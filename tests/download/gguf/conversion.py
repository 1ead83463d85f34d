"""What llama.cpp's conversion makes of the tensors of a Hugging Face model, written anew.

Names of tensors come from the gguf library's own table. Source: llama.cpp at commit 0c1e57098, `modify_tensors` of each
model in conversion/; the tensors of files that it wrote of the goldens were compared with these, bit by bit.
"""

import re
from collections.abc import Iterator
from typing import Any

import numpy as np
from gguf import MODEL_ARCH, MODEL_ARCH_NAMES, get_tensor_name_map

from byheart.models.decoder_config import DecoderConfig

ARCHITECTURES = {
    "llama": MODEL_ARCH.LLAMA,
    "mistral": MODEL_ARCH.LLAMA,
    "mixtral": MODEL_ARCH.LLAMA,
    "ministral3": MODEL_ARCH.MISTRAL3,
    "smollm3": MODEL_ARCH.SMOLLM3,
    "granite": MODEL_ARCH.GRANITE,
    "qwen2": MODEL_ARCH.QWEN2,
    "qwen3": MODEL_ARCH.QWEN3,
    "qwen2_moe": MODEL_ARCH.QWEN2MOE,
    "qwen3_moe": MODEL_ARCH.QWEN3MOE,
    "qwen3_next": MODEL_ARCH.QWEN3NEXT,
    "qwen3_5_text": MODEL_ARCH.QWEN35,
    "qwen3_5_moe_text": MODEL_ARCH.QWEN35MOE,
    "gemma2": MODEL_ARCH.GEMMA2,
    "gemma3_text": MODEL_ARCH.GEMMA3,
    "phi": MODEL_ARCH.PHI2,
    "phi3": MODEL_ARCH.PHI3,
    "olmo2": MODEL_ARCH.OLMO2,
    "olmo3": MODEL_ARCH.OLMO2,
    "olmoe": MODEL_ARCH.OLMOE,
    "gpt_oss": MODEL_ARCH.GPT_OSS,
    "gpt2": MODEL_ARCH.GPT2,
    "gpt_neox": MODEL_ARCH.GPTNEOX,
    "falcon": MODEL_ARCH.FALCON,
    "starcoder2": MODEL_ARCH.STARCODER2,
    "stablelm": MODEL_ARCH.STABLELM,
    "nemotron": MODEL_ARCH.NEMOTRON,
    "cohere2": MODEL_ARCH.COHERE2,
    "exaone4": MODEL_ARCH.EXAONE4,
    "glm4": MODEL_ARCH.GLM4,
    "glm4_moe": MODEL_ARCH.GLM4_MOE,
    "hunyuan_v1_dense": MODEL_ARCH.HUNYUAN_DENSE,
    "seed_oss": MODEL_ARCH.SEED_OSS,
    "apertus": MODEL_ARCH.APERTUS,
    "deepseek_v2": MODEL_ARCH.DEEPSEEK2,
    "deepseek_v3": MODEL_ARCH.DEEPSEEK2,
    "llama4": MODEL_ARCH.LLAMA4,
}
REORDERED = ("llama", "mistral", "mixtral", "ministral3", "smollm3", "granite")
"""The families whose queries and keys are permuted."""
ONE_ADDED = ("gemma2", "gemma3_text", "nemotron", "qwen3_next", "qwen3_5_text", "qwen3_5_moe_text")


def name_architecture(config: dict[str, Any]) -> str:
    """What GGUF calls the model's architecture."""
    return MODEL_ARCH_NAMES[ARCHITECTURES[config["model_type"]]]


def convert(
    config: dict[str, Any], decoder: DecoderConfig, tensors: dict[str, np.ndarray]
) -> Iterator[tuple[str, np.ndarray]]:
    """The tensors, by their names in GGUF."""
    family = config["model_type"]
    names = get_tensor_name_map(ARCHITECTURES[family], decoder.layers)
    tiled = {name: tile(name, weights, decoder) for name, weights in tensors.items()}
    for name, weights in rearrange(family, decoder, stack(tiled if family.startswith("qwen3_5") else tensors)):
        found = names.get_name(name, try_suffixes=(".weight", ".bias"))
        if found is None:
            raise LookupError(f"there must be a name in GGUF for {name}, found none")
        yield found, np.ascontiguousarray(weights)
    rope = decoder.attention[0].rope
    if rope and rope.scaling == "longrope":
        yield "rope_factors_long.weight", np.array(rope.long_factors, np.float32)
        yield "rope_factors_short.weight", np.array(rope.short_factors, np.float32)


def stack(tensors: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The tensors, with one for all experts, or heads, instead of one for each; MXFP4 has its own way."""
    found: dict[str, Any] = {}
    for name, weights in tensors.items():
        if match := re.fullmatch(r"(.*\.(?:experts|norms))\.(\d+)(\..*)", name):
            found.setdefault(match[1].removesuffix(".norms") + match[3], {})[int(match[2])] = weights
        else:
            found[name.removeprefix("language_model.")] = weights
    return {
        name: np.stack([each[index] for index in sorted(each)]) if isinstance(each, dict) else each
        for name, each in found.items()
    }


def tile(name: str, weights: np.ndarray, decoder: DecoderConfig) -> np.ndarray:
    """The heads of values of linear attention in the order of Qwen3.5's conversion: `_reorder_v_heads`."""
    linear = decoder.linear
    if linear is None or "linear_attn." not in name or "linear_attn.norm" in name:
        return weights
    if "out_proj" in name:
        return tile("linear_attn.", weights.T, decoder).T
    keys, of_each = linear.key_heads, linear.value_heads // linear.key_heads
    first = 2 * keys * linear.head_dim if "in_proj_qkv" in name or "conv1d" in name else 0
    heads = weights[first:].reshape(keys, of_each, -1, *weights.shape[1:])
    return np.concatenate([weights[:first], heads.swapaxes(0, 1).reshape(weights[first:].shape)])


def permute(weights: np.ndarray, heads: int) -> np.ndarray:
    """The rows of queries or keys as llama.cpp wants them: `permute` of its conversion of Llama."""
    halves = weights.reshape(heads, 2, len(weights) // heads // 2, *weights.shape[1:])
    return halves.swapaxes(1, 2).reshape(weights.shape)


def repack(blocks: np.ndarray, scales: np.ndarray) -> np.ndarray:
    """The bytes of MXFP4 as ggml has them: a scale, and numbers i and i + 16 in a byte, of 2i and 2i + 1 in a byte."""
    numbers = np.stack([blocks & 15, blocks >> 4], axis=-1).reshape(*scales.shape, 32)
    codes = numbers[..., :16] | numbers[..., 16:] << 4
    return np.concatenate([scales[..., None], codes], axis=-1).reshape(*scales.shape[:-1], -1)


def rearrange(family: str, decoder: DecoderConfig, tensors: dict[str, np.ndarray]) -> Iterator[tuple[str, np.ndarray]]:
    """`modify_tensors` of the family's conversion."""
    heads, kv_heads, head = decoder.heads, decoder.kv_heads, decoder.head_dim
    for name, weights in tensors.items():
        part, kind = name.rpartition(".")[::2]
        if family in REORDERED and part.endswith(("q_proj", "k_proj")):
            yield name, permute(weights, heads if part.endswith("q_proj") else kv_heads)
        elif family in ONE_ADDED and name.endswith("norm.weight") and "linear_attn" not in name:
            yield name, weights + np.float32(1)
        elif family == "gpt2" and weights.ndim == 2 and part.endswith(("c_attn", "c_proj", "c_fc")):
            yield name, weights.T
        elif part.endswith("query_key_value"):
            groups = weights.reshape(kv_heads, heads // kv_heads + 2, head, *weights.shape[1:])
            parts = (groups[:, :-2], groups[:, -2], groups[:, -1])
            yield name, np.concatenate([each.reshape(-1, *weights.shape[1:]) for each in parts])
        elif part.endswith("kv_b_proj"):
            latent = decoder.latent
            assert latent
            both = weights.reshape(heads, -1, weights.shape[-1])
            keys = both.shape[1] - latent.value_dim
            yield name.replace("kv_b_proj", "k_b_proj"), both[:, :keys].swapaxes(1, 2)
            yield name.replace("kv_b_proj", "v_b_proj"), both[:, keys:]
        elif kind == "gate_up_proj":  # of all experts: Llama 4 has them after one another, gpt-oss in turn
            turned = weights.swapaxes(1, 2)
            ffn = turned.shape[1] // 2
            turns = (slice(0, ffn), slice(ffn, None)) if family == "llama4" else (slice(0, None, 2), slice(1, None, 2))
            for own, rows in zip(("gate_proj", "up_proj"), turns, strict=True):
                yield f"{part}.{own}.weight", turned[:, rows]
        elif kind == "gate_up_proj_bias":
            yield f"{part}.gate_proj.bias", weights[:, ::2]
            yield f"{part}.up_proj.bias", weights[:, 1::2]
        elif kind == "down_proj":
            yield f"{part}.down_proj.weight", weights.swapaxes(1, 2)
        elif kind == "down_proj_bias":
            yield f"{part}.down_proj.bias", weights
        elif kind == "gate_up_proj_blocks":
            packed = repack(weights, tensors[f"{part}.gate_up_proj_scales"])
            yield f"{part}.gate_proj.weight", packed[:, ::2]
            yield f"{part}.up_proj.weight", packed[:, 1::2]
        elif kind == "down_proj_blocks":
            yield f"{part}.down_proj.weight", repack(weights, tensors[f"{part}.down_proj_scales"])
        elif kind == "A_log":
            yield name, -np.exp(weights)
        elif kind == "dt_bias":
            yield f"{part}.dt_proj.bias", weights
        elif part.endswith("conv1d"):
            yield name, weights[:, 0]
        elif part.endswith("in_proj_qkvz"):
            linear = decoder.linear
            assert linear
            values = linear.value_heads // linear.key_heads * linear.head_dim
            groups = weights.reshape(linear.key_heads, -1, weights.shape[-1])
            at = np.cumsum([linear.head_dim, linear.head_dim, values])
            *joined, gates = (each.reshape(-1, weights.shape[-1]) for each in np.split(groups, at, axis=1))
            yield part.replace("linear_attn.in_proj_qkvz", "self_attn.qkv_proj") + ".weight", np.concatenate(joined)
            yield part.replace("linear_attn.in_proj_qkvz", "linear_attn.in_proj_z") + ".weight", gates
        elif kind == "sinks":
            yield f"{name}.weight", weights
        elif kind == "e_score_correction_bias":
            yield name.replace("e_score_correction_bias", "e_score_correction.bias"), weights
        elif not kind.endswith("_scales") and not part.endswith("act_fn"):
            yield name, weights
