"""A server, the compiled pipeline, and the command lines that meet it, each in a process of its own."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from byheart.launch.compile import compile_pipeline
from byheart.pipeline import DEFAULTS, OPTIONS
from tests.conftest import ROOT
from tests.gcs import GcsServer
from tests.kfp_api import KfpServer

KFP = Path(sys.executable).with_name("kfp")
PARAMETERS = {"books": ["gs://my-bucket/book.txt"], "model": ["llama-3.1-8b"], "store": "gs://my-bucket/byheart"}
ASSIGNMENTS = [f"{name}={value if isinstance(value, str) else json.dumps(value)}" for name, value in PARAMETERS.items()]

SENT = {name: value for name, value in DEFAULTS.items() if name not in OPTIONS} | PARAMETERS | {"options": {}}
"""What `byheart submit` sends of them."""

WORDS = ["gs://my-bucket/book.txt", "--model", "llama-3.1-8b", "--store", "gs://my-bucket/byheart"]
"""The same, for our own command line."""

Command = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def server() -> Iterator[KfpServer]:
    """A server that nobody may ask, and that may not answer, against the published API."""
    with KfpServer() as server:
        yield server
    assert not server.violations


@pytest.fixture
def bucket() -> Iterator[GcsServer]:
    """Google Cloud Storage with `my-bucket`."""
    with GcsServer() as gcs:
        gcs.storage.create_bucket("my-bucket")
        yield gcs


@pytest.fixture(scope="session")
def pipeline(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The compiled pipeline, of images in a registry."""
    path = tmp_path_factory.mktemp("compiled") / "pipeline.yaml"
    compile_pipeline(path)
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("image: byheart-", "image: registry.example/byheart-"), encoding="utf-8")
    return path


@pytest.fixture
def environment(tmp_path: Path, bucket: GcsServer) -> dict[str, str]:
    """This one's, with a home of its own, the bucket, and nothing that names another Kubeflow."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("KF_", "KFP_", "KUBE"))}
    home = tmp_path / "home"
    home.mkdir()
    return kept | {"HOME": str(home), "STORAGE_EMULATOR_HOST": bucket.address}


@pytest.fixture
def kubeconfig(server: KfpServer, tmp_path: Path) -> str:
    """The path of one that leads to the server."""
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "here",
        "contexts": [{"name": "here", "context": {"cluster": "here", "user": "me"}}],
        "clusters": [{"name": "here", "cluster": {"server": server.address}}],
        "users": [{"name": "me", "user": {}}],
    }
    path = tmp_path / "kubeconfig"
    path.write_text(yaml.safe_dump(config))
    return str(path)


@pytest.fixture
def launch(environment: dict[str, str]) -> Command:
    """`byheart`, to its end."""

    def run(*arguments: str | Path, **more: Any) -> subprocess.CompletedProcess[str]:
        return _run([sys.executable, "-m", "byheart", *map(str, arguments)], environment | more)

    return run


@pytest.fixture
def submit(server: KfpServer, launch: Command, pipeline: Path) -> Command:
    """`launch submit` of the compiled pipeline to the server, with parameters and whatever else is given."""

    def run(*arguments: str | Path, to: KfpServer = server, **more: Any) -> subprocess.CompletedProcess[str]:
        return launch("submit", *WORDS, *arguments, "--pipeline", pipeline, "--host", to.address, **more)

    return run


@pytest.fixture
def kfp(environment: dict[str, str]) -> Command:
    """KFP's own command line, to its end."""

    def run(*arguments: str | Path, **more: Any) -> subprocess.CompletedProcess[str]:
        return _run([str(KFP), *map(str, arguments)], environment | {"PYTHONWARNINGS": "ignore"} | more)

    return run


def _run(command: list[str], environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, check=False, timeout=100)
