"""Makes the goldens: tiny random checkpoints, and what Hugging Face transformers computes with them.

    make goldens                                                     # everything, in an environment of its own
    .venv-goldens/bin/python -m tests.extract.goldens.make sample    # the sample model alone, after it is trained anew

Each folder beside this file is a checkpoint with its `golden.npz`; `sample.npz` is of samples/model. They hold
token_ids int32 [N, T], and of each token but the first, computed in float32 on the CPU with eager attention: log_probs
float32 [N, T - 1] (nats) and ranks int32 [N, T - 1] (logits strictly greater). Seeds are fixed; another machine may
round the last digits of the log-probs otherwise.
"""

import argparse
import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import torch  # type: ignore[import-not-found]
from safetensors.torch import save_file
from transformers import AutoTokenizer

from tests.extract.goldens.configs import CONFIGS
from tests.extract.goldens.random_models import transformers_scores, write_random_model

HERE = Path(__file__).parent
SAMPLES = HERE.parents[2] / "samples"
SEQUENCES, TOKENS, VOCAB = 4, 100, 160
SAMPLE_WINDOWS, SAMPLE_SLICE = 16, 2000

_COMMON: dict[str, Any] = {"architectures": ["LlamaForCausalLM"], "model_type": "llama", "vocab_size": VOCAB}
CHECKPOINTS: dict[str, tuple[dict[str, Any], torch.dtype, int]] = {
    "gqa_untied": (
        {
            "hidden_size": 40,
            "num_hidden_layers": 2,
            "num_attention_heads": 4,
            "num_key_value_heads": 2,
            "intermediate_size": 72,
            "hidden_act": "silu",
            "rms_norm_eps": 0.01,
            "max_position_embeddings": 256,
            "rope_parameters": {"rope_type": "default", "rope_theta": 777.5},
            "tie_word_embeddings": False,
            "dtype": "float32",
        },
        torch.float32,
        1,
    ),
    "llama3_old_tied_head_dim": (
        {
            "hidden_size": 32,
            "num_hidden_layers": 2,
            "num_attention_heads": 4,
            "num_key_value_heads": 1,
            "head_dim": 16,
            "intermediate_size": 64,
            "hidden_act": "silu",
            "rms_norm_eps": 1e-5,
            "max_position_embeddings": 512,
            "rope_theta": 10000.0,
            "rope_scaling": {  # wavelengths in positions: 6 is kept, 20 and 63 are blended, 199 and more are divided
                "rope_type": "llama3",
                "factor": 8.0,
                "low_freq_factor": 1.0,
                "high_freq_factor": 4.0,
                "original_max_position_embeddings": 64,
            },
            "tie_word_embeddings": True,
            "torch_dtype": "float32",
        },
        torch.float32,
        1,
    ),
    "linear_biases_float16_sharded": (
        {
            "hidden_size": 32,
            "num_hidden_layers": 2,
            "num_attention_heads": 4,
            "intermediate_size": 56,
            "max_position_embeddings": 256,
            "rope_theta": 500.0,
            "rope_scaling": {"type": "linear", "factor": 4.0},
            "tie_word_embeddings": False,
            "attention_bias": True,
            "mlp_bias": True,
            "torch_dtype": "float16",
        },
        torch.float16,
        2,
    ),
    "llama3_new_bfloat16": (
        {
            "hidden_size": 48,
            "num_hidden_layers": 3,
            "num_attention_heads": 6,
            "num_key_value_heads": 3,
            "intermediate_size": 64,
            "hidden_act": "silu",
            "rms_norm_eps": 1e-5,
            "max_position_embeddings": 1024,
            "rope_parameters": {  # wavelengths in positions: 6 is kept, 35 is blended, 199 and 1,117 are divided
                "rope_type": "llama3",
                "rope_theta": 1000.0,
                "factor": 16.0,
                "low_freq_factor": 0.5,
                "high_freq_factor": 6.0,
                "original_max_position_embeddings": 64,
            },
            "tie_word_embeddings": False,
            "attention_bias": False,
            "mlp_bias": False,
            "dtype": "bfloat16",
        },
        torch.bfloat16,
        1,
    ),
}
"""Each checkpoint's config.json, the dtype of its weights and the number of its files."""


