"""A model folder that cannot be used is refused before a weight is read, by a message that names what is wrong."""

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save_file

from byheart.contracts.errors import ModelError
from byheart.models.folder import ModelFolder, hash_files, open_model

CONFIG: dict[str, Any] = {
    "model_type": "llama",
    "vocab_size": 11,
    "hidden_size": 8,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "num_key_value_heads": 1,
    "intermediate_size": 12,
}
LAYER = {
    "input_layernorm": (8,),
    "self_attn.q_proj": (8, 8),
    "self_attn.k_proj": (4, 8),
    "self_attn.v_proj": (4, 8),
    "self_attn.o_proj": (8, 8),
    "post_attention_layernorm": (8,),
    "mlp.gate_proj": (12, 8),
    "mlp.up_proj": (12, 8),
    "mlp.down_proj": (8, 12),
}
SHAPES = {"model.embed_tokens.weight": (11, 8), "model.norm.weight": (8,), "lm_head.weight": (11, 8)} | {
    f"model.layers.{index}.{name}.weight": shape for index in range(2) for name, shape in LAYER.items()
}
INDEX, SINGLE = "model.safetensors.index.json", "model.safetensors"
SHARDS = ["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"]


def tensors() -> dict[str, np.ndarray]:
    random = np.random.default_rng(0)
    return {name: random.normal(size=shape).astype(np.float32) for name, shape in SHAPES.items()}


def write_model(folder: Path, weights: dict[str, np.ndarray], *, config: dict[str, Any] = CONFIG) -> Path:
    (folder / "config.json").write_text(json.dumps(config))
    save_file(weights, folder / SINGLE)
    return folder


def write_sharded(folder: Path, weights: dict[str, np.ndarray]) -> Path:
    (folder / "config.json").write_text(json.dumps(CONFIG))
    weight_map = {name: SHARDS[index % 2] for index, name in enumerate(sorted(weights))}
    for shard in SHARDS:
        save_file({name: weights[name] for name in weights if weight_map[name] == shard}, folder / shard)
    (folder / INDEX).write_text(json.dumps({"metadata": {}, "weight_map": weight_map}))
    return folder


def refusal(folder: Path) -> str:
    """The message by which opening and checking a folder ends."""
    with pytest.raises(ModelError) as caught:
        open_model(folder).check_tensors()
    message = str(caught.value)
    assert "\n" not in message
    return message


def opened(folder: Path) -> ModelFolder:
    model = open_model(folder)
    model.check_tensors()
    return model


def test_whole_checkpoint_is_accepted(tmp_path: Path) -> None:
    model = opened(write_model(tmp_path, tensors()))
    assert model.tensor_files == dict.fromkeys(SHAPES, SINGLE)
    assert model.list_weight_files() == [SINGLE]
    assert (model.decoder.kv_heads, model.decoder.head_dim) == (1, 4)


def test_sharded_checkpoint_is_accepted(tmp_path: Path) -> None:
    model = opened(write_sharded(tmp_path, tensors()))
    assert model.tensor_files.keys() == SHAPES.keys()
    assert model.list_weight_files() == SHARDS


def test_tensor_that_the_decoder_does_not_use_is_let_be(tmp_path: Path) -> None:
    extra = {"model.layers.0.self_attn.rotary_emb.inv_freq": np.ones(2, np.int8)}
    assert opened(write_model(tmp_path, tensors() | extra)).decoder.layers == 2


def test_missing_folder_is_named(tmp_path: Path) -> None:
    assert str(tmp_path / "nowhere") in refusal(tmp_path / "nowhere")


@pytest.mark.parametrize("content", [b"{", b"[]", b"", b"\xff\xfe\x00"])
@pytest.mark.parametrize("file", ["config.json", INDEX])
def test_broken_json_is_named(file: str, content: bytes, tmp_path: Path) -> None:
    write_sharded(tmp_path, tensors())
    (tmp_path / file).write_bytes(content)
    assert str(tmp_path / file) in refusal(tmp_path)


