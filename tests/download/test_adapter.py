"""Adapters come with their base, whatever names it, get scores of their own, and are refused where they do not fit."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from byheart.components.download.model import Reading, bring_model
from byheart.contracts.errors import ByheartError, MisfitError, ModelError
from byheart.contracts.model import Model
from byheart.desk.model import fetch_config
from byheart.models.adapted import open_described_model
from byheart.models.folder import hash_files
from tests.download.toy import asked_for, sha256
from tests.extract.test_adapters import ADAPTERS, find_base
from tests.hub import HubServer

FILES = ("adapter_config.json", "adapter_model.safetensors")
Change = Callable[[dict[str, Any], dict[str, np.ndarray]], object]


def read(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir()) if path.suffix != ".npz"}


def write_adapter(folder: Path, name: str = "llama_ranks", change: Change = lambda *_: None) -> Path:
    """A copy of an adapter whose base is named by its path, with a change."""
    config = json.loads((ADAPTERS[name] / FILES[0]).read_text())
    tensors = load_file(ADAPTERS[name] / FILES[1])
    config["base_model_name_or_path"] = str(find_base(name))
    change(config, tensors)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / FILES[0]).write_text(json.dumps(config))
    save_file(tensors, folder / FILES[1])
    return folder


def refusal(folder: Path, tmp_path: Path, **reading: Any) -> str:
    with pytest.raises(ByheartError) as caught:
        bring_model(str(folder), str(tmp_path / "store"), Reading(**reading))
    return str(caught.value)


def test_folder_names_its_base_and_has_a_hash_of_its_own(tmp_path: Path) -> None:
    base, folder = find_base("llama_ranks"), write_adapter(tmp_path / "poet")
    plain, found = (bring_model(str(path), str(tmp_path / "store")) for path in (base, folder))
    assert found.adapter
    assert (found.source, found.short_name, found.address) == (str(folder), "poet", str(base))
    assert (found.adapter.base, found.adapter.short_base) == (str(base), base.name)
    assert found.adapter.title == "LoRA of rank 2 to 6"
    digests = {name: sha256((folder / name).read_bytes()) for name in FILES}
    assert found.adapter.sha256 == hash_files(digests)
    assert found.parameters == plain.parameters
    assert len({plain.weights_sha256, found.weights_sha256}) == 2
    again = write_adapter(tmp_path / "again", change=lambda config, _: config.update(lora_alpha=10))
    assert bring_model(str(again), str(tmp_path / "store")).weights_sha256 != found.weights_sha256
    assert open_described_model(found).changes
    assert fetch_config(str(folder))[1]["model_type"] == "llama"


def test_adapter_that_changed_since_it_was_hashed_is_not_scored(tmp_path: Path) -> None:
    from byheart.components.extract.checkpoint import load
    from byheart.components.extract.sharding import use_one_device

    folder = write_adapter(tmp_path / "poet")
    model = bring_model(str(folder), str(tmp_path / "store"))
    load(open_described_model(model), np.float32, use_one_device())
    data = bytearray((folder / FILES[1]).read_bytes())
    data[-1] ^= 1
    (folder / FILES[1]).write_bytes(bytes(data))
    with pytest.raises(
        ModelError, match=r"adapter_model\.safetensors must hold the bytes that were hashed for this run"
    ):
        load(open_described_model(model), np.float32, use_one_device())
    (folder / FILES[0]).write_bytes((folder / FILES[0]).read_bytes() + b" ")
    with pytest.raises(ModelError, match=r"adapter_config\.json must hold the bytes that were hashed"):
        open_described_model(model)


def add_both(hub: HubServer) -> tuple[str, str]:
    """An adapter and its base on the Hub, at the commits that are returned."""
    from tests.conftest import MODEL

    base = read(find_base("llama_ranks")) | {"tokenizer.json": (MODEL / "tokenizer.json").read_bytes()}
    config = json.loads((ADAPTERS["llama_ranks"] / FILES[0]).read_text()) | {"base_model_name_or_path": "org/base"}
    files = read(ADAPTERS["llama_ranks"]) | {FILES[0]: json.dumps(config).encode(), "README.md": b"a poet"}
    return hub.add_repo("org/poet", files).branches["main"], hub.add_repo("org/base", base).branches["main"]


def test_adapter_of_the_hub_is_fetched_with_its_base_and_both_are_kept_at_their_commits(
    hub: HubServer, tmp_path: Path
) -> None:
    commit, base_commit = add_both(hub)
    store = str(tmp_path / "store")
    found = bring_model("org/poet", store)
    assert found.adapter
    assert (found.source, found.commit, found.short_name) == ("org/poet", commit, "org/poet")
    assert (found.adapter.base, found.adapter.base_commit) == ("org/base", base_commit)
    assert found.address == f"{store}/models/org--base@{base_commit}"
    assert found.adapter_address == f"{store}/models/adapter--org--poet@{commit}"
    assert "README.md" not in asked_for(hub)
    assert bring_model(str(write_adapter(tmp_path / "poet")), store).weights_sha256 != found.weights_sha256
    hub.calls.clear()
    pinned = bring_model(f"org/poet@{commit}", store, Reading(base=f"org/base@{base_commit}"))
    assert pinned == found
    assert hub.calls == []
    assert fetch_config("org/poet")[1]["model_type"] == "llama"


def test_adapter_that_does_not_fit_is_refused_before_weights_are_fetched(hub: HubServer, tmp_path: Path) -> None:
    add_both(hub)
    other = read(find_base("llama_dora_biases_sharded"))
    hub.add_repo("org/base", other | {"tokenizer.json": b"{}"})
    with pytest.raises(MisfitError, match=r"must change matrices of its base, found .* say by base= which model"):
        bring_model("org/poet", str(tmp_path / "store"))
    assert not list((tmp_path / "store").glob("models/org--base*"))


def test_other_base_is_taken_where_it_is_given(hub: HubServer, tmp_path: Path) -> None:
    lost = write_adapter(tmp_path / "lost", change=lambda config, _: config.update(base_model_name_or_path="/nowhere"))
    message = refusal(lost, tmp_path)
    assert message.startswith(
        f"the base of the adapter {lost} must be a model, found /nowhere, of which: model must be"
    )
    assert message.endswith("to take another, say which by base=")
    base = find_base("llama_ranks")
    found = bring_model(str(lost), str(tmp_path / "store"), Reading(base=str(base)))
    assert found.adapter
    assert (found.address, found.adapter.base) == (str(base), str(base))
    unnamed = write_adapter(tmp_path / "unnamed", change=lambda config, _: config.pop("base_model_name_or_path"))
    assert "found no base_model_name_or_path: say by base=" in refusal(unnamed, tmp_path)
    assert bring_model(str(unnamed), str(tmp_path / "store"), Reading(base=str(base))).adapter
    assert "the base must be a whole model, found the adapter" in refusal(lost, tmp_path, base=str(unnamed))
    revised = {"base_model_name_or_path": "org/base", "revision": "v9"}
    add_both(hub)
    of_hub = write_adapter(tmp_path / "of-hub", change=lambda config, _: config.update(revised))
    assert "found org/base@v9, of which: " in refusal(of_hub, tmp_path)


def zero(part: str) -> Change:
    def change(_: object, tensors: dict[str, np.ndarray]) -> None:
        for name in tensors:
            if part in name:
                tensors[name] = np.zeros_like(tensors[name])

    return change


def rename(config: dict[str, Any], tensors: dict[str, np.ndarray]) -> None:
    for name in list(tensors):
        tensors[name.replace("v_proj", "w_proj")] = tensors.pop(name)
    config["target_modules"].append("w_proj")


def widen(_: object, tensors: dict[str, np.ndarray]) -> None:
    for name in tensors:
        if "down_proj.lora_A" in name:
            tensors[name] = np.ones((len(tensors[name]), 7), np.float32)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (zero("lora_B"), "must change a weight, found every B or A in it 0"),
        (zero("lora_A"), "must change a weight, found every B or A in it 0"),
        (rename, "w_proj.weight, which the base has not"),
        (widen, "down_proj as ["),
        (lambda config, _: config.update(peft_type="IA3"), "must have peft_type 'LORA', found 'IA3': merge it into"),
        (lambda config, _: config.update(peft_type="PROMPT_TUNING"), "feeds numbers before the text: it cannot be"),
        (lambda config, _: config.update(init_lora_weights="pissa"), "found 'pissa': merge it into its base"),
        (lambda config, _: config.update(r=5), "A and B of rank 5, as adapter_config.json says"),
        (lambda config, _: config.update(target_parameters=["experts.up"]), "found target_parameters=['experts.up']"),
        (lambda config, _: config.update(alora_invocation_tokens=[1]), "found alora_invocation_tokens=[1]"),
        (lambda config, _: config.update(rank_pattern={"(a+)+$": 2}), "must have names of modules in rank_pattern"),
        (lambda config, _: config.update(target_modules=["q_proj"]), "which peft would leave as it is"),
        (lambda config, _: config.update(layers_to_transform=[0]), "which peft would leave as it is"),
        (lambda config, _: config.update(use_dora=True), "must hold A and B and magnitude of"),
        (lambda _, tensors: tensors.update(x=np.ones(2)), "must hold tensors that LoRA uses, found x"),
        (lambda _, tensors: tensors.popitem(), "found "),
    ],
)  # fmt: skip
def test_what_cannot_be_merged_is_refused_by_name(change: Change, said: str, tmp_path: Path) -> None:
    assert said in refusal(write_adapter(tmp_path / "poet", change=change), tmp_path)


def test_field_of_unknown_meaning_is_left_out_as_the_user_says(tmp_path: Path) -> None:
    folder = write_adapter(tmp_path / "poet", change=lambda config, _: config.update(some_new_trick=3))
    assert "run with ignore_fields=some_new_trick" in refusal(folder, tmp_path)
    found = bring_model(str(folder), str(tmp_path / "store"), Reading(ignored=("some_new_trick",)))
    assert found.ignored_fields == ("some_new_trick",)
    assert open_described_model(found).changes


def test_saved_tensors_alone_are_an_adapter_if_they_differ_from_the_base(tmp_path: Path) -> None:
    base = load_file(find_base("llama_tables_saved") / "model.safetensors")

    def save_norm(factor: float) -> Change:
        def change(_: object, tensors: dict[str, np.ndarray]) -> None:
            tensors.clear()
            norm = base["model.norm.weight"].astype(np.float32)
            tensors["base_model.model.model.norm.weight"] = factor * norm

        return change

    same, other = (write_adapter(tmp_path / str(f), "llama_tables_saved", save_norm(f)) for f in (1.0, 2.0))
    assert "must change a weight" in refusal(same, tmp_path)
    found: Model = bring_model(str(other), str(tmp_path / "store"))
    assert found.adapter
    assert found.adapter.title == "LoRA"


def test_adapter_of_the_head_of_a_tied_base_is_refused_with_a_remedy_that_helps(tmp_path: Path) -> None:
    """As peft would change the head alone; a base that holds both matrices is measured so."""
    tied = shutil.copytree(find_base("llama_tables_saved"), tmp_path / "tied")
    tensors = load_file(tied / "model.safetensors")
    config = json.loads((tied / "config.json").read_text())

    def write_base(**change: Any) -> None:
        (tied / "config.json").write_text(json.dumps(config | change))
        save_file(tensors, tied / "model.safetensors")

    tensors["lm_head.weight"] = tensors["model.embed_tokens.weight"].copy()
    write_base(tie_word_embeddings=True)
    folder = write_adapter(tmp_path / "poet", "llama_tables_saved")
    message = refusal(folder, tmp_path, base=str(tied))
    assert "embedding and head at once in the base" in message
    assert message.endswith('with "tie_word_embeddings": false in config.json')
    write_base(tie_word_embeddings=False)
    assert bring_model(str(folder), str(tmp_path / "store"), Reading(base=str(tied))).adapter


def test_pickled_adapter_is_refused_with_the_step_that_helps(tmp_path: Path) -> None:
    folder = write_adapter(tmp_path / "poet")
    (folder / FILES[1]).rename(folder / "adapter_model.bin")
    message = refusal(folder, tmp_path)
    assert "found only adapter_model.bin, which is pickle and can run code: write it as safetensors, as Auto" in message
