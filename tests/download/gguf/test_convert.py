"""A GGUF file is converted into the store once, wherever it lies, and is named in whatever comes of it."""

import json
from pathlib import Path

import pytest

from byheart.components.download.model import bring_model
from byheart.components.tokenize.tokenizer import load_tokenizer
from byheart.contracts.errors import ModelError
from byheart.desk.model import fetch_config
from byheart.store import open_store
from tests.conftest import MODEL
from tests.download.gguf.written import read_model, write_gguf
from tests.download.toy import asked_for, sha256
from tests.gcs import GcsServer
from tests.hub import HubServer

GOLDEN = Path(__file__).parents[2] / "extract" / "goldens" / "gqa_untied"
PARAMETERS = sum(weights.size for weights in read_model(GOLDEN)[1].values())
FLAGS = ("single_word", "lstrip", "rstrip", "normalized")
FILES = {"config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return write_gguf(tmp_path / "models" / "toy.F16.gguf", *read_model(GOLDEN), "F16")


def refusal(model: str, store: Path) -> str:
    with pytest.raises(ModelError) as caught:
        bring_model(model, str(store))
    assert caught.value.parameter == "model"
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_file_is_converted_once_and_its_folder_means_the_same(file: Path, store: str) -> None:
    found = bring_model(str(file), store)
    digest = sha256(file.read_bytes())
    assert found.address == f"{store}/models/gguf-1--toy.F16@{digest}"
    assert (found.source, found.commit, found.model_type) == (str(file), None, "llama")
    assert (found.quantisation, found.gguf_sha256, found.parameters) == ("F16", digest, PARAMETERS)
    place = open_store(found.address)
    manifest = json.loads(place.read("manifest.json"))
    assert manifest["gguf"] == {"file": "toy.F16.gguf", "sha256": digest}
    assert {name: entry["sha256"] for name, entry in manifest["files"].items()} == {
        name: sha256(place.read(name)) for name in FILES
    }
    before = {stored.name: stored.version for stored in place.list()}
    again = bring_model(str(file.parent), store)
    assert (again.weights_sha256, again.address) == (found.weights_sha256, found.address)
    assert {stored.name: stored.version for stored in place.list()} == before


def test_conversion_goes_on_after_the_pieces_that_it_kept(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("byheart.components.download.transfer.PIECE_BYTES", 4096)
    whole = bring_model(str(file), str(tmp_path / "whole"))
    data = (Path(whole.address) / "model.safetensors").read_bytes()
    store = open_store(str(tmp_path / "store"))
    folder = f"models/{Path(whole.address).name}"
    with store.grow(f"{folder}/model.safetensors", 4096) as growing:
        assert growing is not None
        for start in (0, 4096):
            growing.append(data[start : start + 4096])
    assert bring_model(str(file), str(tmp_path / "store")).weights_sha256 == whole.weights_sha256
    assert store.read(f"{folder}/model.safetensors") == data


def test_file_in_a_bucket_is_read_there(file: Path, server: GcsServer, tmp_path: Path) -> None:
    assert server
    open_store("gs://shelf/models").create("toy.F16.gguf", file.read_bytes())
    local = bring_model(str(file), str(tmp_path / "store"))
    for model in ("gs://shelf/models/toy.F16.gguf", "gs://shelf/models"):
        found = bring_model(model, str(tmp_path / "other"))
        assert (found.source, found.weights_sha256) == (model, local.weights_sha256)


def test_repository_with_one_file_is_that_file(hub: HubServer, file: Path, tmp_path: Path) -> None:
    repository = hub.add_repo("org/toy-GGUF", {"README.md": b"# Toy\n", "toy.F16.gguf": file.read_bytes()})
    commit = repository.branches["main"]
    found = bring_model("org/toy-GGUF", str(tmp_path / "store"))
    assert (found.source, found.commit) == ("org/toy-GGUF/toy.F16.gguf", commit)
    assert found.weights_sha256 == bring_model(str(file), str(tmp_path / "local")).weights_sha256
    hub.calls.clear()
    assert bring_model(f"org/toy-GGUF/toy.F16.gguf@{commit}", str(tmp_path / "store")) == found
    assert hub.calls == []


def test_repository_with_several_files_wants_one_named(hub: HubServer, file: Path, tmp_path: Path) -> None:
    other = write_gguf(tmp_path / "other.gguf", *read_model(GOLDEN), "BF16")
    hub.add_repo("org/toy-GGUF", {"a/toy.F16.gguf": file.read_bytes(), "toy.BF16.gguf": other.read_bytes()})
    assert refusal("org/toy-GGUF", tmp_path / "store") == (
        "model must name one of 2 GGUF files, found org/toy-GGUF alone: write one of org/toy-GGUF/a/toy.F16.gguf, "
        "org/toy-GGUF/toy.BF16.gguf"
    )
    found = bring_model("org/toy-GGUF/toy.BF16.gguf@main", str(tmp_path / "store"))
    assert (found.source, found.quantisation) == ("org/toy-GGUF/toy.BF16.gguf", "BF16")
    assert bring_model("org/toy-GGUF/a/toy.F16.gguf", str(tmp_path / "store")).quantisation == "F16"
    assert asked_for(hub).count("toy.BF16.gguf") == 2  # its header, and all of it
    assert "must hold b.gguf, found no such file" in refusal("org/toy-GGUF/b.gguf", tmp_path / "store")


def test_safetensors_are_preferred_to_files_beside_them(hub: HubServer, file: Path, tmp_path: Path) -> None:
    hub.add_repo("org/both", {path.name: path.read_bytes() for path in MODEL.iterdir()} | {"x.gguf": file.read_bytes()})
    assert bring_model("org/both", str(tmp_path / "store")).quantisation == ""


def test_file_without_a_known_tokenizer_takes_the_one_beside_it(tmp_path: Path) -> None:
    fields = {"tokenizer.ggml.pre": "unheard-of"}
    file = write_gguf(tmp_path / "models" / "toy.gguf", *read_model(GOLDEN), fields=fields)
    assert "say by tokenizer= where the model's own tokenizer.json is" in refusal(str(file), tmp_path / "store")
    beside = {
        "model": {"type": "BPE", "vocab": {"a": 1, "b": 2, "ab": 3}, "merges": [["a", "b"]]},
        "added_tokens": [{"id": 0, "content": "<s>", "special": True, **dict.fromkeys(FLAGS, False)}],
    }
    (file.parent / "tokenizer.json").write_text(json.dumps(beside))
    found = bring_model(str(file), str(tmp_path / "store"))
    assert [list(encoding.ids) for encoding in load_tokenizer(found.address).encode(["abab"])] == [[3, 3]]
    assert not found.address.endswith(found.gguf_sha256)
    beside["model"]["vocab"] = {"a": 2, "b": 1, "ab": 3}  # type: ignore[index]
    (file.parent / "tokenizer.json").write_text(json.dumps(beside))
    assert "must have the tokens of tokenizer.json beside it" in refusal(str(file), tmp_path / "store")


def test_other_files_and_folders_of_several_are_refused(file: Path, tmp_path: Path) -> None:
    (file.parent / "toy.Q8_0.gguf").write_bytes(b"GGUF")
    assert refusal(str(file.parent), tmp_path) == (
        f"model must name one of 2 GGUF files, found {file.parent} alone: write one of {file}, "
        f"{file.parent}/toy.Q8_0.gguf"
    )
    assert "must be a whole GGUF file" in refusal(f"{file.parent}/toy.Q8_0.gguf", tmp_path)
    (file.parent / "model.bin").write_bytes(b"x")
    assert "found the file" in refusal(f"{file.parent}/model.bin", tmp_path)


def test_plan_reads_the_configuration_alone(file: Path, hub: HubServer) -> None:
    title, config = fetch_config(str(file))
    assert (title, config["hidden_size"], config["model_type"]) == (str(file), 40, "llama")
    hub.add_repo("org/toy-GGUF", {"toy.F16.gguf": file.read_bytes()})
    for model in ("org/toy-GGUF", "org/toy-GGUF/toy.F16.gguf"):
        assert fetch_config(model) == (model, config)
