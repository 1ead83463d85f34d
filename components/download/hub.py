"""Reads a repository on the Hugging Face Hub at one commit, with the interface of a store.

huggingface_hub finds the commit, the files, the token (HF_TOKEN) and the endpoint (HF_ENDPOINT), and explains the Hub's
refusals. This module streams the bytes, since huggingface_hub's own downloads go to a disk.
"""

import dataclasses
import logging
import re
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import NoReturn

import httpx2
from huggingface_hub import ModelInfo, constants, hf_hub_url
from huggingface_hub.errors import HFValidationError
from huggingface_hub.hf_api import RepoSibling
from huggingface_hub.utils import build_hf_headers, validate_repo_id

from byheart.components.download.hub_answers import ask_about_model, open_answer
from byheart.components.download.hub_errors import (
    BrokenOffError,
    describe_cause,
    explain_error,
    may_pass,
    read_retry_after,
)
from byheart.contracts.errors import ModelError
from byheart.contracts.foreign import quote, strip_address
from byheart.contracts.progress import say
from byheart.store.stored import Stored

FIRST_ANSWER_SECONDS, FETCH_SECONDS = 30.0, 600.0
"""How long the Hub may send nothing: when a run begins, and once it fetches files."""
_TIMEOUT = httpx2.Timeout(60, connect=20)
_SLICE_SECONDS = 1.0
"""How often a stream that waits for the Hub yields nothing, so that its reader can stop."""
_SILENT_TRIES = 2
_REFUSED = (httpx2.HTTPError, OSError, ImportError, ValueError)
"""What httpx raises, also for a proxy or certificates that it cannot use."""
_LEAST_BYTES = 2**16
"""What must arrive for the Hub to count as sending: a byte from time to time is none."""
_NO_DESCRIPTION = (AttributeError, KeyError, OverflowError, RecursionError, TypeError, ValueError)
"""What reading an answer raises that describes no repository."""
_COMMIT = _SHA1 = re.compile(r"[0-9a-f]{40}")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_MOST_BYTES = 2**50
"""More than any disk has."""

# Below this level it logs addresses, and a signed address opens a gated file.
logging.getLogger("httpx2").setLevel(logging.WARNING)


@dataclasses.dataclass(frozen=True, kw_only=True)
class HubFile:
    """A file as the Hub describes it."""

    name: str
    size_bytes: int
    sha256: str | None
    """The SHA-256 of a file in large file storage; None for other files."""
    git_sha1: str
    """Git's hash of a file outside large file storage, as a blob."""


