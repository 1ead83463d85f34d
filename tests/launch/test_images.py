import json
from pathlib import Path

import pytest

from byheart.contracts.errors import SettingsError
from byheart.launch.images import (
    NAMES,
    ImageError,
    build_images,
    describe_outdated_push,
    find_commit,
    find_image_reference,
    list_image_references,
    push_images,
)


def test_images_without_a_registry_are_tagged_by_commit() -> None:
    at = find_commit()
    assert at
    references = list_image_references("cuda12", Path("nowhere.json"))
    assert references == {name: f"byheart-{name}:{at}" for name in NAMES} | {"extract": f"byheart-extract:{at}-cuda12"}


@pytest.fixture
def digests(tmp_path: Path) -> Path:
    """What a push has written."""
    path = tmp_path / "digests.json"
    images = {name: f"registry/byheart-{name}@sha256:{'0' * 64}" for name in NAMES}
    path.write_text(json.dumps({"commit": "c", "images": images}))
    return path


def test_images_that_were_pushed_are_named_by_digest(digests: Path) -> None:
    assert list_image_references("tpu", digests) == {
        name: f"registry/byheart-{name}@sha256:{'0' * 64}" for name in NAMES
    }


def test_flavour_that_was_not_pushed_is_refused(digests: Path) -> None:
    with pytest.raises(
        SettingsError, match=r"found none of 'extract-cuda12': write it with `byheart images --push .* --jax cuda12`"
    ):
        list_image_references("cuda12", digests)


@pytest.mark.parametrize("content", ["[]", "no JSON", '{"images": {"plan": "registry/byheart-plan:latest"}}'])
def test_digests_of_another_content_are_refused(digests: Path, content: str) -> None:
    digests.write_text(content)
    with pytest.raises(SettingsError, match="found another content"):
        find_image_reference("plan", "tpu", digests)


def test_flavour_that_does_not_exist_is_refused() -> None:
    with pytest.raises(SettingsError, match="--jax must be one of tpu, cuda12, cpu; found 'rocm'"):
        list_image_references("rocm")


@pytest.mark.parametrize("registry", ["", "https://registry/folder"])
def test_registry_must_be_named_without_a_scheme(registry: str) -> None:
    with pytest.raises(SettingsError, match="--push must name a registry and a path"):
        push_images(registry, "tpu")


def test_machine_without_docker_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("byheart.launch.images.shutil.which", lambda _: None)
    with pytest.raises(ImageError, match="images need Docker, found none"):
        build_images("tpu")


def test_commit_that_pip_installed_from_git_is_known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    about = tmp_path / "byheart-9.9.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Name: byheart\nVersion: 9.9\n")
    vcs = {"vcs": "git", "commit_id": "c" * 40}
    (about / "direct_url.json").write_text(json.dumps({"url": "file:///somewhere", "vcs_info": vcs}))
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr("byheart.launch.images.ROOT", tmp_path)  # no checkout
    assert find_commit() == "c" * 40
    (about / "direct_url.json").unlink()
    assert find_commit() is None


@pytest.fixture
def broken_checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout whose git cannot be read, as one that another user owns."""
    (tmp_path / ".git").write_text("gitdir: /nowhere\n", encoding="utf-8")
    monkeypatch.setattr("byheart.launch.images.ROOT", tmp_path)
    return tmp_path


@pytest.mark.usefixtures("broken_checkout")
def test_git_that_fails_is_not_a_checkout_without_changes(digests: Path) -> None:
    why = "git says: not a git repository: /nowhere"
    assert str(describe_outdated_push(digests)).endswith(f"whether the stages have changed since is not known: {why}")
    with pytest.raises(ImageError, match=f"found that {why}: mend that"):
        push_images("registry/path", "tpu")


def test_commit_that_git_does_not_give_is_said(broken_checkout: Path, capsys: pytest.CaptureFixture[str]) -> None:
    find_commit()
    said = f"the commit of {broken_checkout} is not recorded: git says: not a git repository: /nowhere\n"
    assert capsys.readouterr().err == said
    find_commit()
    assert capsys.readouterr().err == "", "once"
