"""A store in a Google Cloud Storage bucket.

It uses google-cloud-storage, with its retries, checksums, generations and transfer manager. An upload carries the
precondition that no such object exists; the server enforces it, so that one of many writers wins.
"""

import base64
import io
import threading
import uuid
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import cached_property
from pathlib import Path
from typing import Any, BinaryIO

import google_crc32c
from google.api_core import exceptions
from google.cloud import storage
from google.cloud.storage import transfer_manager
from google.cloud.storage.retry import DEFAULT_RETRY
from requests.adapters import HTTPAdapter

from byheart.contracts.errors import StoreError
from byheart.store.gcs_errors import DAMAGED, RAISED, Cause, find_cause
from byheart.store.gcs_pieces import PIECES, GcsPieces
from byheart.store.stored import Growing, Stored, check_name, is_name

_SCHEME = "gs://"
_RETRY = DEFAULT_RETRY.with_timeout(600)
"""Retries for ten minutes."""
_TIMEOUT = (20, 120)
"""Seconds to connect, and to wait for the next bytes."""
_ATTEMPTS = 3
"""Tries of what the client does not try again itself."""
_WHOLE: dict[str, Any] = {"single_shot_download": True}
"""A body is read in one call: the client's own 8 kB at a time take four times as much of a core."""
_CHUNK_BYTES = 32 * 2**20
_WORKERS = 8
_CONNECTIONS = 64
"""That stay open: as many as threads ever use at once, so that none is made anew for each object."""
_WRITER = "byheart-writer"
"""Metadata that names an object's writer: it tells our own write from another's where the server's reply was lost."""


