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
from byheart.components.extract.pieces import Ahead, ReadAhead
from byheart.components.extract.sharding import use_one_device
from byheart.contracts.errors import ModelError
from byheart.models.folder import ModelFolder, open_model
from byheart.models.tensors import read_tensors
from byheart.store import open_store
from tests.extract.test_decoder import GOLDENS
from tests.models.test_folder import CONFIG, tensors

pytestmark = pytest.mark.slow

DTYPES = {"F64": np.float64, "F32": np.float32, "F16": np.float16, "BF16": ml_dtypes.bfloat16}


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
    computed = np.dtype(DTYPES["F32" if dtype == "F64" else dtype])  # devices have no 64 bits here
    params = load(model, computed, use_one_device())
    oracle = {name: values.astype(computed) for name, values in load_file(tmp_path / "model.safetensors").items()}
    found = {name: value for name, value in params.items() if name != "layers"}
    found |= {f"layers.{name}": value for name, value in params["layers"].items()}
    assert found.keys() == sources(model).keys()
    for name, names in sources(model).items():
        value = found[name]
        assert isinstance(value, jax.Array)
        assert value.dtype == computed
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
        output = held[name + "attn.c_proj.weight"].T
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


@pytest.mark.parametrize("name", ["qwen3_fp8", "gpt_oss_mxfp4"])
def test_scales_are_found_in_other_files_and_for_pieces_that_cut_blocks(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Scales lie in a file that is read before the numbers, and in one that is read after them."""
    whole = load(open_model(GOLDENS[name]), np.float32, use_one_device())
    place, kinds = open_store(str(GOLDENS[name])), DTYPES | {"F8_E4M3": ml_dtypes.float8_e4m3fn, "U8": np.uint8}
    held = {
        each: np.frombuffer(tensor.read(place), kinds[tensor.dtype]).reshape(tensor.shape)
        for each, tensor in read_tensors(place, "model.safetensors").items()
    }
    scales = sorted(each for each in held if each.endswith(("_scale_inv", "_scales")))
    places = dict.fromkeys(held, "b.safetensors")
    places |= {each: f"{'ac'[at % 2]}.safetensors" for at, each in enumerate(scales)}
    for file in set(places.values()):
        save_file({each: held[each] for each in held if places[each] == file}, tmp_path / file)
    (tmp_path / "model.safetensors.index.json").write_text(json.dumps({"weight_map": places}))
    (tmp_path / "config.json").write_text((GOLDENS[name] / "config.json").read_text())
    monkeypatch.setattr(checkpoint, "PIECE_BYTES", 500)
    model = open_model(tmp_path)
    model.check_tensors()
    jax.tree.map(np.testing.assert_array_equal, load(model, np.float32, use_one_device()), whole)


def test_scales_that_change_between_two_readings_end_the_run(tmp_path: Path) -> None:
    (tmp_path / "model.safetensors").write_bytes(bytes(range(32)))
    ahead, reads = Ahead(tensor="a", file="model.safetensors", span=(8, 12)), ReadAhead(open_store(str(tmp_path)))
    assert reads.read_all([ahead]) == [bytes(range(8, 12))]
    reads.compare(ahead, bytes(range(8, 12)))
    with pytest.raises(ModelError, match=r"must not change while it is read, found other bytes in a: run again"):
        reads.compare(ahead, bytes(4))
