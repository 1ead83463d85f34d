"""Random checkpoints of any family, as transformers writes them, and what transformers computes with them."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import torch  # type: ignore[import-not-found]
from transformers import AutoConfig, AutoModelForCausalLM, AutoModelForImageTextToText
from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING_NAMES

GAIN = 1.2
"""Of a random matrix. More would magnify rounding: at 2.2, float32 and float64 in transformers differ by 1e-4."""


def write_random_model(folder: Path, config: dict[str, Any], random: np.random.Generator, dtype: torch.dtype) -> None:
    """Write a checkpoint whose weights are large enough for every feature to show in the scores; config.json stays as
    it is given, whatever transformers would make of it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    content = json.dumps(config, indent=2) + "\n"
    (folder / "config.json").write_text(content, encoding="utf-8")
    described = AutoConfig.from_pretrained(folder)
    model = _choose_class(described).from_config(described, dtype=torch.float32)
    adds_one = config["model_type"].startswith(("gemma", "vaultgemma", "nemotron", "qwen3_next", "qwen3_5"))
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            shape = tuple(parameter.shape)
            if ("norm" in name or ".ln_" in name) and name.endswith("weight"):
                values = random.uniform(0.5, 1.5, shape) - (adds_one and "linear_attn" not in name)
            elif shape[0] == model.config.get_text_config().vocab_size:
                values = random.normal(0.0, 0.3, shape)
            else:
                values = random.normal(0.0, GAIN / shape[-1] ** 0.5 if len(shape) > 1 else 0.25, shape)
            parameter.copy_(torch.tensor(values, dtype=torch.float32))
        for name, buffer in model.named_buffers():
            if name.endswith("e_score_correction_bias"):
                buffer.copy_(torch.tensor(random.normal(0.0, 0.2, tuple(buffer.shape)), dtype=torch.float32))
    model.to(dtype).save_pretrained(folder)
    (folder / "config.json").write_text(content, encoding="utf-8")
    (folder / "generation_config.json").unlink(missing_ok=True)


def transformers_scores(folder: Path, token_ids: np.ndarray) -> dict[str, Any]:
    """What transformers computes for each token but the first of `token_ids` [N, T]."""
    return compute_scores(load_model(folder), token_ids)


def load_model(folder: Path) -> Any:
    """The model in a folder, in float32."""
    eager = {"attn_implementation": "eager", "experts_implementation": "eager"}
    auto = _choose_class(AutoConfig.from_pretrained(folder))
    model, loaded = auto.from_pretrained(folder, dtype=torch.float32, output_loading_info=True, **eager)
    amiss = {kind: names for kind, names in loaded.items() if names}
    if amiss:
        raise RuntimeError(f"transformers must find exactly the tensors it wants in {folder.name}, found {amiss}")
    return model.float().eval()  # beside quantised weights others stay in 16 bits


def compute_scores(model: Any, token_ids: np.ndarray) -> dict[str, Any]:
    """What a model computes for each token but the first of `token_ids` [N, T]."""
    with torch.inference_mode():
        ids = torch.tensor(token_ids, dtype=torch.int64)
        logits = model(ids).logits[:, :-1]
        targets = ids[:, 1:, None]
        log_probs = torch.log_softmax(logits, dim=-1).gather(-1, targets)[..., 0]
        ranks = (logits > logits.gather(-1, targets)).sum(-1)
    return {
        "token_ids": token_ids.astype(np.int32),
        "log_probs": log_probs.numpy().astype(np.float32),
        "ranks": ranks.numpy().astype(np.int32),
    }


def _choose_class(config: Any) -> Any:
    """What makes a model: some that see have no class for text alone."""
    is_text = config.model_type in MODEL_FOR_CAUSAL_LM_MAPPING_NAMES
    return AutoModelForCausalLM if is_text else AutoModelForImageTextToText
