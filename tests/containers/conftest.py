"""Docker, the images as they are built from this checkout, and the compiled pipeline that names them."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import docker
import pytest

from launch.images import build_images
from tests.conftest import ROOT
from tests.containers.shelf import Shelf, serve_shelf

STAND_IN = "byheart-base:bookworm"


@pytest.fixture(scope="session")
def client() -> Iterator[Any]:
    """Of the Docker Engine."""
    try:
        client = docker.from_env(timeout=300)
        client.ping()
    except docker.errors.DockerException as error:
        pytest.skip(f"no Docker Engine: {error}")
    with client:
        yield client


@pytest.fixture(scope="session")
def images(client: Any) -> dict[str, str]:
    """The references of the images, all built, by name."""
    base = os.environ.get("BASE_IMAGE", "")
    if not base:
        base = STAND_IN
        subprocess.run([ROOT / "tests" / "containers" / "base_image.sh", base], check=True)
    return build_images("cpu", base)


@pytest.fixture(scope="session")
def pipeline(images: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The compiled pipeline."""
    path = tmp_path_factory.mktemp("compiled") / "pipeline.yaml"
    subprocess.run([sys.executable, "-m", "launch", "compile", path, "--jax", "cpu"], check=True, cwd=ROOT)
    return path


@pytest.fixture
def shelf(client: Any, images: dict[str, str]) -> Iterator[Shelf]:
    """A server of gs://, in a container, with the sample's book and model in its bucket."""
    with serve_shelf(client, images["download"]) as shelf:
        shelf.seed(ROOT / "samples")
        yield shelf
