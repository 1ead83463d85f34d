"""A server, and the real client of Google Cloud Storage that talks to it."""

from collections.abc import Iterator

import pytest
from google.auth.credentials import AnonymousCredentials
from google.cloud.storage import Bucket, Client

from tests.gcs import GcsServer


@pytest.fixture
def server() -> Iterator[GcsServer]:
    """A server with one bucket, `parts`."""
    with GcsServer() as server:
        server.storage.create_bucket("parts")
        yield server


@pytest.fixture
def client(server: GcsServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[Client]:
    """A client without credentials; processes that the test starts find the server, too.

    Its first call to a bucket would ask for the bucket's metadata in a thread of its own: no test could count calls.
    """
    monkeypatch.setenv("DISABLE_GCS_PYTHON_CLIENT_OTEL_BUCKET_METADATA", "true")
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", server.address)
    client = Client(project="test", credentials=AnonymousCredentials())
    yield client
    client.close()


@pytest.fixture
def bucket(client: Client) -> Bucket:
    """The bucket `parts`."""
    return client.bucket("parts")
