"""Docker, the images as they are built from this checkout, and the compiled pipeline that names them."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import docker
import pytest

from byheart.launch.images import build_images
from tests.conftest import ROOT
from tests.containers.shelf import Shelf, serve_shelf


def base_image() -> str:
    """What the images are built on: `BASE_IMAGE`, else one that is made of Debian's packages."""
    if given := os.environ.get("BASE_IMAGE"):
        return given
    made = "byheart-base:bookworm"
    subprocess.run([ROOT / "tests" / "containers" / "base_image.sh", made], check=True)
    return made


@pytest.fixture(scope="session")
def client() -> Iterator[Any]:
    """Of the Docker Engine."""
    try:
        client = docker.from_env(timeout=300)
        client.ping()
    except docker.errors.DockerException as error:
        pytest.skip(f"no Docker Engine: {error}")
    yield client
    client.close()


@pytest.fixture(scope="session")
def images(client: Any) -> dict[str, str]:
    """The references of the images, all built, by name."""
    built = build_images("cpu", base_image())
    assert all(client.images.get(reference).tags for reference in built.values())
    return built


@pytest.fixture(scope="session")
def pipeline(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The compiled pipeline, which names these images."""
    path = tmp_path_factory.mktemp("compiled") / "pipeline.yaml"
    subprocess.run([sys.executable, "-m", "byheart", "compile", path, "--jax", "cpu"], check=True, cwd=ROOT)
    return path


@pytest.fixture
def shelf(client: Any, images: dict[str, str]) -> Iterator[Shelf]:
    """A server of gs://, in a container, with the sample's book and model in its bucket."""
    with serve_shelf(client, images["download"]) as shelf:
        shelf.seed(ROOT / "samples")
        yield shelf
