"""The config.json that a GGUF file's fields amount to.

llama.cpp calls Llama, and all that has its shape, `llama`. A field or a tensor of unknown meaning is refused, as in any
config.json: it may change the scores. Source: gguf-py's constants.py and llama.cpp's conversion of Llama.
"""

from typing import Any

import numpy as np

from byheart.components.download.gguf.header import GgufFile
from byheart.models.families import FAMILIES
from byheart.models.families.fields import Fields
from byheart.models.rope import Rope

ARCHITECTURE = "llama"
_NAMES = {
    "hidden_size": "embedding_length",
    "intermediate_size": "feed_forward_length",
    "num_hidden_layers": "block_count",
    "num_attention_heads": "attention.head_count",
    "max_position_embeddings": "context_length",
}
"""Whole numbers of config.json, and what GGUF calls them."""
_WITHOUT_EFFECT = ("rope.scaling.finetuned", "rope.scaling.original_context_length", "vocab_size")
"""The original length counts under YaRN only, which is refused; the size of the vocabulary is read off a tensor."""
_FREQUENCIES = "rope_freqs.weight"
_LOW, _HIGH, _ORIGINAL = 1.0, 4.0, 8192
"""The scaling of Llama 3.1 to 3.3, whose factor is 8 or 32: GGUF has what comes of it, a divisor for each frequency."""


def describe_config(gguf: GgufFile) -> dict[str, Any]:
    """The content of config.json.

    Raises:
        ModelError: the model is of another family, or a field is missing or of unknown meaning.
    """
    _check_kind(gguf)
    fields = Fields({name: value for name, value in gguf.fields.items() if name.startswith("llama.")}, gguf.path)
    sizes = {name: fields.integer(f"llama.{field}") for name, field in _NAMES.items()}
    heads = sizes["num_attention_heads"]
    head_dim = fields.integer("llama.attention.key_length", default=max(sizes["hidden_size"] // heads, 1))
    fields.require("llama.attention.value_length", head_dim)
    fields.require("llama.rope.dimension_count", head_dim)
    fields.require("llama.attention.causal", True)
    if "token_embd.weight" not in gguf.tensors:
        gguf.refuse("hold token_embd.weight", "none", "fetch it again")
    config = {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "hidden_act": "silu",
        **sizes,
        "num_key_value_heads": fields.integer("llama.attention.head_count_kv", default=heads),
        "head_dim": head_dim,
        "rms_norm_eps": fields.number("llama.attention.layer_norm_rms_epsilon"),
        "rope_theta": fields.number("llama.rope.freq_base", default=10_000.0),
        "vocab_size": gguf.tensors["token_embd.weight"].shape[0],
        "tie_word_embeddings": "output.weight" not in gguf.tensors,
        "attention_bias": "blk.0.attn_q.bias" in gguf.tensors,
        "mlp_bias": "blk.0.ffn_up.bias" in gguf.tensors,
    }
    config["rope_scaling"] = _describe_scaling(gguf, fields, config)
    fields.refuse_unknown_fields(*(f"llama.{name}" for name in _WITHOUT_EFFECT))
    return config


def _check_kind(gguf: GgufFile) -> None:
    """Refuse what is no whole model of the family that can be computed."""
    kind, architecture = gguf.fields.get("general.type", "model"), gguf.fields.get("general.architecture")
    if kind != "model":
        gguf.refuse("hold a model", f"general.type={str(kind)[:60]!r}", "name the model's own file")
    if gguf.fields.get("split.count", 0) not in (0, 1):
        gguf.refuse("hold the whole model", "one of several parts", "merge them (llama-gguf-split --merge)")
    if architecture != ARCHITECTURE:
        gguf.refuse(
            f"hold a model of the family {ARCHITECTURE}, the only one that is read from GGUF",
            f"general.architecture={str(architecture)[:60]!r}",
            "name the model's safetensors"
            if str(architecture).replace("gptneox", "gpt_neox") in FAMILIES
            else f"choose a model of the families {', '.join(FAMILIES)}",
        )
    if gguf.fields.get("llama.expert_count", 0):
        gguf.refuse("hold a model without experts", "some", "name the model's safetensors (mixtral is read from them)")


def _describe_scaling(gguf: GgufFile, fields: Fields, config: dict[str, Any]) -> dict[str, Any] | None:
    """What config.json calls rope_scaling."""
    factor = fields.number_or_none("llama.rope.scaling.factor")
    kind = fields.word("llama.rope.scaling.type", ("none", "linear"), default="linear")
    linear = kind == "linear" and factor not in (None, 1.0)
    if _FREQUENCIES not in gguf.tensors:
        return {"rope_type": "linear", "factor": factor} if linear else None
    divisors = _read_vector(gguf, _FREQUENCIES)
    factor = float(divisors.max(initial=1.0))
    rope = Rope(
        theta=config["rope_theta"],
        scaling="llama3",
        factor=factor,
        low_freq_factor=_LOW,
        high_freq_factor=_HIGH,
        original_positions=_ORIGINAL,
    )
    plain = Rope(theta=config["rope_theta"]).compute_inverse_frequencies(config["head_dim"])
    expected = plain / rope.compute_inverse_frequencies(config["head_dim"])
    if linear or divisors.shape != expected.shape or not np.allclose(divisors, expected, rtol=1e-5, atol=0):
        gguf.refuse(
            f"scale rotary frequencies as Llama 3 does, if it has {_FREQUENCIES}",
            "another scaling",
            "name the model's safetensors",
        )
    return {
        "rope_type": "llama3",
        "factor": factor,
        "low_freq_factor": _LOW,
        "high_freq_factor": _HIGH,
        "original_max_position_embeddings": _ORIGINAL,
    }


def _read_vector(gguf: GgufFile, name: str) -> np.ndarray:
    """A tensor of float32 with one axis.

    Raises:
        ModelError: it is another one.
    """
    tensor = gguf.tensors[name]
    if tensor.type != "F32" or len(tensor.shape) != 1:
        gguf.refuse(f"hold {name} as a list of F32", f"{list(tensor.shape)} of {tensor.type}", "fetch it again")
    return np.frombuffer(gguf.read(tensor, 0, tensor.stop - tensor.start), "<f4")
