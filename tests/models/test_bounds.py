"""Numbers, names and sizes of a model's files that nobody publishes are refused in a sentence, before anything is paid
for.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from byheart.contracts.errors import ModelError
from byheart.models.families import FAMILIES, find_family
from byheart.models.folder import open_model
from byheart.models.json_objects import MOST_BYTES, read_json_object
from byheart.models.tensors import read_tensors
from byheart.store.local import LocalStore
from tests.models.test_families import LEAST


def refusal(**changes: Any) -> str:
    config = LEAST | changes
    with pytest.raises(ModelError) as caught:
        find_family(config).parse_config(config)
    assert len(str(caught.value)) < 1_000
    return str(caught.value)


ONE = {"a": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}
"""A header of one number."""
YARN = {"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 2048}


@pytest.mark.parametrize(
    "changes",
    [
        {"rope_theta": 1, "rope_scaling": YARN},
        {"rope_theta": 1e-300},
        {"rope_theta": 1e300},
        {"rope_scaling": YARN | {"mscale": "x", "mscale_all_dim": 1.0}},
        {"rope_scaling": YARN | {"mscale": 1.0, "mscale_all_dim": -7.213475204444817}},
        {"rope_scaling": YARN | {"mscale": 1e15, "mscale_all_dim": 1e-15}},
        {"rope_scaling": YARN | {"mscale": [1], "mscale_all_dim": {}}},
        {"rope_scaling": YARN | {"attention_factor": 1e14}},
        {"rope_scaling": YARN | {"beta_fast": 0}},
        {"model_type": "gemma2", "num_hidden_layers": 10**9},
        {"model_type": "qwen2", "num_hidden_layers": 10**9},
        {"model_type": "gemma3_text", "num_hidden_layers": 10**9},
        {"model_type": "mixtral", "num_local_experts": 10**9},
        {"head_dim": 10**9},
        {"vocab_size": int("9" * 4_000)},
        {"max_position_embeddings": 10**400},
        {"rms_norm_eps": 10**400},
        {"hidden_act": "x" * 1_000_000},
        {"rope_scaling": {"rope_type": "longrope" * 100_000}},
        {"y" * 1_000_000: 1},
        {"unknown": ["z" * 1_000] * 1_000},
    ],
    ids=lambda changes: str(changes)[:40],
)
def test_number_that_no_model_has_is_refused_in_a_sentence(changes: dict[str, Any]) -> None:
    assert "config.json" in refusal(**changes)


def test_short_first_training_is_no_division_by_zero() -> None:
    factors = {"short_factor": [1.0] * 64, "long_factor": [1.0] * 64, "rope_type": "longrope"}
    config = LEAST | {"model_type": "phi3", "rope_scaling": factors, "original_max_position_embeddings": 1}
    rope = FAMILIES["phi3"].parse_config(config).attention[0].rope
    assert rope
    assert rope.original_positions == 1


def test_model_type_of_a_million_letters_is_shortened() -> None:
    assert "(1,000,002 characters)" in refusal(model_type="x" * 1_000_000)


def test_more_experts_than_tensors_are_refused_without_naming_them(tmp_path: Path) -> None:
    config = LEAST | {"model_type": "mixtral", "num_hidden_layers": 10_000, "num_local_experts": 10_000}
    (tmp_path / "config.json").write_text(json.dumps(config))
    write_header(
        tmp_path / "model.safetensors", {"a": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}, bytes(4)
    )
    model = open_model(tmp_path)
    with pytest.raises(
        ModelError, match=r"at least 100,000,000 tensors, for the layers and experts of config.json, found 1"
    ):
        model.check_tensors()


def write_header(path: Path, header: dict[str, Any], data: bytes = b"") -> None:
    content = json.dumps(header).encode()
    path.write_bytes(len(content).to_bytes(8, "little") + content + data)


def test_header_larger_than_its_share_is_not_read(tmp_path: Path) -> None:
    write_header(tmp_path / "a.safetensors", {"__metadata__": {"x": "y" * 5_000}})
    place = LocalStore(str(tmp_path))
    assert read_tensors(place, "a.safetensors") == {}
    with pytest.raises(ModelError, match=r"found damage .a header that does not fit"):
        read_tensors(place, "a.safetensors", 1_000)


@pytest.mark.parametrize("shape", [[1] * 100_000, [10**4_000, 10**4_000], [2**80]])
def test_shape_without_end_is_damage(shape: list[int], tmp_path: Path) -> None:
    write_header(tmp_path / "a.safetensors", {"a": {"dtype": "F32", "shape": shape, "data_offsets": [0, 4]}}, bytes(4))
    with pytest.raises(ModelError, match=r"found damage .ValueError in its header"):
        read_tensors(LocalStore(str(tmp_path)), "a.safetensors")


def test_json_file_has_a_size_and_a_depth(tmp_path: Path) -> None:
    place = LocalStore(str(tmp_path))
    with (tmp_path / "large.json").open("wb") as file:
        file.truncate(MOST_BYTES + 1)  # a hole, which takes no room
    with pytest.raises(ModelError, match="must have at most 32,000,000 bytes, found 32,000,001: fetch"):
        read_json_object(place, "large.json")
    (tmp_path / "deep.json").write_text('{"a":' * 200 + "1" + "}" * 200)
    with pytest.raises(ModelError, match="found ValueError: more than 50 lists and objects within one another"):
        read_json_object(place, "deep.json")
