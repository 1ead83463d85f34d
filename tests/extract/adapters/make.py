"""Makes the goldens of adapters: random ones of peft, and what transformers computes with them.

    make goldens                                                     # these, too
    .venv-goldens/bin/python -m tests.extract.adapters.make NAME...  # some folders

Each folder beside this file is an adapter as peft saves it, of a base in `tests/extract/goldens` that its
adapter_config.json names, with its `golden.npz`, whose arrays are those of the bases. They are of the merged weights,
in float32; that the adapter beside its base gives the same is tested here.
"""

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch  # type: ignore[import-not-found]
from peft import LoraConfig, PeftModel, get_peft_model  # type: ignore[import-not-found]
from safetensors.torch import load_file, save_file

from tests.extract.goldens.random_models import compute_scores, load_model

HERE = Path(__file__).parent
BASES = HERE.parent / "goldens"
SEQUENCES, TOKENS, IDS = 2, 100, 120
_NEAR = 1e-4
"""Nats between an adapter beside its base and one that is merged, both in float32."""

ADAPTERS: dict[str, dict[str, Any]] = {
    "llama_ranks": {
        "base": "gqa_untied", "r": 4, "lora_alpha": 9, "target_modules": ["q_proj", "v_proj", "gate_proj", "down_proj"],
        "rank_pattern": {"layers.0.self_attn.q_proj": 2, "down_proj": 6}, "alpha_pattern": {"1.self_attn.v_proj": 3},
    },
    "llama_tables_saved": {
        "base": "gqa_untied", "r": 3, "lora_alpha": 6, "target_modules": ["embed_tokens", "lm_head", "o_proj"],
        "modules_to_save": ["norm", "input_layernorm"],
    },
    "llama_dora_biases_sharded": {
        "base": "linear_biases_float16_sharded", "r": 4, "lora_alpha": 4, "use_dora": True, "bias": "lora_only",
        "target_modules": ["q_proj", "o_proj", "up_proj", "down_proj"],
    },
    "gpt2_transposed": {
        "base": "gpt2_scaled_by_layer", "r": 4, "lora_alpha": 8, "fan_in_fan_out": True, "bias": "all",
        "target_modules": ["c_attn", "c_proj", "c_fc"],
    },
    "gpt_neox_by_head": {
        "base": "gpt_neox_parallel_old", "r": 4, "lora_alpha": 8,
        "target_modules": ["query_key_value", "dense", "dense_4h_to_h"], "layers_to_transform": [1],
    },
    "phi3_fused_bfloat16": {
        "base": "phi3_short_factors_old", "r": 4, "lora_alpha": 3, "use_rslora": True,
        "target_modules": ["qkv_proj", "gate_up_proj", "down_proj"],
    },
    "gemma3_that_sees": {
        "base": "gemma3_that_sees", "r": 4, "lora_alpha": 8, "target_modules": ["q_proj", "v_proj", "down_proj"],
        "exclude_modules": r".*vision.*",
    },
    "qwen3_fp8": {"base": "qwen3_fp8", "r": 4, "lora_alpha": 8, "target_modules": ["q_proj", "up_proj"]},
}  # fmt: skip
"""Folders, each with its base and the arguments of LoraConfig."""


def make_adapter(name: str) -> None:
    """Write a random adapter and its golden."""
    described = dict(ADAPTERS[name])
    folder, base = HERE / name, BASES / described.pop("base")
    random = np.random.default_rng([2, *name.encode()])
    plain = load_model(base)
    model = get_peft_model(plain, LoraConfig(task_type="CAUSAL_LM", **described))
    with torch.no_grad():
        for parameter_name, parameter in model.named_parameters():
            if parameter.requires_grad:
                own = parameter.numpy()
                if "lora_A" in parameter_name or "lora_B" in parameter_name or "embedding_" in parameter_name:
                    values = random.normal(0.0, 0.2, own.shape)  # 0.3 magnifies rounding to 1e-4
                else:  # norms, biases, DoRA's magnitudes
                    values = own * random.uniform(0.7, 1.3, own.shape) + random.normal(0.0, 0.05, own.shape)
                parameter.copy_(torch.tensor(values, dtype=torch.float32))
    model.save_pretrained(folder)
    (folder / "README.md").unlink()
    _tidy(folder, base.name, bfloat16="bfloat16" in name)
    token_ids = random.integers(IDS, size=(SEQUENCES, TOKENS))
    beside = PeftModel.from_pretrained(load_model(base), folder).eval()
    expected = compute_scores(beside, token_ids)["log_probs"]
    scores = compute_scores(beside.merge_and_unload(), token_ids)
    alone = compute_scores(load_model(base), token_ids)["log_probs"]
    near, far = np.abs(expected - scores["log_probs"]).max(), np.abs(alone - scores["log_probs"]).mean()
    print(f"{name}: merged and beside differ by {near:.1g} nats at most, base and adapter by {far:.2g} on average")
    if near > _NEAR or far < 1000 * _NEAR:
        raise RuntimeError(f"{name} must change the scores, and merged by rounding alone")
    np.savez(folder / "golden.npz", **scores)


def _tidy(folder: Path, base: str, *, bfloat16: bool) -> None:
    """Name the base by its folder's name alone, and write the tensors in 16 bits if that is asked for."""
    path = folder / "adapter_config.json"
    content = json.loads(path.read_text(encoding="utf-8"))
    targets = content["target_modules"]
    content |= {"base_model_name_or_path": base, "target_modules": sorted(targets)}
    path.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    if bfloat16:
        file = folder / "adapter_model.safetensors"
        save_file({name: values.to(torch.bfloat16) for name, values in load_file(file).items()}, file, {"format": "pt"})


if __name__ == "__main__":
    for asked in sys.argv[1:] or ADAPTERS:
        make_adapter(asked)
