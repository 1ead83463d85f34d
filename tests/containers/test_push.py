"""Images in a registry: Debian's, on this machine."""

import contextlib
import json
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from byheart.launch.images import NAMES
from tests.conftest import ROOT
from tests.containers.conftest import base_image


@pytest.fixture
def registry(client: Any, tmp_path: Path) -> Iterator[str]:
    """The address of an empty one; what is called after it, here, is so no longer when it ends."""
    program = shutil.which("docker-registry")
    if not program:
        pytest.skip("no docker-registry: install Debian's package of that name")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    config = {
        "version": 0.1,
        "log": {"level": "error", "accesslog": {"disabled": True}},
        "storage": {"filesystem": {"rootdirectory": str(tmp_path / "registry")}},
        "http": {"addr": address},
    }
    (tmp_path / "registry.yml").write_text(yaml.safe_dump(config))
    with (tmp_path / "registry.log").open("w") as log:
        serving = subprocess.Popen([program, "serve", tmp_path / "registry.yml"], stdout=log, stderr=log)
    try:
        for _ in range(300):
            with contextlib.suppress(OSError), urllib.request.urlopen(f"http://{address}/v2/"):
                break
            time.sleep(0.1)
        else:
            raise AssertionError((tmp_path / "registry.log").read_text())
        yield address
    finally:
        serving.terminate()
        serving.wait()
        for image in client.images.list():
            for tag in image.tags:
                if tag.startswith(address):
                    client.images.remove(tag, noprune=True)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """This tree as it is, committed in a checkout of its own."""
    folder = tmp_path / "checkout"
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    for name in filter(None, listed.stdout.split("\0")):
        if (ROOT / name).is_file() or (ROOT / name).is_symlink():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, folder / name, follow_symlinks=False)
    (folder / "images" / "digests.json").unlink(missing_ok=True)
    author = ["-c", "user.name=tests", "-c", "user.email=tests@localhost"]
    for command in (["init", "--quiet"], ["add", "--all"], [*author, "commit", "--quiet", "--message", "all"]):
        subprocess.run(["git", *command], cwd=folder, check=True)
    return folder


def launch(checkout: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "byheart", *arguments], cwd=checkout, capture_output=True, text=True, check=False
    )


def test_pushed_images_are_compiled_in_by_digest(registry: str, checkout: Path) -> None:
    push = ["images", "--jax", "cpu", "--base", base_image(), "--push", f"{registry}/byheart"]
    (checkout / "components" / "changed.txt").write_text("not committed")
    refused = launch(checkout, *push)
    assert refused.returncode == 1
    assert "found changes in components/changed.txt" in refused.stderr
    (checkout / "components" / "changed.txt").unlink()

    done = launch(checkout, *push)
    assert done.returncode == 0, done.stderr
    written = json.loads((checkout / "images" / "digests.json").read_text())
    head = subprocess.run(["git", "rev-parse", "HEAD"], cwd=checkout, capture_output=True, text=True, check=True)
    assert written["commit"] == head.stdout.strip()
    assert set(written["images"]) == {*NAMES, "extract-cpu"} - {"extract"}
    for name, reference in written["images"].items():
        repository, _, digest = reference.partition("@")
        assert repository == f"{registry}/byheart/byheart-{name.removesuffix('-cpu')}"
        with urllib.request.urlopen(f"http://{registry}/v2/{repository.partition('/')[2]}/manifests/{digest}") as held:
            assert held.headers["Docker-Content-Digest"] == digest

    compiling = launch(checkout, "compile", "pipeline.yaml", "--jax", "cpu")
    assert (compiling.returncode, compiling.stdout) == (0, "wrote pipeline.yaml\n")
    spec = next(yaml.safe_load_all((checkout / "pipeline.yaml").read_text()))
    compiled = {executor["container"]["image"] for executor in spec["deploymentSpec"]["executors"].values()}
    assert compiled == {reference for name, reference in written["images"].items() if name != "launch"}
    other = launch(checkout, "compile", "pipeline.yaml", "--jax", "cuda12")
    assert other.returncode == 1
    assert "byheart images --push REGISTRY --jax cuda12" in other.stderr

    (checkout / "components" / "verdict" / "run.py").write_text("")
    warned = launch(checkout, "compile", "pipeline.yaml", "--jax", "cpu")
    assert f"the images are of commit {written['commit']:.12}, and the stages have changed since" in warned.stdout
