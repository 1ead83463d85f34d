"""What is something else than a model is called by its name, with a step that helps, taken where it can be."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.models.test_folder import CONFIG, SHARDS, SINGLE, opened, refusal, tensors, write_model, write_sharded

POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"0" * 64 + b"\nsize 35752\n"
COMMITS = ("1" * 40, "2" * 40)


def touched(folder: Path, *names: str, **contents: Any) -> Path:
    """Empty files, and JSON files by their names without the ending."""
    for name in names:
        (folder / name).touch()
    for name, content in contents.items():
        (folder / f"{name}.json").write_text(json.dumps(content))
    return folder


def test_adapter_is_called_so_and_its_base_named(tmp_path: Path) -> None:
    touched(tmp_path, "adapter_model.safetensors", adapter_config={"base_model_name_or_path": "org/base"})
    message = refusal(tmp_path)
    assert f"found an adapter of org/base at {tmp_path}: merge it into its base" in message
    assert "found only an adapter of org/base: merge it" in refusal(touched(tmp_path, config=CONFIG))


@pytest.mark.parametrize("above", [0, 1])
def test_root_of_the_cache_is_refused_with_the_folder_of_main(above: int, tmp_path: Path) -> None:
    root = tmp_path / "models--org--name"
    for commit in COMMITS:
        (root / "snapshots" / commit).mkdir(parents=True)
        write_model(root / "snapshots" / commit, tensors())
    (root / "refs").mkdir()
    (root / "refs" / "main").write_text(COMMITS[1])
    message = refusal(tmp_path if above else root)
    assert "and 1 other folders at" in message
    folder = Path(message.rpartition(": name ")[2])
    assert opened(folder).decoder.layers == 2
    assert above or folder.name == COMMITS[1]


def test_pointer_is_called_so_wherever_it_stands(tmp_path: Path) -> None:
    for file in ("config.json", SINGLE, "model.safetensors.index.json", SHARDS[0]):
        folder = tmp_path / file.replace(".", "-")
        folder.mkdir()
        (write_model if file == SINGLE else write_sharded)(folder, tensors())
        whole = folder / file
        kept = shutil.move(whole, tmp_path / file)
        whole.write_bytes(POINTER)
        message = refusal(folder)
        assert f"{whole} must be the file itself, found a Git LFS pointer to it: run `git lfs install` and" in message
        shutil.move(kept, whole)  # as `git lfs pull` does
        assert opened(folder)


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (["consolidated.safetensors"], "found only consolidated.safetensors: name the same model in Hugging Face's"),
        ([SHARDS[0]], f"found only parts of it, as {SHARDS[0]}: fetch the model again"),
        (["tf_model.h5"], "found only tf_model.h5: convert or fetch"),
        (["pytorch_model.bin", "consolidated.safetensors"], "found only consolidated.safetensors"),
        ([], "found none: bring the weights beside config.json"),
    ],
)
def test_weights_in_another_layout_are_named(names: list[str], said: str, tmp_path: Path) -> None:
    assert said in refusal(touched(tmp_path, *names, config=CONFIG))


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"model_index": {}}, "found a pipeline of diffusers at"),
        ({"params": {}}, "found params.json, the layout of the model's authors at"),
    ],
)
def test_folder_of_another_kind_is_called_so(files: dict[str, Any], said: str, tmp_path: Path) -> None:
    assert said in refusal(touched(tmp_path, **files))
