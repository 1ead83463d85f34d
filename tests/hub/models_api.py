"""/api/: models and their files."""

from typing import Any

from tests.hub.files import File
from tests.hub.messages import Answer, answer_json
from tests.hub.repositories import Repositories
from tests.servers.requests import Request


def harnesses(_: Repositories, __: Request) -> Answer:
    """GET /api/agent-harnesses: under which programs the client may find itself; there are none."""
    return answer_json({"standardEnvVars": [], "harnesses": {}})


def model(repositories: Repositories, request: Request, name: str, revision: str = "main") -> Answer:
    """GET /api/models/REPO and /api/models/REPO/revision/REVISION"""
    repository = repositories.find(name, request.headers.get("Authorization"))
    commit = repository.resolve(revision)
    blobs = repositories.tells_blobs and request.query.get("blobs", "").lower() == "true"
    return answer_json(
        {
            "id": name,
            "sha": commit.sha,
            "lastModified": commit.date.strftime("%Y-%m-%dT%H:%M:%S.000Z"),
            "private": repository.private,
            "gated": "manual" if repository.gated else False,
            "siblings": [_sibling(file, blobs) for _, file in sorted(commit.files.items())],
        }
    )


def _sibling(file: File, blobs: bool) -> dict[str, Any]:
    told: dict[str, Any] = {"rfilename": file.name}
    if blobs:
        told |= {"size": file.size_bytes, "blobId": file.blob_id}
        if file.sha256 is not None:
            told["lfs"] = {"sha256": file.sha256, "size": file.size_bytes, "pointerSize": file.pointer_bytes}
    return told


def tree(repositories: Repositories, request: Request, name: str, revision: str) -> Answer:
    """GET /api/models/REPO/tree/REVISION: all files, on one page; snapshot_download of benchmarks/ asks for them."""
    commit = repositories.find(name, request.headers.get("Authorization")).resolve(revision)
    entries = []
    for path, file in sorted(commit.files.items()):
        entries.append({"type": "file", "oid": file.blob_id, "size": file.size_bytes, "path": path})
        if file.sha256 is not None:
            entries[-1]["lfs"] = {"oid": file.sha256, "size": file.size_bytes, "pointerSize": file.pointer_bytes}
    return answer_json(entries, headers={"X-Repo-Commit": commit.sha})
