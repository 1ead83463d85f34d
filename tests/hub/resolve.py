"""/REPO/resolve/REVISION/PATH: redirects, downloads, ranges.

A large file lies at the CDN, and a 302 leads there. Any other is redirected too, by a 307 with a relative address, to
where the commit stands instead of the revision. Both say all about the file in their headers.
"""

from collections.abc import Callable
from urllib.parse import quote, urlencode

from tests.hub.files import File
from tests.hub.messages import Answer, Refusal, answer_file
from tests.hub.repositories import Commit, Repositories
from tests.servers.requests import Request


def _find(repositories: Repositories, request: Request, name: str, revision: str, path: str) -> tuple[Commit, File]:
    repository = repositories.enter(name, request.headers.get("Authorization"))
    commit = repository.resolve(revision)
    if path not in commit.files:
        raise Refusal(404, "Entry not found", "EntryNotFound", {"X-Repo-Commit": commit.sha})
    return commit, commit.files[path]


def resolve(
    repositories: Repositories, sign: Callable[[File], str], request: Request, name: str, revision: str, path: str
) -> Answer:
    """GET and HEAD /REPO/resolve/REVISION/PATH; `sign` gives the address of a large file."""
    commit, file = _find(repositories, request, name, revision, path)
    if file.sha256 is not None:
        status, location = 302, sign(file)
        body = f"Found. Redirecting to {location}"
    else:
        query = urlencode({request.path: "", "etag": f'"{file.etag}"'})
        status, location = 307, f"/api/resolve-cache/models/{name}/{commit.sha}/{quote(path)}?{query}"
        body = f"Temporary Redirect. Redirecting to {location}"
    headers = {
        "Content-Type": "text/plain; charset=utf-8",
        "Location": location,
        "X-Repo-Commit": commit.sha,
        "X-Linked-ETag": f'"{file.etag}"',
        "X-Linked-Size": str(file.size_bytes),
        "Accept-Ranges": "bytes",
    }
    return Answer(status=status, headers=headers, body=body.encode())


def download(repositories: Repositories, request: Request, name: str, revision: str, path: str) -> Answer:
    """GET and HEAD /api/resolve-cache/models/REPO/COMMIT/PATH"""
    commit, file = _find(repositories, request, name, revision, path)
    headers = {
        "Content-Type": "text/plain; charset=utf-8",
        "Content-Disposition": f"inline; filename*=UTF-8''{quote(path)}; filename=\"{path}\";",
        "ETag": f'"{file.etag}"',
        "X-Repo-Commit": commit.sha,
    }
    return answer_file(file, request.headers.get("Range"), headers)
