"""Tensors are found under every name that transformers takes for them, and under no two at once."""

import re
from pathlib import Path

import numpy as np
import pytest

from byheart.models.families import FAMILIES
from byheart.models.names import find_names
from byheart.store import open_store
from byheart.verification.weights import Weights
from tests.models.test_folder import CONFIG, SHAPES, opened, refusal, tensors, write_model

TEXT = {name: value for name, value in CONFIG.items() if name != "model_type"} | {"head_dim": 4}
GEMMA = {"model_type": "gemma3", "text_config": TEXT | {"model_type": "gemma3_text", "tie_word_embeddings": False}}
NORMS = ("pre_feedforward_layernorm", "post_feedforward_layernorm")


def gemma() -> dict[str, np.ndarray]:
    """The tensors of Gemma 3's text model, by the names of the text model alone."""
    layers = {f"model.layers.{layer}.{name}.weight": np.ones(8, np.float32) for layer in (0, 1) for name in NORMS}
    heads = {
        f"model.layers.{layer}.self_attn.{name}_norm.weight": np.ones(4, np.float32)
        for layer in (0, 1)
        for name in ("q", "k")
    }
    return tensors() | layers | heads


@pytest.mark.parametrize(
    ("before", "head"),
    [
        ("language_model.model.", "language_model.lm_head.weight"),  # as published
        ("model.language_model.", "lm_head.weight"),  # as transformers 5 has it in memory
        ("language_model.", "lm_head.weight"),  # the base model, saved alone
        ("model.", "lm_head.weight"),
    ],
)
@pytest.mark.parametrize("wrapped", [True, False])
def test_text_model_is_found_under_each_name_that_a_wrapper_gives_it(
    before: str, head: str, wrapped: bool, tmp_path: Path
) -> None:
    config = GEMMA if wrapped else GEMMA["text_config"]
    assert isinstance(config, dict)
    weights = {re.sub(r"^model\.", before, name): values for name, values in gemma().items()}
    weights[head] = weights.pop("lm_head.weight")
    seen = {"vision_tower.vision_model.encoder.layers.0.self_attn.q_proj.weight": np.zeros((3, 3), np.float32)}
    model = opened(write_model(tmp_path, weights | seen, config=config))
    headers = model.read_tensor_headers()
    own = "language_model." * wrapped
    for name, values in gemma().items():
        np.testing.assert_array_equal(
            np.frombuffer(headers[own + name].read(model.place), np.float32), values.ravel(), err_msg=name
        )
        # The decoder of `byheart verify` finds the same by its own code.
        np.testing.assert_array_equal(Weights(open_store(str(tmp_path)), own).read(name), values)


def test_base_model_without_the_first_word_is_found(tmp_path: Path) -> None:
    weights = {name.removeprefix("model."): values for name, values in tensors().items()}
    model = opened(write_model(tmp_path, weights))
    assert model.tensor_files.keys() == SHAPES.keys()
    assert model.names["model.layers.1.mlp.up_proj.weight"] == "layers.1.mlp.up_proj.weight"


def test_head_of_gpt_neox_has_two_names() -> None:
    sources = FAMILIES["gpt_neox"].sources
    names = ["lm_head.weight", "layers.0.attention.dense.bias", "gpt_neox.embed_in.weight"]
    assert find_names(sources, names, tied_head=False) == {
        "embed_out.weight": "lm_head.weight",
        "gpt_neox.layers.0.attention.dense.bias": "layers.0.attention.dense.bias",
        "gpt_neox.embed_in.weight": "gpt_neox.embed_in.weight",
    }


def test_tensor_under_two_names_is_refused_with_both(tmp_path: Path) -> None:
    message = refusal(write_model(tmp_path, tensors() | {"layers.1.mlp.up_proj.weight": np.zeros(3, np.float32)}))
    assert "found it as layers.1.mlp.up_proj.weight and as model.layers.1.mlp.up_proj.weight" in message
