"""A server that speaks as much of the Hugging Face Hub as the project asks for, and fails on demand.

For example, in a test:

    with HubServer() as hub:
        repository = hub.add_repo("org/name", {"config.json": b"{}", "model.safetensors": Path("model.safetensors")})
        cut = hub.faults.add(Fault(kind="cut", url="^/cdn/"))
        ...                                             # the client, with endpoint=hub.endpoint or HF_ENDPOINT
        assert cut.injected == 1
        assert not any(call.authorized for call in hub.calls if call.origin == "cdn")

In a process of its own it is `python -m tests.hub`. What is where:

    server.py         reads requests, injects faults, keeps the journal, answers, at two origins
    models_api.py     /api/: models and their files
    resolve.py        /REPO/resolve/REVISION/PATH: redirects, downloads, ranges
    cdn.py            the other origin: signed addresses and the large files behind them
    repositories.py   repositories, commits, references, and who may see what
    files.py          files, their digests, and which of them are large
    messages.py       answers, refusals in the Hub's words, and lines of the journal

What it shares with tests.gcs, above all what goes wrong and when, is in tests/servers. Here, faults mean this: a
`status` carries its `reason` as X-Error-Code, a 429 or 503 its `seconds` as Retry-After; a `reset_halfway` strikes a
download after half of its body; the other resets, a `lost_reply` among them, all look alike, as nothing here is done.
"""

from tests.hub.repositories import Repository
from tests.hub.server import HubServer
from tests.servers.faults import Fault, Faults

__all__ = ["Fault", "Faults", "HubServer", "Repository"]
