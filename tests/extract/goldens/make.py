"""Makes the goldens: tiny random checkpoints, and what Hugging Face transformers computes with them.

    make goldens                                                     # everything, in an environment of its own
    .venv-goldens/bin/python -m tests.extract.goldens.make families NAME...    # some folders
    .venv-goldens/bin/python -m tests.extract.goldens.make sample    # the sample model alone, after it is trained anew

Each folder beside this file is a checkpoint with its `golden.npz`; `sample.npz` is of samples/model, and so is
samples/reference.npz, which `byheart check` holds a machine against. Among the folders'
config.json every feature is switched on: windows are shorter than the 100 tokens, caps are low enough to bend the
scores, rotary factors change every frequency, and of llama3's wavelengths some are kept, some blended, some divided.
Both layouts of rotary parameters are there, the older one with `torch_dtype`. The arrays hold
token_ids int32 [N, T], and of each token but the first, computed in float32 on the CPU with eager attention: log_probs
float32 [N, T - 1] (nats) and ranks int32 [N, T - 1] (logits strictly greater). Seeds are fixed; another machine may
round the last digits of the log-probs otherwise.
"""

import argparse
import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch  # type: ignore[import-not-found]
from safetensors.torch import save_file
from transformers import AutoTokenizer

from tests.extract.goldens.quantise import quantise_checkpoint
from tests.extract.goldens.random_models import transformers_scores, write_random_model

HERE = Path(__file__).parent
SAMPLES = HERE.parents[2] / "samples"
SEQUENCES, TOKENS, VOCAB = 4, 100, 160
SAMPLE_WINDOWS, SAMPLE_SLICE = 16, 2000
REFERENCE_STRIDE, REFERENCE_PROMPT = 200, 50
"""Characters between the windows of the reference, and tokens of each that are not scored."""

LLAMAS = (
    "gqa_untied", "llama3_old_tied_head_dim", "linear_biases_float16_sharded", "llama3_new_bfloat16",
)  # fmt: skip
FAMILIES = (
    "mistral_sliding_new", "mistral_yarn_old", "qwen2_upper_layers_slide_old", "qwen2_layer_types_new",
    "qwen3_dynamic_bias_old", "qwen3_yarn_sliding_new", "gpt_neox_parallel_old", "gpt_neox_sequential_new",
    "gemma2_caps_old", "gemma2_layer_types_new", "phi3_short_factors_old", "phi3_long_factors_new",
    "gemma3_two_bases_old", "gemma3_layer_types_new", "olmo2_old", "olmo2_bias_llama3_new", "mixtral_old",
    "mixtral_sliding_new", "gemma3_that_sees",
)  # fmt: skip
"""Folders with a config.json, which is written by hand; a place in the list is a seed."""
MORE_FAMILIES: tuple[str, ...] = (
    "olmo3_old", "olmo3_layer_types_new", "smollm3_old",
    "smollm3_sliding_new", "apertus_old", "apertus_bias_new",
    "vaultgemma_caps_old", "vaultgemma_layer_types_new", "ministral3_new",
    "ministral3_sliding_new", "seed_oss_old", "seed_oss_biases_new",
    "glm4_old", "glm4_linear_new", "granite_old",
    "granite_new", "cohere2_old", "cohere2_layer_types_new",
    "exaone4_old", "exaone4_full_new", "hunyuan_v1_dense_old",
    "hunyuan_v1_dense_bias_new",
    "qwen3_moe_mixed_layers_old", "qwen3_moe_every_second_new", "qwen2_moe_shared_new",
    "olmoe_clip_old",
    "gpt2_scaled_by_layer", "gpt2_tied_unscaled", "gptj_half_rotated",
    "falcon_one_key_head_old", "falcon_grouped_two_norms_new", "falcon_grouped_one_norm_old",
    "falcon_one_after_the_other", "starcoder2_sliding_old", "starcoder2_no_biases_new",
    "stablelm_own_norms_parallel_old", "stablelm_sequential_new", "nemotron_biases_old", "nemotron_linear_new",
    "phi_normed_heads_old", "phi_tied_new",
    "gpt_oss_yarn_old",
    "gpt_oss_layer_types_new",
    "glm4_moe_groups_old",
    "glm4_moe_plain_new",
    "deepseek_v3_yarn_old",
    "deepseek_v3_plain_new",
    "deepseek_v2_groups_old",
    "deepseek_v2_biases_new",
    "llama4_text_old",
    "llama4_that_sees",
    "mistral3_that_sees",
    "deepseek_v3_fp8",
    "qwen3_fp8",
    "gpt_oss_mxfp4",
    "qwen3_next_old",
    "qwen3_next_layer_types_new",
    "qwen3_5_text_new",
    "qwen3_5_moe_text_new",
)  # fmt: skip
"""The same; the name is the seed, so the order does not matter."""


