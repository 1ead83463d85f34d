"""What the text of `model` names."""

from pathlib import Path

import pytest

from byheart.contracts.errors import SettingsError
from byheart.models.address import HubAddress
from byheart.models.known import KNOWN

LLAMA = KNOWN["llama-3.1-8b"]


@pytest.mark.parametrize(
    ("model", "repository", "revision"),
    [
        ("org/toy", "org/toy", "main"),
        ("org/toy@v1.0", "org/toy", "v1.0"),
        ("org/toy@refs/pr/3", "org/toy", "refs/pr/3"),
        ("org/toy@0a1b2c3", "org/toy", "0a1b2c3"),
        ("org/toy@odd@branch", "org/toy", "odd@branch"),
        ("llama-3.1-8b", LLAMA.repository, LLAMA.revision),
        ("llama-3.1-8b@main", LLAMA.repository, "main"),
    ],
)
def test_repository_is_at_the_revision_behind_its_at(model: str, repository: str, revision: str) -> None:
    hub = HubAddress.parse(model)
    assert hub is not None
    assert (hub.repository, hub.revision) == (repository, revision)


@pytest.mark.parametrize(
    "model", ["gs://a/toy", "gs://a/toy@main", "/no/such@folder", "./models/toy@2", "./toy", "../toy", "toy@2", "@toy"]
)
def test_path_of_a_folder_is_no_repository_even_with_an_at_in_it(model: str) -> None:
    assert HubAddress.parse(model) is None


def test_folder_that_is_there_is_one_whatever_it_is_called(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("org/toy@main", "llama-3.1-8b"):
        (tmp_path / name).mkdir(parents=True)
        assert HubAddress.parse(name) is None
    assert HubAddress.parse("org/other@main") is not None


def test_gguf_file_of_a_repository_is_named_behind_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for model in ("org/toy-GGUF/a/toy.Q4_0.gguf@v1", "org/toy/toy.gguf"):
        hub = HubAddress.parse(model)
        assert hub is not None
        assert f"{hub.repository}/{hub.file}" == model.partition("@")[0]
        assert hub.revision == (model.partition("@")[2] or "main")
    assert HubAddress.parse("org/toy/toy.bin") is None
    assert HubAddress.parse("org/a/../../b.gguf/") is None
    monkeypatch.chdir(tmp_path)
    (tmp_path / "org" / "toy").mkdir(parents=True)
    (tmp_path / "org" / "toy" / "toy.gguf").touch()
    assert HubAddress.parse("org/toy/toy.gguf") is None


def test_revision_of_a_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "toy").mkdir()
    with pytest.raises(SettingsError, match="model must name no revision of a folder, found 'main' behind") as caught:
        HubAddress.parse(f"{tmp_path}/toy@main")
    assert caught.value.parameter == "model"


@pytest.mark.parametrize("model", ["org/toy@", "llama-3.1-8b@"])
def test_revision_that_is_empty_is_refused(model: str) -> None:
    with pytest.raises(SettingsError, match=f"a branch, a tag or a commit behind @, found {model}: give one"):
        HubAddress.parse(model)