def test_folder_without_a_config_is_refused(tmp_path: Path) -> None:
    write_model(tmp_path, tensors())
    (tmp_path / "config.json").unlink()
    assert f"with config.json, found none, but {SINGLE} at {tmp_path}: name the folder that has it" in refusal(tmp_path)


def test_folder_without_safetensors_is_refused(tmp_path: Path) -> None:
    write_model(tmp_path, tensors())
    (tmp_path / SINGLE).unlink()
    message = refusal(tmp_path)
    assert str(tmp_path) in message
    assert SINGLE in message


def test_pickled_weights_are_refused_by_name(tmp_path: Path) -> None:
    write_model(tmp_path, tensors())
    (tmp_path / SINGLE).rename(tmp_path / "pytorch_model.bin")
    message = refusal(tmp_path)
    assert "pytorch_model.bin" in message
    assert "pickle" in message


@pytest.mark.parametrize("index", [{}, {"weight_map": {}}, {"weight_map": [SINGLE]}, {"weight_map": {"a": 3}}])
def test_index_without_a_weight_map_is_refused(index: dict[str, Any], tmp_path: Path) -> None:
    write_sharded(tmp_path, tensors())
    (tmp_path / INDEX).write_text(json.dumps(index))
    assert "weight_map" in refusal(tmp_path)


def test_file_that_the_index_names_and_is_not_there_is_named(tmp_path: Path) -> None:
    write_sharded(tmp_path, tensors())
    (tmp_path / SHARDS[1]).unlink()
    message = refusal(tmp_path)
    assert SHARDS[1] in message
    assert SHARDS[0] not in message


@pytest.mark.parametrize("kept", [0, 7, 100, -1])
@pytest.mark.parametrize("sharded", [False, True])
def test_truncated_file_is_named(kept: int, sharded: bool, tmp_path: Path) -> None:
    (write_sharded if sharded else write_model)(tmp_path, tensors())
    file = tmp_path / (SHARDS[1] if sharded else SINGLE)
    file.write_bytes(file.read_bytes()[:kept])
    assert str(file) in refusal(tmp_path)


def test_layers_without_end_are_refused_without_naming_their_tensors(tmp_path: Path) -> None:
    write_model(tmp_path, tensors(), config=CONFIG | {"num_hidden_layers": 10**15})
    assert "num_hidden_layers of at most 10,000, found 1000000000000000: choose another" in refusal(tmp_path)


@pytest.mark.parametrize("name", ["model.norm.weight", "lm_head.weight", "model.layers.1.mlp.up_proj.weight"])
@pytest.mark.parametrize("sharded", [False, True])
def test_missing_tensor_is_named(name: str, sharded: bool, tmp_path: Path) -> None:
    weights = tensors()
    del weights[name]
    (write_sharded if sharded else write_model)(tmp_path, weights)
    message = refusal(tmp_path)
    assert name in message
    assert f"{len(SHAPES)} tensors, found {len(SHAPES) - 1}" in message


def test_tensor_that_the_index_promises_and_its_file_lacks_is_named(tmp_path: Path) -> None:
    folder = write_sharded(tmp_path, tensors())
    index = json.loads((folder / INDEX).read_text())
    index["weight_map"]["model.norm.weight"] = SHARDS[SHARDS[0] == index["weight_map"]["model.norm.weight"]]
    (folder / INDEX).write_text(json.dumps(index))
    assert "must hold model.norm.weight, as" in refusal(folder)


def test_missing_bias_is_named(tmp_path: Path) -> None:
    write_model(tmp_path, tensors(), config=CONFIG | {"attention_bias": True})
    assert "model.layers.0.self_attn.k_proj.bias" in refusal(tmp_path)


@pytest.mark.parametrize("name", ["model.embed_tokens.weight", "model.layers.1.self_attn.k_proj.weight"])
@pytest.mark.parametrize("sharded", [False, True])
def test_wrong_shape_is_named_with_the_right_one(name: str, sharded: bool, tmp_path: Path) -> None:
    weights = tensors()
    weights[name] = weights[name].T.copy()
    (write_sharded if sharded else write_model)(tmp_path, weights)
    message = refusal(tmp_path)
    assert name in message
    assert re.search(
        re.escape(f"{list(SHAPES[name])}") + ".*found.*" + re.escape(f"{list(weights[name].shape)}"), message
    )