class GcsStore:
    """Objects below `gs://bucket/prefix`; several machines may share it."""

    def __init__(self, address: str, parameter: str = "store") -> None:
        self._parameter = parameter
        self._bucket_name, _, prefix = address.removeprefix(_SCHEME).partition("/")
        self._prefix = f"{prefix.strip('/')}/" if prefix.strip("/") else ""
        if not self._bucket_name:
            raise StoreError(
                f"{parameter} must name a bucket, found {address!r}: give one, such as gs://my-bucket/byheart",
                parameter=parameter,
            )

    def create(self, name: str, data: bytes | BinaryIO) -> bool:
        """Upload the object and return True; return False where the server has one of that name."""
        writer = uuid.uuid4().hex
        with self._explained("write", name):
            blob = self._blob(name)
            blob.metadata = {_WRITER: writer}
            try:
                self._upload(blob, data, if_generation_match=0)
            except exceptions.PreconditionFailed:
                blob.reload(retry=_RETRY, timeout=_TIMEOUT)
                return (blob.metadata or {}).get(_WRITER) == writer  # ours: a reply was lost, and the retry found it
        return True

    def replace(self, name: str, data: bytes | BinaryIO) -> None:
        """Upload the object, and overwrite one of that name."""
        with self._explained("write", name):
            self._upload(self._blob(name), data)

    def read(self, name: str) -> bytes:
        """The object's bytes, verified by their CRC32C."""
        with self._explained("read", name):
            for _ in range(_ATTEMPTS):
                blob = self._blob(name)
                # The client's own check misses downloads that were interrupted and continued.
                data = blob.download_as_bytes(retry=_RETRY, timeout=_TIMEOUT, checksum=None, **_WHOLE)
                if not blob.crc32c or base64.b64encode(google_crc32c.Checksum(data).digest()).decode() == blob.crc32c:
                    return data
        raise self._error("read", name, DAMAGED)

    def read_range(self, name: str, start: int, stop: int) -> bytes:
        """The object's bytes from `start` up to `stop`, in one request."""
        if stop <= start:
            return b""
        with self._explained("read", name):
            data = self._blob(name).download_as_bytes(
                start=start, end=stop - 1, retry=_RETRY, timeout=_TIMEOUT, checksum=None, **_WHOLE
            )
        if len(data) != stop - start:
            raise StoreError(
                f"cannot read bytes {start:,} to {stop:,} of {self.locate(name)}: found {len(data):,}: run again",
                may_pass=True,
            )
        return data

    def fetch(self, name: str, path: Path) -> None:
        """Download the object to a local file, several ranges at once."""
        with self._explained("read", name):
            blob = self._blob(name)
            blob.reload(retry=_RETRY, timeout=_TIMEOUT)  # for the size, and the generation that all ranges must have
            transfer_manager.download_chunks_concurrently(
                blob,
                str(path),
                chunk_size=_CHUNK_BYTES,
                max_workers=_WORKERS,
                worker_type=transfer_manager.THREAD,
                download_kwargs={
                    "if_generation_match": blob.generation,
                    "retry": _RETRY,
                    "timeout": _TIMEOUT,
                    **_WHOLE,
                },
            )

    @contextmanager
    def grow(
        self,
        name: str,
        piece_bytes: int,  # noqa: ARG002 pieces are objects, and know their size
        stop: threading.Event | None = None,  # noqa: ARG002 no process waits for another
    ) -> Iterator[Growing | None]:
        """Upload a large object in pieces; a StoreError is ignored where another process completed the object."""
        pieces = GcsPieces(self, name)
        if self.exists(name):
            pieces.discard()
            yield None
            return
        try:
            yield pieces
        except StoreError:
            if not self.exists(name):
                raise
            pieces.discard()

    def begun_bytes(self, name: str) -> int:
        """The bytes of the pieces that are uploaded."""
        return sum(stored.size_bytes for stored in self.list(f"{name}{PIECES}"))

    def compose(self, names: Sequence[str], name: str) -> None:
        """Compose one object from several, unless it exists."""
        with self._explained("write", name), suppress(exceptions.PreconditionFailed):
            sources = [self._blob(source) for source in names]
            self._blob(name).compose(sources, if_generation_match=0, retry=_RETRY, timeout=_TIMEOUT)

    def exists(self, name: str) -> bool:
        """Whether there is an object of that name."""
        with self._explained("find", name):
            return self._blob(name).exists(retry=_RETRY, timeout=_TIMEOUT)

    def find(self, name: str) -> Stored | None:
        """The object's size, age and generation; None where there is no such object."""
        with self._explained("find", name):
            blob = self._blob(name)
            try:
                blob.reload(retry=_RETRY, timeout=_TIMEOUT)
            except exceptions.NotFound:
                self._bucket_must_exist()
                return None
            return self._stored(blob)

    def list(self, prefix: str = "") -> Iterator[Stored]:
        """The objects whose name begins with `prefix`, in the order of their names."""
        with self._explained("list", prefix):
            blobs = self._client.list_blobs(
                self._bucket_name, prefix=f"{self._prefix}{prefix}", retry=_RETRY, timeout=_TIMEOUT
            )
            for blob in blobs:
                if self._parameter != "store" or is_name(blob.name.removeprefix(self._prefix)):
                    yield self._stored(blob)

    def leftovers(self, prefix: str = "") -> Iterator[Stored]:  # noqa: ARG002 an upload that was ended leaves none
        """None: an upload that was ended left nothing, and pieces of a large object are objects like others."""
        return iter(())

    def is_empty(self) -> bool:
        """Whether no object is below the prefix."""
        return next(self.list(), None) is None

    def delete(self, name: str) -> None:
        """Delete the object if there is one."""
        with self._explained("delete", name):
            try:
                self._blob(name).delete(retry=_RETRY, timeout=_TIMEOUT)
            except exceptions.NotFound:
                self._bucket_must_exist()

    def check_writable(self, names: Iterable[str] = ()) -> None:  # noqa: ARG002 only an object can have a name
        """Create a small object and delete it."""
        probe = f".probe-{uuid.uuid4().hex}"
        self.create(probe, b"byheart")
        self.delete(probe)

    def free_bytes(self) -> int | None:
        """None: a bucket has no limit."""
        return None

    def locate(self, name: str) -> str:
        """The object's gs:// address."""
        return f"{_SCHEME}{self._bucket_name}/{self._prefix}{name}"

    @cached_property
    def _client(self) -> storage.Client:
        client = storage.Client(project=None)  # objects need none, and an account may have none
        session = client._http
        if not session.is_mtls:
            session.mount(client.api_endpoint, HTTPAdapter(pool_maxsize=_CONNECTIONS))
        return client

    def _blob(self, name: str) -> storage.Blob:
        return self._client.bucket(self._bucket_name).blob(f"{self._prefix}{check_name(name)}")

    def _stored(self, blob: storage.Blob) -> Stored:
        if not isinstance(blob.name, str) or blob.size is None or blob.size < 0 or blob.time_created is None:
            raise ValueError("an answer without the name, the size or the time of an object")
        return Stored(
            name=blob.name.removeprefix(self._prefix),
            size_bytes=blob.size,
            created=blob.time_created,
            version=str(blob.generation),
            crc32c=blob.crc32c or "",
        )

    def _upload(self, blob: storage.Blob, data: bytes | BinaryIO, **precondition: int) -> None:
        source = io.BytesIO(data) if isinstance(data, bytes) else data
        start = source.tell()
        size = source.seek(0, io.SEEK_END) - source.seek(start)
        blob.chunk_size = _CHUNK_BYTES  # of a resumable upload; a small one is a single request
        for attempt in range(_ATTEMPTS):
            source.seek(start)
            try:
                blob.upload_from_file(
                    source, size=size, retry=_RETRY, timeout=_TIMEOUT, checksum="crc32c", **precondition
                )
            except ValueError:  # the server kept less than it was sent, which the client does not handle
                if attempt == _ATTEMPTS - 1:
                    raise
            else:
                return

    def _bucket_must_exist(self) -> None:
        """Raise StoreError where there is no bucket.

        It lists an object, since an account that may read and write objects may not be allowed to ask for the bucket.
        """
        blobs = self._client.list_blobs(self._bucket_name, max_results=1, retry=_RETRY, timeout=_TIMEOUT)
        try:
            next(iter(blobs), None)
        except exceptions.NotFound:
            raise StoreError(
                f"{self._parameter} must be in a bucket that exists, found no {_SCHEME}{self._bucket_name}: create it",
                parameter=self._parameter,
            ) from None

    @contextmanager
    def _explained(self, action: str, name: str) -> Iterator[None]:
        """Turn the errors of Google's libraries into a StoreError that names the object, the cause and the remedy."""
        try:
            yield
        except StoreError:
            raise
        except exceptions.NotFound:
            with self._explained("list", ""):
                self._bucket_must_exist()
            raise self._error(action, name, Cause("there is none", "run again to compute it anew")) from None
        except Exception as error:
            if isinstance(error, RAISED) or type(error) is Exception:  # of downloads that the client cannot begin anew
                raise self._error(action, name, find_cause(error)) from None
            raise

    def _error(self, action: str, name: str, cause: Cause) -> StoreError:
        message = f"cannot {action} {self.locate(name)}: {cause.found}: {cause.remedy}"
        return StoreError(message, may_pass=cause.may_pass)
