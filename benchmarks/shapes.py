"""Models of known shapes with random weights."""

import json
import math
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np

from byheart.models.families import find_family
from byheart.models.parameters import Parameter, leaves

LLAMA: dict[str, Any] = {
    "architectures": ["LlamaForCausalLM"],
    "model_type": "llama",
    "hidden_act": "silu",
    "rms_norm_eps": 1e-5,
}
SHAPES: dict[str, dict[str, Any]] = {
    "smollm2-135m": {
        "vocab_size": 49152,
        "hidden_size": 576,
        "num_hidden_layers": 30,
        "num_attention_heads": 9,
        "num_key_value_heads": 3,
        "intermediate_size": 1536,
        "max_position_embeddings": 8192,
        "rope_theta": 100_000.0,
        "tie_word_embeddings": True,
    },
    "llama-3.1-8b": {
        "vocab_size": 128256,
        "hidden_size": 4096,
        "num_hidden_layers": 32,
        "num_attention_heads": 32,
        "num_key_value_heads": 8,
        "intermediate_size": 14336,
        "max_position_embeddings": 131072,
        "rope_theta": 500_000.0,
        "tie_word_embeddings": False,
    },
}
"""Each shape's fields of config.json, without those that all have."""


def write_checkpoint(folder: Path, config: dict[str, Any], random: np.random.Generator) -> None:
    """Write config.json and bfloat16 weights, drawn so that states keep their size from layer to layer, and logits
    vary as much as a trained model's.
    """
    family = find_family(config)
    parameters = leaves(family.describe_parameters(family.parse_config(config)))
    tensors = {name: parameter for parameter in parameters for name in parameter.name_tensors().values()}
    header, start = {}, 0
    for name, parameter in tensors.items():
        shape = parameter.source_shape
        stop = start + 2 * math.prod(shape)
        header[name], start = {"dtype": "BF16", "shape": shape, "data_offsets": [start, stop]}, stop
    encoded = json.dumps({"__metadata__": {"format": "pt"}, **header}).encode()
    with (folder / "model.safetensors").open("wb") as file:
        file.write(len(encoded).to_bytes(8, "little") + encoded)
        for parameter in tensors.values():
            file.write(_draw_values(parameter, random).astype(ml_dtypes.bfloat16).tobytes())
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")


def _draw_values(parameter: Parameter, random: np.random.Generator) -> np.ndarray:
    if len(parameter.source_shape) == 1:
        return np.ones(parameter.source_shape, np.float32)
    inputs = parameter.source_shape[1]
    deviation = (2.5 if "vocab" in parameter.axes else 0.5) / math.sqrt(inputs)
    return random.standard_normal(parameter.source_shape, np.float32) * np.float32(deviation)
