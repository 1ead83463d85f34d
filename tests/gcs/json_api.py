"""The JSON API on objects: metadata, lists, downloads and composition."""

import base64
from typing import Any

from tests.gcs.messages import Answer, Refusal, answer_json, read_json
from tests.gcs.objects import Conditions, Content, Storage, Stored
from tests.servers.requests import RangeError, Request, byte_range


def get_bucket(storage: Storage, _: Request, bucket: str) -> Answer:
    """GET /b/BUCKET: the client asks for it behind its caller's back."""
    with storage.lock:
        storage.open(bucket, "storage.buckets.get")
    return answer_json({"kind": "storage#bucket", "id": bucket, "name": bucket, "location": "US"})


def list_objects(storage: Storage, request: Request, bucket: str) -> Answer:
    """GET /b/BUCKET/o: one page; the token of the next is the last name that was shown."""
    prefix, token = request.query.get("prefix", ""), request.query.get("pageToken", "")
    last = base64.urlsafe_b64decode(token)
    found = [stored for stored in storage.list(bucket) if stored.name.startswith(prefix)]
    found = [stored for stored in found if stored.name.encode() > last]
    page = found[: min(int(request.query.get("maxResults", storage.page_size)), storage.page_size)]
    answer: dict[str, Any] = {"kind": "storage#objects"}
    if page:
        answer["items"] = [stored.resource() for stored in page]
    if len(page) < len(found):
        answer["nextPageToken"] = base64.urlsafe_b64encode(page[-1].name.encode()).decode()
    return answer_json(answer)


def get_object(storage: Storage, request: Request, bucket: str, name: str) -> Answer:
    """GET /b/BUCKET/o/OBJECT: its metadata, or with alt=media its content."""
    media = request.query.get("alt") == "media"
    try:
        stored = storage.get(bucket, name, Conditions.of(request.query))
        if media:
            return _download(stored, request.headers.get("Range"))
    except Refusal as refusal:
        if media:
            return refusal.as_text()
        raise
    fields = request.query.get("fields")
    shown = stored.resource()
    return answer_json({field: shown[field] for field in fields.split(",")} if fields else shown)


def _download(stored: Stored, wanted: str | None) -> Answer:
    """The object's content, or the range of it that is wanted."""
    data = stored.content.data
    headers = {
        "Content-Type": "application/octet-stream",
        "X-Goog-Generation": str(stored.generation),
        "X-Goog-Hash": f"crc32c={stored.content.crc32c}",
        "X-Goog-Stored-Content-Length": str(len(data)),
    }
    try:
        span = byte_range(wanted, len(data))
    except RangeError:
        raise Refusal(416, "requestedRangeNotSatisfiable", "Request range not satisfiable") from None
    if span is None:
        return Answer(body=data, headers=headers, media=True)
    start, stop = span
    headers["Content-Range"] = f"bytes {start}-{stop - 1}/{len(data)}"
    return Answer(status=206, body=data[start:stop], headers=headers, media=True)


def delete_object(storage: Storage, _: Request, bucket: str, name: str) -> Answer:
    """DELETE /b/BUCKET/o/OBJECT"""
    storage.delete(bucket, name)
    return Answer(status=204)


def compose_object(storage: Storage, request: Request, bucket: str, name: str) -> Answer:
    """POST /b/BUCKET/o/OBJECT/compose"""
    sources = read_json(request.body).get("sourceObjects", [])
    if not 0 < len(sources) <= 32:
        raise Refusal(400, "invalid", "The number of source components provided must be between 1 and 32.")
    with storage.lock:
        found = [storage.get(bucket, source["name"]) for source in sources]
        content = Content.of(b"".join(stored.content.data for stored in found))
        stored = storage.put(bucket, name, content, {}, Conditions.of(request.query))
    return answer_json(stored.resource())
