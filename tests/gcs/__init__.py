"""A server that speaks enough of Google Cloud Storage for its real Python client, and fails on demand.

For example, in a test:

    with GcsServer() as server:
        server.storage.create_bucket("parts")
        lost = server.faults.add(Fault(kind="lost_reply", method="POST", url="uploadType=multipart"))
        ...                                             # the client, with STORAGE_EMULATOR_HOST=server.address
        assert lost.injected == 1
        assert [call.status for call in server.calls] == [None, 412]

In a process of its own it is `python -m tests.gcs`. What is where:

    server.py     sockets: reads requests, injects faults, keeps the journal, answers
    control.py    the same from outside, for a server in another process
    json_api.py   buckets and objects: metadata, lists, downloads, copies
    uploads.py    simple, multipart and resumable uploads
    xml_api.py    XML multipart uploads
    objects.py    the buckets and objects themselves, and their preconditions
    faults.py     what goes wrong, and when
    messages.py   requests, answers, and refusals in the API's words
"""

from tests.gcs.faults import Fault, Faults
from tests.gcs.objects import Access
from tests.gcs.server import GcsServer

__all__ = ["Access", "Fault", "Faults", "GcsServer"]
