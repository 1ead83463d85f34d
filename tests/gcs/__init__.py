"""A server that speaks as much of Google Cloud Storage as the project asks for, and fails on demand.

For example, in a test:

    with GcsServer() as server:
        server.storage.create_bucket("parts")
        lost = server.faults.add(Fault(kind="lost_reply", method="POST", url="uploadType=multipart"))
        ...                                             # the client, with STORAGE_EMULATOR_HOST=server.address
        assert lost.injected == 1
        assert [call.status for call in server.calls] == [None, 412]

In a process of its own it is `python -m tests.gcs`. What is where:

    server.py     reads requests, injects faults, keeps the journal, answers
    json_api.py   objects: metadata, lists, downloads, composition
    uploads.py    multipart and resumable uploads
    objects.py    the buckets and objects themselves, and their preconditions
    messages.py   answers, refusals in the API's words, and lines of the journal

What it shares with tests.hub, above all what goes wrong and when, is in tests/servers.
"""

from tests.gcs.objects import Access
from tests.gcs.server import GcsServer
from tests.servers.faults import Fault, Faults

__all__ = ["Access", "Fault", "Faults", "GcsServer"]
