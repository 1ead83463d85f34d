"""Multipart and resumable uploads of the JSON API."""

import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from tests.gcs.messages import Answer, Refusal, answer_json, read_json
from tests.gcs.objects import Conditions, Content, Storage, Stored
from tests.servers.requests import Request

QUANTUM_BYTES = 256 * 1024
"""A chunk of a resumable upload is a multiple of this, but for the last; what is kept of a broken one is, too."""


@dataclass(kw_only=True)
class Session:
    """A resumable upload: what it is to become, what has come, and what it became."""

    bucket: str
    fields: Mapping[str, Any]
    conditions: Conditions
    received: bytearray = field(default_factory=bytearray)
    done: Stored | None = None


class Uploads:
    """The uploads to a storage; the resumable ones by their id."""

    def __init__(self) -> None:
        self._sessions: dict[str, Session] = {}

    def create(self, storage: Storage, request: Request, bucket: str) -> Answer:
        """POST /upload/.../b/BUCKET/o: all of a multipart upload, the start of a resumable one."""
        way = request.query.get("uploadType")
        if way == "resumable":
            return self._start(storage, request, bucket)
        if way != "multipart":
            raise Refusal(400, "invalid", f"Invalid value for uploadType: {way}")
        fields, data = _split(request)
        content = Content.of(data)
        content.verify(fields.get("crc32c"))
        return answer_json(
            storage.put(bucket, fields["name"], content, fields, Conditions.of(request.query)).resource()
        )

    def _start(self, storage: Storage, request: Request, bucket: str) -> Answer:
        session = Session(bucket=bucket, fields=read_json(request.body), conditions=Conditions.of(request.query))
        storage.check(bucket, session.fields["name"], session.conditions)
        key = uuid.uuid4().hex
        with storage.lock:
            self._sessions[key] = session
        place = f"/upload/storage/v1/b/{quote(bucket, safe='')}/o?uploadType=resumable&upload_id={key}"
        return Answer(headers={"Location": request.base + place})

    def resume(self, storage: Storage, request: Request, _: str) -> Answer:
        """PUT to a session: a chunk, `Content-Range: bytes 0-262143/*`, or a question, `bytes */*`.

        Bytes that came before are passed over. A session that is done answers with the object, whatever is sent.
        """
        session = self._session(request)
        asked = request.headers.get("Content-Range", "")
        match = re.fullmatch(r"bytes (?:(\d+)-(\d+)|\*)/(\d+|\*)", asked)
        if match is None:
            raise Refusal(400, "invalid", f"Invalid Content-Range: {asked}")
        first, last, total = match.groups()
        with storage.lock:
            if session.done is None:
                if first is not None:
                    self._append(session, request.body, int(first), int(last), total)
                if total == "*" or len(session.received) < int(total):
                    return _incomplete(session)
                content = Content.of(bytes(session.received))
                content.verify(session.fields.get("crc32c"))
                content.verify(request.headers.get("X-Goog-Hash", "").partition("crc32c=")[2] or None)
                name = session.fields["name"]
                session.done = storage.put(session.bucket, name, content, session.fields, session.conditions)
                session.received.clear()
            return answer_json(session.done.resource())

    def keep_part(self, storage: Storage, request: Request, _: str) -> Answer:
        """Keep what came of a chunk, in whole quanta, as when a connection breaks or the service is short of room."""
        session = self._session(request)
        match = re.match(r"bytes (\d+)-", request.headers.get("Content-Range", ""))
        with storage.lock:
            if session.done is not None:
                return answer_json(session.done.resource())
            if match is not None:
                kept = request.body[: len(request.body) // QUANTUM_BYTES * QUANTUM_BYTES]
                first = int(match.group(1))
                self._append(session, kept, first, first + len(kept) - 1, "*")
            return _incomplete(session)

    def _session(self, request: Request) -> Session:
        session = self._sessions.get(request.query.get("upload_id", ""))
        if session is None:
            raise Refusal(404, "notFound", "No such upload session.")
        return session

    @staticmethod
    def _append(session: Session, data: bytes, first: int, last: int, total: str) -> None:
        if last - first + 1 != len(data):
            raise Refusal(400, "invalid", "The Content-Range does not agree with the size of the body.")
        if len(data) % QUANTUM_BYTES and (total == "*" or last + 1 != int(total)):
            raise Refusal(400, "invalid", f"A chunk must be a multiple of {QUANTUM_BYTES} bytes, but for the last.")
        if first > len(session.received):
            raise Refusal(400, "invalid", f"The chunk begins at {first}, {len(session.received)} bytes have come.")
        session.received += data[len(session.received) - first :]


def _incomplete(session: Session) -> Answer:
    """308: so much has come."""
    came = {"Range": f"bytes=0-{len(session.received) - 1}"} if session.received else {}
    return Answer(status=308, headers=came)


def _split(request: Request) -> tuple[dict[str, Any], bytes]:
    """The metadata and the content of a multipart/related body, which are its two parts:

    --BOUNDARY, headers, empty line, JSON, --BOUNDARY, headers, empty line, content, --BOUNDARY--
    """
    match = re.search(r'boundary="?([^";]+)"?', request.headers.get("Content-Type", ""))
    mark = b"--" + match.group(1).encode() if match else b"\0"
    parts = request.body.split(mark, 2)
    if len(parts) < 3 or b"\r\n" + mark not in parts[2]:
        raise Refusal(400, "badContent", "Malformed multipart body.")
    fields = read_json(parts[1].partition(b"\r\n\r\n")[2])
    content = parts[2].partition(b"\r\n\r\n")[2]
    return fields, content[: content.rindex(b"\r\n" + mark)]