def tensor_shapes(config: dict[str, Any]) -> dict[str, tuple[int, ...]]:
    """The tensors of a checkpoint, by name."""
    embed, ffn, heads = config["hidden_size"], config["intermediate_size"], config["num_attention_heads"]
    head_dim = config.get("head_dim", embed // heads)
    kv_heads = config.get("num_key_value_heads", heads)
    shapes: dict[str, tuple[int, ...]] = {"model.embed_tokens.weight": (VOCAB, embed), "model.norm.weight": (embed,)}
    if not config["tie_word_embeddings"]:
        shapes["lm_head.weight"] = (VOCAB, embed)
    for index in range(config["num_hidden_layers"]):
        linears = {
            "self_attn.q_proj": (heads * head_dim, embed, config.get("attention_bias")),
            "self_attn.k_proj": (kv_heads * head_dim, embed, config.get("attention_bias")),
            "self_attn.v_proj": (kv_heads * head_dim, embed, config.get("attention_bias")),
            "self_attn.o_proj": (embed, heads * head_dim, config.get("attention_bias")),
            "mlp.gate_proj": (ffn, embed, config.get("mlp_bias")),
            "mlp.up_proj": (ffn, embed, config.get("mlp_bias")),
            "mlp.down_proj": (embed, ffn, config.get("mlp_bias")),
        }
        for norm in ("input_layernorm", "post_attention_layernorm"):
            shapes[f"model.layers.{index}.{norm}.weight"] = (embed,)
        for name, (outputs, inputs, bias) in linears.items():
            shapes[f"model.layers.{index}.{name}.weight"] = (outputs, inputs)
            if bias:
                shapes[f"model.layers.{index}.{name}.bias"] = (outputs,)
    return shapes


def write_checkpoint(folder: Path, random: np.random.Generator) -> None:
    """Write a random checkpoint whose weights are large enough for every feature to show in the scores."""
    described, dtype, files = CHECKPOINTS[folder.name]
    config = _COMMON | described
    tensors = {}
    for name, shape in tensor_shapes(config).items():
        if "norm" in name:
            values = random.uniform(0.5, 1.5, shape)
        else:
            values = random.normal(0.0, 0.3 if shape[0] == VOCAB else 0.25, shape)
        tensors[name] = torch.tensor(values, dtype=torch.float32).to(dtype)

    folder.mkdir(exist_ok=True)
    (folder / "config.json").write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
    if files == 1:
        save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
        return
    names = sorted(tensors)  # a layer lies across two files
    weight_map = {
        name: f"model-{1 + place * files // len(names):05}-of-{files:05}.safetensors"
        for place, name in enumerate(names)
    }
    for file in sorted(set(weight_map.values())):
        held = {name: tensors[name] for name in names if weight_map[name] == file}
        save_file(held, folder / file, metadata={"format": "pt"})
    total = sum(tensor.nbytes for tensor in tensors.values())
    index = {"metadata": {"total_size": total}, "weight_map": weight_map}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index, indent=2) + "\n", encoding="utf-8")


def make_checkpoints() -> None:
    """Write every random checkpoint and its golden."""
    for seed, name in enumerate(CHECKPOINTS):
        random = np.random.default_rng(seed)
        write_checkpoint(HERE / name, random)
        token_ids = random.integers(VOCAB, size=(SEQUENCES, TOKENS))
        np.savez(HERE / name / "golden.npz", **transformers_scores(HERE / name, token_ids))


def make_families() -> None:
    """Write the random checkpoint of every family's every config and its golden; the last quarter of the vocabulary
    is padding, which no text holds.
    """
    for seed, (name, config) in enumerate(CONFIGS.items()):
        random = np.random.default_rng([1, seed])
        write_random_model(HERE / name, config, random, torch.bfloat16)
        token_ids = random.integers(VOCAB * 3 // 4, size=(SEQUENCES, TOKENS))
        np.savez(HERE / name / "golden.npz", **transformers_scores(HERE / name, token_ids))


def make_sample() -> None:
    """Write the golden of the sample model: windows of slices whose cursors are spread over the sample book."""
    folder = SAMPLES / "model"
    (book,) = SAMPLES.glob("*.txt")
    text = book.read_text(encoding="utf-8")
    tokenizer = AutoTokenizer.from_pretrained(folder)
    cursors = np.linspace(0, len(text) - SAMPLE_SLICE, SAMPLE_WINDOWS).astype(np.int64)
    slices = [text[cursor : cursor + SAMPLE_SLICE] for cursor in cursors]
    token_ids = np.array([tokenizer(part, add_special_tokens=False)["input_ids"][:TOKENS] for part in slices])
    weights = hashlib.sha256((folder / "model.safetensors").read_bytes()).hexdigest()
    scores = transformers_scores(folder, token_ids)
    np.savez(HERE / "sample.npz", cursors=cursors, weights_sha256=np.array(weights), **scores)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Make the goldens.")
    parser.add_argument("part", nargs="?", choices=["all", "checkpoints", "families", "sample"], default="all")
    part = parser.parse_args().part
    if part in ("all", "checkpoints"):
        make_checkpoints()
    if part in ("all", "families"):
        make_families()
    if part in ("all", "sample"):
        make_sample()
