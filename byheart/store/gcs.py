"""A store in a Google Cloud Storage bucket.

google-cloud-storage does the work: its retries, checksums, generations and transfer manager. An upload carries the
precondition that no such object exists, which the server holds, so that of many writers one wins.
"""

import base64
import io
import threading
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import cached_property
from pathlib import Path
from typing import BinaryIO

import google_crc32c
from google.api_core import exceptions
from google.cloud import storage
from google.cloud.storage import transfer_manager
from google.cloud.storage.retry import DEFAULT_RETRY

from byheart.contracts.errors import StoreError
from byheart.store.gcs_errors import DAMAGED, RAISED, Cause, cause_of
from byheart.store.gcs_pieces import PIECES, GcsPieces
from byheart.store.stored import Growing, Stored, checked_name

_SCHEME = "gs://"
_RETRY = DEFAULT_RETRY.with_timeout(600)
"""A cloud is given ten minutes to come back."""
_TIMEOUT = (20, 120)
"""Seconds to connect, and to wait for the next bytes."""
_ATTEMPTS = 3
"""At what the client does not try again by itself."""
_CHUNK_BYTES = 32 * 2**20
_WORKERS = 8
_WRITER = "byheart-writer"
"""The metadata that tells whose an object is: a reply may be lost after the write was done."""


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
        """Upload the object if there is none of that name; the server decides."""
        writer = uuid.uuid4().hex
        with self._explained("write", name):
            blob = self._blob(name)
            blob.metadata = {_WRITER: writer}
            try:
                self._upload(blob, data, if_generation_match=0)
            except exceptions.PreconditionFailed:
                blob.reload(retry=_RETRY, timeout=_TIMEOUT)
                return (blob.metadata or {}).get(_WRITER) == writer  # a reply was lost, and the retry met our own
        return True

    def replace(self, name: str, data: bytes | BinaryIO) -> None:
        """Upload the object, whatever is there."""
        with self._explained("write", name):
            self._upload(self._blob(name), data)

    def read(self, name: str) -> bytes:
        """The object's bytes, held against their CRC32C."""
        with self._explained("read", name):
            for _ in range(_ATTEMPTS):
                blob = self._blob(name)
                # The client checks a download that came in one piece, not one that was cut and went on.
                data = blob.download_as_bytes(retry=_RETRY, timeout=_TIMEOUT, checksum=None)
                if not blob.crc32c or base64.b64encode(google_crc32c.Checksum(data).digest()).decode() == blob.crc32c:
                    return data
        raise self._error("read", name, DAMAGED)

    def read_range(self, name: str, start: int, stop: int) -> bytes:
        """Some of the object's bytes, in a request of their own."""
        if stop <= start:
            return b""
        with self._explained("read", name):
            data = self._blob(name).download_as_bytes(
                start=start, end=stop - 1, retry=_RETRY, timeout=_TIMEOUT, checksum=None
            )
        if len(data) != stop - start:
            raise StoreError(
                f"cannot read bytes {start:,} to {stop:,} of {self.locate(name)}: found {len(data):,}: run again"
            )
        return data

    def fetch(self, name: str, path: Path) -> None:
        """Download the object to a local file, in ranges side by side."""
        with self._explained("read", name):
            blob = self._blob(name)
            blob.reload(retry=_RETRY, timeout=_TIMEOUT)  # the size, and a generation to hold every range to
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
                },
            )

    @contextmanager
    def grow(
        self,
        name: str,
        piece_bytes: int,  # noqa: ARG002 a piece is as long as it is
        stop: threading.Event | None = None,  # noqa: ARG002 nobody is waited for
    ) -> Iterator[Growing | None]:
        """Bring a large object as small ones; a process that another has overtaken finds them gone."""
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
        """The sizes of the pieces."""
        return sum(stored.size_bytes for stored in self.list(f"{name}{PIECES}"))

    def compose(self, names: Sequence[str], name: str) -> None:
        """Make one object of several, unless it is there."""
        with self._explained("write", name), suppress(exceptions.PreconditionFailed):
            sources = [self._blob(source) for source in names]
            self._blob(name).compose(sources, if_generation_match=0, retry=_RETRY, timeout=_TIMEOUT)

    def exists(self, name: str) -> bool:
        """Whether the object is there."""
        with self._explained("find", name):
            return self._blob(name).exists(retry=_RETRY, timeout=_TIMEOUT)

    def find(self, name: str) -> Stored | None:
        """What the service says of the object."""
        with self._explained("find", name):
            blob = self._blob(name)
            try:
                blob.reload(retry=_RETRY, timeout=_TIMEOUT)
            except exceptions.NotFound:
                self._bucket_must_exist()
                return None
            return self._stored(blob)

    def list(self, prefix: str = "") -> Iterator[Stored]:
        """The objects below a prefix, by name."""
        with self._explained("list", prefix):
            found = self._client.list_blobs(
                self._bucket_name, prefix=f"{self._prefix}{prefix}", retry=_RETRY, timeout=_TIMEOUT
            )
            for blob in found:
                yield self._stored(blob)

    def leftovers(self, prefix: str = "") -> Iterator[Stored]:  # noqa: ARG002 an upload that was ended leaves none
        """None: an upload that was ended left nothing, and pieces of a large object are objects like others."""
        return iter(())

    def is_empty(self) -> bool:
        """Whether no object is below the prefix."""
        return next(self.list(), None) is None

    def delete(self, name: str) -> None:
        """Delete the object if it is there."""
        with self._explained("delete", name):
            try:
                self._blob(name).delete(retry=_RETRY, timeout=_TIMEOUT)
            except exceptions.NotFound:
                self._bucket_must_exist()

    def check_writable(self) -> None:
        """Create a small object and delete it."""
        probe = f".probe-{uuid.uuid4().hex}"
        self.create(probe, b"byheart")
        self.delete(probe)

    def free_bytes(self) -> int | None:
        """Not known: a bucket has no end."""
        return None

    def locate(self, name: str) -> str:
        """The object's gs:// address."""
        return f"{_SCHEME}{self._bucket_name}/{self._prefix}{name}"

    @cached_property
    def _client(self) -> storage.Client:
        return storage.Client()

    def _blob(self, name: str) -> storage.Blob:
        return self._client.bucket(self._bucket_name).blob(f"{self._prefix}{checked_name(name)}")

    def _stored(self, blob: storage.Blob) -> Stored:
        return Stored(
            name=blob.name.removeprefix(self._prefix),
            size_bytes=blob.size,
            created=blob.time_created,
            version=str(blob.generation),
            crc32c=blob.crc32c or "",
        )

    def _upload(self, blob: storage.Blob, data: bytes | BinaryIO, **precondition: int) -> None:
        source = io.BytesIO(data) if isinstance(data, bytes) else data
        first = source.tell()
        size = source.seek(0, io.SEEK_END) - source.seek(first)
        blob.chunk_size = _CHUNK_BYTES  # of a resumable upload; a small one is a single request
        for attempt in range(_ATTEMPTS):
            source.seek(first)
            try:
                blob.upload_from_file(
                    source, size=size, retry=_RETRY, timeout=_TIMEOUT, checksum="crc32c", **precondition
                )
            except ValueError:  # the server kept less than it was sent, which the client does not get over
                if attempt == _ATTEMPTS - 1:
                    raise
            else:
                return

    def _bucket_must_exist(self) -> None:
        """Look for any object: an account that may read and write objects may not ask for the bucket itself."""
        found = self._client.list_blobs(self._bucket_name, max_results=1, retry=_RETRY, timeout=_TIMEOUT)
        try:
            next(iter(found), None)
        except exceptions.NotFound:
            raise StoreError(
                f"{self._parameter} must be in a bucket that exists, found no {_SCHEME}{self._bucket_name}: create it",
                parameter=self._parameter,
            ) from None

    @contextmanager
    def _explained(self, action: str, name: str) -> Iterator[None]:
        """Turn what Google's libraries raise into one message: the object, the cause and the remedy."""
        try:
            yield
        except StoreError:
            raise
        except exceptions.NotFound:
            self._bucket_must_exist()
            raise self._error(action, name, Cause("there is none", "run again to compute it anew")) from None
        except RAISED as error:
            raise self._error(action, name, cause_of(error)) from None

    def _error(self, action: str, name: str, cause: Cause) -> StoreError:
        message = f"cannot {action} {self.locate(name)}: {cause.found}: {cause.remedy}"
        return StoreError(message, may_pass=cause.may_pass)
