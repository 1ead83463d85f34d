"""A store of each kind: what is promised of one is promised of both."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.gcs import GcsServer


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[GcsServer]:
    """A server of Google Cloud Storage with the bucket `shelf`, for this process and those that it starts."""
    with GcsServer(page_size=3) as server:
        server.storage.create_bucket("shelf")
        monkeypatch.setenv("STORAGE_EMULATOR_HOST", server.address)
        monkeypatch.setenv("DISABLE_GCS_PYTHON_CLIENT_OTEL_BUCKET_METADATA", "true")
        yield server


@pytest.fixture(params=["local", "gs"])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where a store is."""
    if request.param == "local":
        return str(tmp_path / "shelf")
    request.getfixturevalue("server")
    return "gs://shelf/some/prefix"
