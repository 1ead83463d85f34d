"""Repositories, commits, references, and who may see what."""

import datetime
import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass

from tests.hub.files import File, Source
from tests.hub.messages import Refusal

BEGAN = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
"""When every repository's first commit was made; each further one a minute later."""


@dataclass(frozen=True, kw_only=True)
class Commit:
    """All files as one commit left them, by their names."""

    sha: str
    date: datetime.datetime
    files: Mapping[str, File]


class Repository:
    """A repository: the branch `main` at its first commit, and what came after."""

    def __init__(self, name: str, files: Mapping[str, Source], private: bool, gated: bool) -> None:
        self.name, self.private, self.gated = name, private, gated
        self.commits: dict[str, Commit] = {}
        self.branches: dict[str, str] = {}
        self.commit(files)

    def commit(self, files: Mapping[str, Source]) -> str:
        """The sha of a new commit on `main`, in which `files` are new or others."""
        parent = self.branches.get("main", "")
        before = self.commits[parent].files if parent else {}
        whole = {**before, **{name: File.of(name, source) for name, source in files.items()}}
        tree = [(name, file.blob_id) for name, file in sorted(whole.items())]
        sha = hashlib.sha1(json.dumps([self.name, parent, tree]).encode()).hexdigest()
        date = BEGAN + datetime.timedelta(minutes=len(self.commits))
        self.commits[sha] = Commit(sha=sha, date=date, files=whole)
        self.branches["main"] = sha
        return sha

    def branch(self, name: str) -> None:
        """Let the branch or tag `name` be where `main` is."""
        self.branches[name] = self.branches["main"]

    tag = branch

    def resolve(self, revision: str) -> Commit:
        """The commit that a branch, a tag, or at least seven digits of a sha name.

        Raises:
            Refusal: none, or several.
        """
        found = [self.branches[revision]] if revision in self.branches else []
        if not found and re.fullmatch("[0-9a-f]{7,40}", revision):
            found = [sha for sha in self.commits if sha.startswith(revision)]
        if len(found) != 1:
            raise Refusal(404, f"Invalid rev id: {revision}", "RevisionNotFound")
        return self.commits[found[0]]


class Repositories:
    """All that the Hub has; and for each token that it knows, the private and gated ones that are open to it."""

    def __init__(self) -> None:
        self.all: dict[str, Repository] = {}
        self.open_to: dict[str, frozenset[str]] = {}
        self.tells_blobs = True
        """Whether sizes and hashes are told where they are asked for: some mirrors do not."""

    def opened(self, authorization: str | None) -> frozenset[str] | None:
        """What is open to an Authorization header; None where there is none.

        Raises:
            Refusal: 401, nobody has such a token.
        """
        if authorization is None:
            return None
        opened = self.open_to.get(authorization.removeprefix("Bearer "))
        if opened is None:
            raise Refusal(401, "Invalid credentials in Authorization header")
        return opened

    def find(self, name: str, authorization: str | None) -> Repository:
        """The repository `name`. One that is private is not there for those to whom it is not open.

        Raises:
            Refusal: 401 or 404, there is none. The real Hub's 401 has no code: the client takes any 401 from an address
                of https for this one. As it does not so with http, here the code says it.
        """
        opened = self.opened(authorization)
        found = self.all.get(name)
        if found is None or (found.private and name not in (opened or ())):
            if opened is None:
                raise Refusal(401, "Invalid username or password.", "RepoNotFound")
            raise Refusal(404, "Repository not found", "RepoNotFound")
        return found

    def enter(self, name: str, authorization: str | None) -> Repository:
        """The repository `name`, for one who wants its files: one that is gated shows all but these.

        Raises:
            Refusal: 401 or 403 too, it is gated.
        """
        found, opened = self.find(name, authorization), self.opened(authorization)
        if not found.gated or name in (opened or ()):
            return found
        if opened is None:
            way = "You must have access to it and be authenticated to access it. Please log in."
            raise Refusal(401, f"Access to model {name} is restricted. {way}", "GatedRepo")
        way = f"Visit https://huggingface.co/{name} to ask for access."
        raise Refusal(
            403, f"Access to model {name} is restricted and you are not in the authorized list. {way}", "GatedRepo"
        )
