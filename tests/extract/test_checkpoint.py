"""Weights are the same wherever their files lie, and as the safetensors library reads them."""

import json
from pathlib import Path

import jax
import ml_dtypes
import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from byheart.components.extract import checkpoint
from byheart.components.extract.checkpoint import load
from byheart.components.extract.sharding import use_one_device
from byheart.models.folder import ModelFolder, open_model
from byheart.store import open_store
from tests.extract.test_decoder import GOLDENS
from tests.models.test_folder import CONFIG, tensors

pytestmark = pytest.mark.slow

DTYPES = {"F32": np.float32, "F16": np.float16, "BF16": ml_dtypes.bfloat16}


def sources(model: ModelFolder) -> dict[str, list[str]]:
    """The tensors in the checkpoint that each parameter is made of."""
    whole = model.describe_parameters()
    layer = whole.pop("layers")
    return {name: [parameter.source] for name, parameter in whole.items()} | {
        f"layers.{name}": [parameter.source.format(layer=index) for index in range(model.decoder.layers)]
        for name, parameter in layer.items()
    }


@pytest.mark.parametrize("dtype", DTYPES)
def test_weights_are_those_that_the_library_reads(dtype: str, address: str, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps(CONFIG))
    weights = {name: values.astype(DTYPES[dtype]) for name, values in tensors().items()}
    save_file(weights, tmp_path / "model.safetensors")
    place = open_store(address)
    for name in ("config.json", "model.safetensors"):
        place.create(name, (tmp_path / name).read_bytes())
    model = open_model(address)
    params = load(model, DTYPES[dtype], use_one_device())
    oracle = load_file(tmp_path / "model.safetensors")
    found = {name: value for name, value in params.items() if name != "layers"}
    found |= {f"layers.{name}": value for name, value in params["layers"].items()}
    assert found.keys() == sources(model).keys()
    for name, names in sources(model).items():
        value = found[name]
        assert isinstance(value, jax.Array)
        assert value.dtype == DTYPES[dtype]
        assert np.asarray(value).tobytes() == b"".join(oracle[source].tobytes() for source in names), name


def test_transposed_tensor_is_turned_piece_by_piece(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkpoint, "PIECE_BYTES", 1000)
    folder = GOLDENS["gpt2_tied_unscaled"]
    params = load(open_model(folder), np.float32, use_one_device())
    held = {name: values.astype(np.float32) for name, values in load_file(folder / "model.safetensors").items()}
    np.testing.assert_array_equal(params["positions"], held["transformer.wpe.weight"])
    for layer in range(2):
        name = f"transformer.h.{layer}."
        parts = np.split(held[name + "attn.c_attn.weight"].T.reshape(12, 6, 24), 3)
        for kind, part in zip(("query", "key", "value"), parts, strict=True):
            np.testing.assert_array_equal(params["layers"][kind][layer], part)
        output = held[name + "attn.c_proj.weight"].T.reshape(24, 4, 6)
        np.testing.assert_array_equal(params["layers"]["output"][layer], output)
        np.testing.assert_array_equal(params["layers"]["down"][layer], held[name + "mlp.c_proj.weight"].T)


@pytest.mark.parametrize("name", ["qwen3_moe_mixed_layers_old", "qwen2_moe_shared_new"])
def test_experts_that_share_a_tensor_are_those_that_have_one_each(name: str, tmp_path: Path) -> None:
    weights = {
        each: values.astype(np.float32) for each, values in load_file(GOLDENS[name] / "model.safetensors").items()
    }
    config = json.loads((GOLDENS[name] / "config.json").read_text())
    apart = load(open_model(GOLDENS[name]), np.float32, use_one_device())
    for layer in range(config["num_hidden_layers"]):
        block = f"model.layers.{layer}.mlp.experts."
        if f"{block}0.up_proj.weight" not in weights:
            continue
        gate, up, down = (
            np.stack([weights.pop(f"{block}{at}.{each}_proj.weight") for at in range(config["num_experts"])])
            for each in ("gate", "up", "down")
        )
        weights |= {f"{block}gate_up_proj": np.concatenate([gate, up], axis=1), f"{block}down_proj": down}
    (tmp_path / "config.json").write_text(json.dumps(config))
    save_file(weights, tmp_path / "model.safetensors")
    model = open_model(tmp_path)
    model.check_tensors()
    jax.tree.map(np.testing.assert_array_equal, load(model, np.float32, use_one_device()), apart)
