"""Repositories, commits, references, and who may see what."""

import datetime
import hashlib
import json
import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field

from tests.hub.files import File, Source
from tests.hub.messages import Refusal

BEGAN = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
"""When every repository's first commit was made; each further one a minute later."""


@dataclass(frozen=True, kw_only=True)
class Commit:
    """All files as one commit left them, by their names; `touched` says which commit wrote each."""

    sha: str
    title: str
    date: datetime.datetime
    files: Mapping[str, File]
    touched: Mapping[str, "Commit"]

    @property
    def stamp(self) -> str:
        """Its date as the Hub writes it."""
        return self.date.strftime("%Y-%m-%dT%H:%M:%S.000Z")


class Repository:
    """A repository: the branch `main` at its first commit, and what came after."""

    def __init__(self, name: str, files: Mapping[str, Source], private: bool, gated: bool) -> None:
        self.name, self.private, self.gated = name, private, gated
        self.commits: dict[str, Commit] = {}
        self.branches: dict[str, str] = {}
        self.tags: dict[str, str] = {}
        self._lock = threading.Lock()
        self.commit(files, title="initial commit")

    def commit(self, files: Mapping[str, Source | None], title: str = "Upload", branch: str = "main") -> str:
        """The sha of a new commit, in which `files` are new or others, or gone where None; `branch` goes to it."""
        changes = {name: None if source is None else File.of(name, source) for name, source in files.items()}
        with self._lock:
            parent = self.commits.get(self.branches.get(branch, ""))
            before = dict(parent.files) if parent is not None else {}
            whole = {name: file for name, file in (before | changes).items() if file is not None}
            tree = [(name, file.blob_id) for name, file in sorted(whole.items())]
            told = [self.name, title, len(self.commits), parent.sha if parent is not None else None, tree]
            sha = hashlib.sha1(json.dumps(told).encode()).hexdigest()
            date = BEGAN + datetime.timedelta(minutes=len(self.commits))
            made = Commit(sha=sha, title=title, date=date, files=whole, touched={})
            touched = dict(parent.touched) if parent is not None else {}
            touched |= {name: made for name, file in whole.items() if file != before.get(name)}
            self.commits[sha] = Commit(sha=sha, title=title, date=date, files=whole, touched=touched)
            self.branches[branch] = sha
            return sha

    def branch(self, name: str, revision: str = "main") -> None:
        """Let the branch `name` be at `revision`."""
        self.branches[name] = self.resolve(revision).sha

    def tag(self, name: str, revision: str = "main") -> None:
        """Let the tag `name` be at `revision`."""
        self.tags[name] = self.resolve(revision).sha

    def resolve(self, revision: str) -> Commit:
        """The commit that a branch, a tag, a reference (refs/pr/1), or at least seven digits of a sha name.

        Raises:
            Refusal: none, or several.
        """
        name = re.sub("^refs/(heads|tags)/", "", revision)
        found = [refs[name] for refs in (self.branches, self.tags) if name in refs]
        if not found and re.fullmatch("[0-9a-f]{7,40}", revision):
            found = [sha for sha in self.commits if sha.startswith(revision)]
            found = found if len(found) == 1 else []
        if not found:
            raise Refusal(404, f"Invalid rev id: {revision}", "RevisionNotFound")
        return self.commits[found[0]]


@dataclass(frozen=True, kw_only=True)
class User:
    """Whom a token stands for, and the private and gated repositories that are open to it."""

    name: str
    access: frozenset[str] = field(default_factory=frozenset)


class Repositories:
    """All that the Hub has, and the tokens that it knows.

    Where it `compresses`, text goes out with gzip to whoever accepts that, without a length, and whole whatever range
    is asked for: the real Hub does so, the CDN does not.
    """

    def __init__(self) -> None:
        self.compresses = False
        self.all: dict[str, Repository] = {}
        self.users: dict[str, User] = {}

    def user(self, authorization: str | None) -> User | None:
        """Whom an Authorization header stands for; None where there is none.

        Raises:
            Refusal: 401, nobody.
        """
        if authorization is None:
            return None
        user = self.users.get(authorization.removeprefix("Bearer "))
        if user is None:
            raise Refusal(401, "Invalid credentials in Authorization header")
        return user

    def find(self, name: str, authorization: str | None) -> Repository:
        """The repository `name`. One that is private is not there for those to whom it is not open.

        Raises:
            Refusal: 401 or 404, there is none. The real Hub's 401 has no code: the client takes any 401 from an address
                of https for this one. As it does not so with http, here the code says it.
        """
        user = self.user(authorization)
        found = self.all.get(name)
        if found is None or (found.private and (user is None or name not in user.access)):
            if user is None:
                raise Refusal(401, "Invalid username or password.", "RepoNotFound")
            raise Refusal(404, "Repository not found", "RepoNotFound")
        return found

    def enter(self, name: str, authorization: str | None) -> Repository:
        """The repository `name`, for one who wants its files: one that is gated shows all but these.

        Raises:
            Refusal: 401 or 403 too, it is gated.
        """
        found, user = self.find(name, authorization), self.user(authorization)
        if not found.gated or (user is not None and name in user.access):
            return found
        if user is None:
            way = "You must have access to it and be authenticated to access it. Please log in."
            raise Refusal(401, f"Access to model {name} is restricted. {way}", "GatedRepo")
        way = f"Visit https://huggingface.co/{name} to ask for access."
        raise Refusal(
            403, f"Access to model {name} is restricted and you are not in the authorized list. {way}", "GatedRepo"
        )