def config_of(folder: Path) -> dict[str, Any]:
    """What its config.json says."""
    return dict(json.loads((folder / "config.json").read_text(encoding="utf-8")))


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
    config = config_of(folder)
    dtype = getattr(torch, config.get("dtype") or config["torch_dtype"])
    tensors = {}
    for name, shape in tensor_shapes(config).items():
        if "norm" in name:
            values = random.uniform(0.5, 1.5, shape)
        else:
            values = random.normal(0.0, 0.3 if shape[0] == VOCAB else 0.25, shape)
        tensors[name] = torch.tensor(values, dtype=torch.float32).to(dtype)

    if not folder.name.endswith("sharded"):
        save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
        return
    names, files = sorted(tensors), 2  # a layer lies across both
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
    for seed, name in enumerate(LLAMAS):
        random = np.random.default_rng(seed)
        write_checkpoint(HERE / name, random)
        token_ids = random.integers(VOCAB, size=(SEQUENCES, TOKENS))
        np.savez(HERE / name / "golden.npz", **transformers_scores(HERE / name, token_ids))


def make_families(names: Sequence[str] = ()) -> None:
    """Write the random checkpoint of every family's every config and its golden; the last quarter of the vocabulary
    is padding, which no text holds.

    Args:
        names: the folders; none is all of them.
    """
    seeds = {name: [1, place] for place, name in enumerate(FAMILIES)}
    seeds |= {name: [1, *name.encode()] for name in MORE_FAMILIES}
    for name in names or seeds:
        random = np.random.default_rng(seeds[name])
        config = config_of(HERE / name)
        plain = {field: value for field, value in config.items() if field != "quantization_config"}
        write_random_model(HERE / name, plain, random, torch.bfloat16)
        if config != plain:
            quantise_checkpoint(HERE / name, config)
        token_ids = random.integers(VOCAB * 3 // 4, size=(SEQUENCES, TOKENS))
        np.savez(HERE / name / "golden.npz", **transformers_scores(HERE / name, token_ids))


def sample_windows(cursors: np.ndarray) -> np.ndarray:
    """Token ids of the windows of the sample book at these cursors, [N, T]."""
    text = (SAMPLES / "the-soap-winter.txt").read_text(encoding="utf-8")
    tokenizer = AutoTokenizer.from_pretrained(SAMPLES / "model")
    slices = [text[cursor : cursor + SAMPLE_SLICE] for cursor in cursors]
    return np.array([tokenizer(part, add_special_tokens=False)["input_ids"][:TOKENS] for part in slices])


def sample_cursors() -> range:
    """The places of the sample book at which a whole slice begins."""
    return range(len((SAMPLES / "the-soap-winter.txt").read_text(encoding="utf-8")) - SAMPLE_SLICE + 1)


def sample_weights_sha256() -> np.ndarray:
    """Which weights a golden of the sample is of."""
    return np.array(hashlib.sha256((SAMPLES / "model" / "model.safetensors").read_bytes()).hexdigest())


def make_sample() -> None:
    """Write the golden of the sample model: windows of slices whose cursors are spread over the sample book."""
    cursors = np.linspace(0, sample_cursors()[-1], SAMPLE_WINDOWS).astype(np.int64)
    scores = transformers_scores(SAMPLES / "model", sample_windows(cursors))
    np.savez(HERE / "sample.npz", cursors=cursors, weights_sha256=sample_weights_sha256(), **scores)


def make_reference() -> None:
    """Write samples/reference.npz: the log-probabilities of the suffixes of windows all over the sample book."""
    cursors = np.array(sample_cursors()[::REFERENCE_STRIDE])
    scores = transformers_scores(SAMPLES / "model", sample_windows(cursors))
    np.savez_compressed(
        SAMPLES / "reference.npz",
        token_ids=scores["token_ids"],
        token_log_probs=scores["log_probs"][:, REFERENCE_PROMPT - 1 :],
        weights_sha256=sample_weights_sha256(),
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Make the goldens.")
    parser.add_argument("part", nargs="?", choices=["all", "checkpoints", "families", "sample"], default="all")
    parser.add_argument("names", nargs="*", help="of families: the folders; all if there is none")
    asked = parser.parse_args()
    part = asked.part
    if part in ("all", "checkpoints"):
        make_checkpoints()
    if part in ("all", "families"):
        make_families(asked.names)
    if part in ("all", "sample"):
        make_sample()
        make_reference()