@pytest.mark.parametrize(("dtype", "spelt"), [(np.int8, "I8"), (np.int32, "I32")])
def test_wrong_dtype_is_named(dtype: type, spelt: str, tmp_path: Path) -> None:
    name = "model.layers.0.mlp.down_proj.weight"
    weights = tensors()
    weights[name] = weights[name].astype(dtype)
    message = refusal(write_model(tmp_path, weights))
    assert name in message
    assert re.search(rf"F32.*found.*{spelt}", message)


def test_whole_file_is_read_and_not_the_index_beside_it_and_a_line_says_so(tmp_path: Path) -> None:
    """As transformers does; vLLM reads what the index names."""
    write_sharded(tmp_path, {name: values + 1 for name, values in tensors().items()})
    model = opened(write_model(tmp_path, tensors()))
    assert model.list_weight_files() == [SINGLE]
    assert model.notices == (f"read is {SINGLE}, as by transformers; {INDEX} beside it, which vLLM follows, is not",)
    for shard in SHARDS:
        (tmp_path / shard).unlink()  # the index is left over from an earlier save
    assert opened(tmp_path).notices == model.notices


def test_what_else_another_tool_would_load_is_said(tmp_path: Path) -> None:
    auto_map = {"AutoModelForCausalLM": "modeling.Other"}
    write_model(tmp_path, tensors(), config=CONFIG | {"auto_map": auto_map})
    (tmp_path / "adapter_config.json").write_text("{}")
    adapter, code = opened(tmp_path).notices
    assert adapter == "adapter_config.json is not used: transformers with peft would load that adapter, and its base"
    assert "code of its own (auto_map), which is not run" in code
    (tmp_path / "adapter_config.json").unlink()
    assert opened(write_model(tmp_path, tensors())).notices == ()


def test_head_that_is_the_embedding_may_be_saved_twice_or_under_either_name(tmp_path: Path) -> None:
    weights, tied = tensors(), CONFIG | {"tie_word_embeddings": True}
    weights["lm_head.weight"] = weights["model.embed_tokens.weight"]
    assert opened(write_model(tmp_path, weights, config=tied)).decoder.tied_head
    del weights["model.embed_tokens.weight"]
    model = opened(write_model(tmp_path, weights, config=tied))
    assert model.names["model.embed_tokens.weight"] == "lm_head.weight"


def test_head_of_its_own_beside_a_config_that_ties_it_is_refused_with_a_remedy_that_helps(tmp_path: Path) -> None:
    message = refusal(write_model(tmp_path, tensors(), config=CONFIG | {"tie_word_embeddings": True}))
    assert "transformers 5 takes the head, older releases the embedding" in message
    assert message.endswith('write "tie_word_embeddings": false into config.json')
    untied = CONFIG | {"tie_word_embeddings": False}
    assert not opened(write_model(tmp_path, tensors(), config=untied)).decoder.tied_head


def test_missing_head_that_no_field_ties_is_refused_with_a_remedy_that_helps(tmp_path: Path) -> None:
    weights = tensors()
    del weights["lm_head.weight"]
    message = refusal(write_model(tmp_path, weights))
    assert message.endswith('if it is, write "tie_word_embeddings": true into it')
    assert opened(write_model(tmp_path, weights, config=CONFIG | {"tie_word_embeddings": True})).decoder.tied_head


def test_dtype_is_named_as_the_trouble(tmp_path: Path) -> None:
    quantised = {name: values.astype(np.int8) for name, values in tensors().items()}
    message = refusal(write_model(tmp_path, quantised))
    assert "found I8, as quantised weights are: name the model that it was made of" in message


def test_hash_of_files_changes_with_content_and_with_names() -> None:
    digests = [{"a": "1"}, {"b": "1"}, {"a": "2"}, {"a": "1", "b": "1"}, {"b": "1", "a": "1"}]
    assert len({hash_files(files) for files in digests}) == 5