class HubRepository:
    """The files of a repository at one commit.

    Args:
        repository: `organisation/name`.
        revision: a branch, a tag, or a commit, short or full.
        parameter: the pipeline's parameter that names it; errors name it too.
        patience_seconds: how long the Hub may send nothing: before it names the commit, and while it sends a file.

    Raises:
        ModelError: the repository does not exist or may not be read, or the Hub cannot be reached.
    """

    def __init__(
        self,
        repository: str,
        revision: str,
        *,
        parameter: str = "model",
        patience_seconds: tuple[float, float] = (FIRST_ANSWER_SECONDS, FETCH_SECONDS),
    ) -> None:
        self.repository, self._revision, self._seconds = repository, revision, patience_seconds
        self._parameter = parameter
        info = self._retry(lambda: ask_about_model(repository, revision, _TIMEOUT, patience_seconds[0]))
        self.repository, self.commit = self._read_name(info), self._read_commit(info)
        told = [_is_described(file) for file in info.siblings or []]
        if not all(told):
            raise ModelError(
                f"{_read_endpoint()} must tell the sizes and hashes of the files of {repository}, found "
                f"{told.count(False)} of {len(told)} without: name another Hub by HF_ENDPOINT, or fetch the files with "
                f"`hf download {repository} --local-dir FOLDER` and name FOLDER"
            )
        self._created = info.last_modified or datetime.fromtimestamp(0, UTC)
        self.files = {
            file.rfilename: HubFile(
                name=file.rfilename,
                size_bytes=file.size or 0,
                sha256=file.lfs.sha256 if file.lfs else None,
                git_sha1=file.blob_id or "",
            )
            for file in info.siblings or []
        }

    def _read_name(self, info: ModelInfo) -> str:
        """The repository's name as the Hub gives it: another if it was renamed."""
        try:
            validate_repo_id(str(info.id or ""))
        except HFValidationError:
            raise self._doubt("name the repository that was asked for", info.id) from None
        if info.id != self.repository:
            say(f"{_read_endpoint()} calls {self.repository} {info.id}: it is stored by that name")
        return info.id

    def _read_commit(self, info: ModelInfo) -> str:
        commit, asked = info.sha, self._revision
        if not isinstance(commit, str) or not _COMMIT.fullmatch(commit):
            raise self._doubt("name a commit of 40 digits", commit)
        if _COMMIT.fullmatch(asked) and commit != asked:
            raise self._doubt(f"have the commit {asked}, which was asked for", commit)
        return commit

    def _doubt(self, needed: str, found: object) -> ModelError:
        endpoint = _read_endpoint()
        return ModelError(f"{endpoint} must {needed}, found {quote(found)}: name another Hub by HF_ENDPOINT")

    def stream(self, name: str, start: int = 0, stop: int | None = None) -> Iterator[bytes]:
        """Yield the file's bytes from `start` up to `stop` as they arrive; a new connection replaces a broken one.

        While it waits for the Hub it yields empty bytes again and again, so that the reader can stop.

        Raises:
            ModelError: the Hub refuses the request, or has sent nothing for too long.
        """
        url = hf_hub_url(self.repository, name, revision=self.commit)
        at, stop = start, self.files[name].size_bytes if stop is None else stop
        patience = _Patience(self._seconds[1])
        while at < stop:
            try:
                headers = build_hf_headers() | {"Range": f"bytes={at}-{stop - 1}", "Accept-Encoding": "identity"}
                with open_answer(url, headers, _TIMEOUT, self._seconds[1]) as response:
                    unwanted = at if response.status_code == 200 else 0  # small files may be sent whole
                    for chunk in response.iter_bytes():
                        wanted = chunk[unwanted : unwanted + stop - at]
                        unwanted -= min(unwanted, len(chunk))
                        if wanted:
                            at += len(wanted)
                            yield wanted
                        patience.count(len(wanted))
                        if at == stop:
                            return
                raise BrokenOffError("a body that ended early")
            except (*_REFUSED, BrokenOffError) as error:
                pause = patience.pause(error)
                if pause is None:
                    self._explain(error, patience)
                while pause > 0:
                    time.sleep(min(pause, _SLICE_SECONDS))
                    pause -= _SLICE_SECONDS
                    yield b""  # lets the reader stop

    def read(self, name: str) -> bytes:
        """The file's bytes."""
        return b"".join(self.stream(name))

    def read_range(self, name: str, start: int, stop: int) -> bytes:
        """The file's bytes from `start` up to `stop`."""
        return b"".join(self.stream(name, start, stop))

    def find(self, name: str) -> Stored | None:
        """The file as the Hub describes it; None if the repository has no such file."""
        file = self.files.get(name)
        if file is None:
            return None
        version = file.sha256 or file.git_sha1
        return Stored(name=name, size_bytes=file.size_bytes, created=self._created, version=version)

    def list(self, prefix: str = "") -> Iterator[Stored]:
        """The files whose names begin with `prefix`."""
        files = (self.find(name) for name in sorted(self.files) if name.startswith(prefix))
        return (stored for stored in files if stored)

    def locate(self, name: str) -> str:
        """The address of the file's page."""
        return f"{_read_endpoint()}/{self.repository}/blob/{self.commit}/{name}"

    def _retry(self, call: Callable[[], ModelInfo]) -> ModelInfo:
        patience = _Patience(self._seconds[0])
        while True:
            try:
                return call()
            except (*_REFUSED, httpx2.InvalidURL, BrokenOffError, *_NO_DESCRIPTION) as error:
                pause = patience.pause(error)
                if pause is None:
                    self._explain(error, patience)
                time.sleep(pause)

    def _explain(self, error: Exception, patience: "_Patience") -> NoReturn:
        raise explain_error(error, self.repository, self._revision, str(patience), self._parameter) from None


def _is_described(file: RepoSibling) -> bool:
    """Whether the Hub says of a file what its bytes are checked by."""
    digest, form = (file.lfs.sha256, _SHA256) if file.lfs else (file.blob_id, _SHA1)
    return (
        all(isinstance(text, str) for text in (file.rfilename, digest, file.blob_id or ""))
        and form.fullmatch(str(digest)) is not None
        and type(file.size) is int
        and 0 <= file.size <= _MOST_BYTES
    )


class _Patience:
    """Decides how long to try again: until the Hub has sent nothing for so many seconds."""

    def __init__(self, seconds: float) -> None:
        self._most = seconds
        self.renew()

    def renew(self) -> None:
        """Start the time anew, since the Hub has sent something."""
        self._since, self._tries, self._bytes = time.monotonic(), 0, 0

    def count(self, size_bytes: int) -> None:
        """Count bytes that have come; enough of them start the time anew.

        Raises:
            BrokenOffError: too few have come for too long.
        """
        self._bytes += size_bytes
        if self._bytes >= _LEAST_BYTES:
            self.renew()
        elif time.monotonic() - self._since > self._most:
            raise BrokenOffError("hardly any bytes")

    def pause(self, error: Exception) -> float | None:
        """Seconds until the next try, more each time, or as the Hub asks; None if no try can succeed in time."""
        self._tries += 1
        pause = max(min(2.0 ** (self._tries - 1), 30.0), read_retry_after(error))
        if not may_pass(error) or time.monotonic() - self._since + pause > self._most:
            return None
        if self._tries == _SILENT_TRIES + 1:
            say(f"{_read_endpoint()}: {describe_cause(error)}, tried again for {self._most:.0f} s at most")
        return pause

    def __str__(self) -> str:
        return f" after {self._tries} tries in {time.monotonic() - self._since:.0f} s" if self._tries > 1 else ""


def _read_endpoint() -> str:
    """Where the Hub is, as messages may show it."""
    return strip_address(constants.ENDPOINT)
