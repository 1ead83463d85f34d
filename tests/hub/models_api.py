"""/api/: models, trees, references, who a token is."""

import base64
import hashlib
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import urlencode

from tests.hub.files import File
from tests.hub.messages import Answer, Refusal, Request, answer_json
from tests.hub.repositories import Commit, Repositories

PAGE_ENTRIES = 1000
EXPANDED_PAGE_ENTRIES = 50
"""How many entries of a tree the Hub puts on a page."""


def whoami(repositories: Repositories, request: Request) -> Answer:
    """GET /api/whoami-v2"""
    user = repositories.user(request.headers.get("Authorization"))
    if user is None:
        raise Refusal(401, "Invalid username or password.")
    token = {"displayName": "test", "role": "read"}
    return answer_json(
        {
            "type": "user",
            "id": hashlib.sha1(user.name.encode()).hexdigest()[:24],
            "name": user.name,
            "fullname": user.name,
            "orgs": [],
            "auth": {"type": "access_token", "accessToken": token},
        }
    )


def harnesses(_: Repositories, __: Request) -> Answer:
    """GET /api/agent-harnesses: under which programs the client may find itself; there are none."""
    return answer_json({"standardEnvVars": [], "harnesses": {}})


def model(repositories: Repositories, request: Request, name: str, revision: str = "main") -> Answer:
    """GET /api/models/REPO and /api/models/REPO/revision/REVISION"""
    repository = repositories.find(name, request.headers.get("Authorization"))
    commit = repository.resolve(revision)
    blobs = request.query.get("blobs", [""])[0].lower() in ("true", "1")
    oldest = next(iter(repository.commits.values()))
    told: dict[str, Any] = {
        "_id": hashlib.sha1(name.encode()).hexdigest()[:24],
        "id": name,
        "modelId": name,
        "author": name.partition("/")[0],
        "sha": commit.sha,
        "lastModified": commit.stamp,
        "createdAt": oldest.stamp,
        "private": repository.private,
        "gated": "manual" if repository.gated else False,
        "disabled": False,
        "downloads": 0,
        "likes": 0,
        "tags": [],
        "siblings": [_sibling(file, blobs) for _, file in sorted(commit.files.items())],
    }
    if wanted := request.query.get("expand", []) + request.query.get("expand[]", []):
        told = {key: value for key, value in told.items() if key in ("_id", "id", *wanted)}
    return answer_json(told)


def _sibling(file: File, blobs: bool) -> dict[str, Any]:
    told: dict[str, Any] = {"rfilename": file.name}
    if blobs:
        told |= {"size": file.size_bytes, "blobId": file.blob_id}
        if file.sha256 is not None:
            told["lfs"] = {"sha256": file.sha256, "size": file.size_bytes, "pointerSize": file.pointer_bytes}
    return told


def references(repositories: Repositories, request: Request, name: str) -> Answer:
    """GET /api/models/REPO/refs"""
    repository = repositories.find(name, request.headers.get("Authorization"))

    def listed(kind: str, refs: Mapping[str, str]) -> list[dict[str, str]]:
        return [{"name": name, "ref": f"refs/{kind}/{name}", "targetCommit": sha} for name, sha in refs.items()]

    told = {"branches": listed("heads", repository.branches), "tags": listed("tags", repository.tags), "converts": []}
    if "include_prs" in request.query:
        told["pullRequests"] = []
    return answer_json(told)


def tree(repositories: Repositories, request: Request, name: str, revision: str, path: str = "") -> Answer:
    """GET /api/models/REPO/tree/REVISION/PATH: what lies in the folder PATH, page by page"""
    commit = repositories.find(name, request.headers.get("Authorization")).resolve(revision)
    query = {key: values[-1] for key, values in request.query.items()}
    expand = query.get("expand", "").lower() in ("true", "1")
    recursive = query.get("recursive", "").lower() in ("true", "1")
    prefix = f"{path}/" if path else ""
    if prefix and not any(found.startswith(prefix) for found in commit.files):
        raise Refusal(404, f"{path} does not exist on {revision!r}", "EntryNotFound")
    entries = [entry for entry in _entries(commit, expand) if entry["path"].startswith(prefix)]
    if not recursive:
        entries = [entry for entry in entries if "/" not in entry["path"][len(prefix) :]]
    most = EXPANDED_PAGE_ENTRIES if expand else PAGE_ENTRIES
    size = min(int(query.get("limit", most)), most)
    first = int(base64.urlsafe_b64decode(query.get("cursor", "MA==")))
    headers = {"X-Repo-Commit": commit.sha}
    if first + size < len(entries):
        cursor = base64.urlsafe_b64encode(str(first + size).encode()).decode()
        headers["Link"] = f'<{request.base}{request.path}?{urlencode(query | {"cursor": cursor})}>; rel="next"'
    return answer_json(entries[first : first + size], headers=headers)


def paths_info(repositories: Repositories, request: Request, name: str, revision: str) -> Answer:
    """POST /api/models/REPO/paths-info/REVISION: of these paths those that are there"""
    commit = repositories.find(name, request.headers.get("Authorization")).resolve(revision)
    expand = request.form.get("expand", [""])[0].lower() in ("true", "1")
    entries = {entry["path"]: entry for entry in _entries(commit, expand)}
    return answer_json([entries[path] for path in request.form.get("paths", []) if path in entries])


def _entries(commit: Commit, expand: bool) -> Iterable[dict[str, Any]]:
    """Folders and files, each folder before what lies in it."""
    seen = set()
    for path, file in sorted(commit.files.items(), key=lambda item: item[0].split("/")):
        ends = [place for place, letter in enumerate(path) if letter == "/"]
        for folder in (path[:end] for end in ends):
            if folder not in seen:
                seen.add(folder)
                inside = [found for found in sorted(commit.files) if found.startswith(f"{folder}/")]
                oid = hashlib.sha1("".join(commit.files[found].blob_id for found in inside).encode()).hexdigest()
                last = max((commit.touched[found] for found in inside), key=lambda found: found.date)
                yield {"type": "directory", "oid": oid, "size": 0, "path": folder} | _expanded(last, expand)
        told: dict[str, Any] = {"type": "file", "oid": file.blob_id, "size": file.size_bytes, "path": path}
        if file.sha256 is not None:
            told["lfs"] = {"oid": file.sha256, "size": file.size_bytes, "pointerSize": file.pointer_bytes}
        yield told | _expanded(commit.touched[path], expand)


def _expanded(last: Commit, expand: bool) -> dict[str, Any]:
    return {"lastCommit": {"id": last.sha, "title": last.title, "date": last.stamp}} if expand else {}
