"""A family is one file and one row: a toy one, made up here, is scored like any other."""

import json
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from byheart.components.extract import checkpoint
from byheart.components.extract.sharding import use_one_device
from byheart.models.families import FAMILIES
from byheart.models.folder import open_model
from tests.extract import toy_family
from tests.extract.test_decoder import GOLDENS, TOLERANCE, golden, largest, scored


@pytest.fixture
def toy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The weights of a golden in the toy's layout, and the row that makes it known."""
    monkeypatch.setitem(FAMILIES, "toy", toy_family.FAMILY)
    held = load_file(GOLDENS["gqa_untied"] / "model.safetensors")
    tensors = {"words": held["model.embed_tokens.weight"], "last": held["model.norm.weight"]}
    tensors["head"] = held["lm_head.weight"]
    for layer in range(2):
        names = {name: f"model.layers.{layer}.{name}.weight" for name in toy_family.FROM_LLAMA}
        for name, theirs in names.items():
            tensors[f"{layer}.{toy_family.FROM_LLAMA[name]}"] = held[theirs]
        parts = [held[f"model.layers.{layer}.self_attn.{part}_proj.weight"] for part in "kqv"]
        tensors[f"{layer}.kqv"] = np.concatenate(parts)
    save_file(tensors, tmp_path / "model.safetensors")
    config: dict[str, Any] = json.loads((GOLDENS["gqa_untied"] / "config.json").read_text())
    sizes = {"rows": config["vocab_size"], "width": config["hidden_size"], "inner": config["intermediate_size"]}
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "toy", "layers": 2} | sizes))
    return tmp_path


def test_toy_family_is_scored_as_its_weights_are_in_another_layout(toy: Path) -> None:
    model = open_model(toy)
    model.check_tensors()
    params = checkpoint.load(model, jnp.float32, use_one_device())
    found = scored((model, params), golden("gqa_untied").token_ids)
    assert largest(found.log_prob - golden("gqa_untied").log_probs) < TOLERANCE
