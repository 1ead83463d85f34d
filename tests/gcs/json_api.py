"""The JSON API on buckets and objects: metadata, lists, downloads and copies."""

import base64
from typing import Any

from tests.gcs.messages import Answer, Refusal, Request, answer_json, byte_range, select
from tests.gcs.objects import Conditions, Content, Storage, Stored


def create_bucket(storage: Storage, request: Request) -> Answer:
    """POST /b"""
    return answer_json(storage.create_bucket(request.json()["name"]))


def list_buckets(storage: Storage, request: Request) -> Answer:
    """GET /b"""
    prefix = request.query.get("prefix", "")
    entries = [bucket for bucket in storage.buckets() if bucket["name"].startswith(prefix)]
    page, token = _page(storage, request, entries, "name")
    return answer_json({"kind": "storage#buckets", "items": page} | token)


def get_bucket(storage: Storage, request: Request, bucket: str) -> Answer:
    """GET /b/BUCKET"""
    return answer_json(storage.bucket(bucket, Conditions.of(request.query)))


def patch_bucket(storage: Storage, request: Request, bucket: str) -> Answer:
    """PATCH /b/BUCKET"""
    return answer_json(storage.patch_bucket(bucket, request.json(), Conditions.of(request.query)))


def delete_bucket(storage: Storage, request: Request, bucket: str) -> Answer:
    """DELETE /b/BUCKET"""
    storage.delete_bucket(bucket, Conditions.of(request.query))
    return Answer(status=204)


def list_objects(storage: Storage, request: Request, bucket: str) -> Answer:
    """GET /b/BUCKET/o; a page is filled by objects and by prefixes, in the order of their names."""
    query = request.query
    prefix, delimiter = query.get("prefix", ""), query.get("delimiter", "")
    start, stop = query.get("startOffset", "").encode(), query.get("endOffset", "").encode()
    entries: dict[str, Stored | None] = {}
    for stored in storage.names(bucket):
        name = stored.name
        if not name.startswith(prefix) or name.encode() < start or (stop and name.encode() >= stop):
            continue
        rest = name[len(prefix) :]
        if delimiter and delimiter in rest:
            entries.setdefault(prefix + rest[: rest.index(delimiter) + len(delimiter)], None)
        else:
            entries[name] = stored
    page, token = _page(storage, request, [{"name": name, "stored": entry} for name, entry in entries.items()], "name")
    answer: dict[str, Any] = {"kind": "storage#objects"} | token
    if items := [entry["stored"].resource(request.base) for entry in page if entry["stored"] is not None]:
        answer["items"] = items
    if prefixes := [entry["name"] for entry in page if entry["stored"] is None]:
        answer["prefixes"] = prefixes
    return answer_json(select(answer, query.get("fields")))


def _page(
    storage: Storage, request: Request, entries: list[dict[str, Any]], key: str
) -> tuple[list[dict[str, Any]], dict[str, str]]:
    """One page of `entries`, and the token of the next; a token is the last name that was shown."""
    query = request.query
    if "pageToken" in query:
        try:
            last = base64.urlsafe_b64decode(query["pageToken"])
        except ValueError:
            raise Refusal(400, "invalid", "Invalid argument.") from None
        entries = [entry for entry in entries if entry[key].encode() > last]
    size = min(int(query.get("maxResults", storage.page_size)), storage.page_size)
    page = entries[:size]
    if len(entries) == len(page):
        return page, {}
    return page, {"nextPageToken": base64.urlsafe_b64encode(page[-1][key].encode()).decode()}


def get_object(storage: Storage, request: Request, bucket: str, name: str) -> Answer:
    """GET /b/BUCKET/o/OBJECT: its metadata, or with alt=media its content."""
    media = request.query.get("alt") == "media"
    try:
        stored = storage.get(bucket, name, Conditions.of(request.query))
        if media:
            return download(stored, request.headers.get("Range"))
    except Refusal as refusal:
        if media:
            return refusal.as_text()
        raise
    shown = select(stored.resource(request.base), request.query.get("fields"))
    return answer_json(shown, headers={"ETag": stored.etag})


def download(stored: Stored, wanted: str | None) -> Answer:
    """The object's content, or the range of it that is wanted."""
    data = stored.content.data
    sums = [f"crc32c={stored.content.crc32c}"] + [f"md5={stored.content.md5}"] * (stored.content.md5 is not None)
    headers = {
        "Content-Type": stored.fields.get("contentType", "application/octet-stream"),
        "ETag": stored.etag,
        "Accept-Ranges": "bytes",
        "X-Goog-Generation": str(stored.generation),
        "X-Goog-Metageneration": str(stored.metageneration),
        "X-Goog-Hash": ",".join(sums),
        "X-Goog-Storage-Class": "STANDARD",
        "X-Goog-Stored-Content-Length": str(len(data)),
        "X-Goog-Stored-Content-Encoding": stored.fields.get("contentEncoding", "identity"),
    }
    wants = byte_range(wanted, len(data))
    if wants is None:
        return Answer(body=data, headers=headers, media=True)
    start, stop = wants
    headers["Content-Range"] = f"bytes {start}-{stop - 1}/{len(data)}"
    return Answer(status=206, body=data[start:stop], headers=headers, media=True)


def delete_object(storage: Storage, request: Request, bucket: str, name: str) -> Answer:
    """DELETE /b/BUCKET/o/OBJECT"""
    storage.delete(bucket, name, Conditions.of(request.query))
    return Answer(status=204)


def patch_object(storage: Storage, request: Request, bucket: str, name: str) -> Answer:
    """PATCH or PUT /b/BUCKET/o/OBJECT"""
    conditions, whole = Conditions.of(request.query), request.method == "PUT"
    return answer_json(storage.patch(bucket, name, request.json(), conditions, whole).resource(request.base))


def _copy(storage: Storage, request: Request, names: tuple[str, str, str, str]) -> Stored:
    source_bucket, source_name, bucket, name = names
    with storage.lock:
        source = storage.get(source_bucket, source_name, Conditions.of(request.query, source=True))
        fields = request.json() or source.fields
        conditions = Conditions.of(request.query)
        return storage.put(bucket, name, source.content, fields, conditions, source.components)


def rewrite_object(storage: Storage, request: Request, *names: str) -> Answer:
    """POST /b/BUCKET/o/OBJECT/rewriteTo/b/BUCKET/o/OBJECT, in one call whatever the size"""
    source_bucket, source_name, bucket, name = names
    stored = _copy(storage, request, (source_bucket, source_name, bucket, name))
    size = str(len(stored.content.data))
    done = {"kind": "storage#rewriteResponse", "totalBytesRewritten": size, "objectSize": size, "done": True}
    return answer_json(done | {"resource": stored.resource(request.base)})


def copy_object(storage: Storage, request: Request, *names: str) -> Answer:
    """POST /b/BUCKET/o/OBJECT/copyTo/b/BUCKET/o/OBJECT"""
    source_bucket, source_name, bucket, name = names
    return answer_json(_copy(storage, request, (source_bucket, source_name, bucket, name)).resource(request.base))


def compose_object(storage: Storage, request: Request, bucket: str, name: str) -> Answer:
    """POST /b/BUCKET/o/OBJECT/compose"""
    wanted = request.json()
    sources = wanted.get("sourceObjects", [])
    if not 0 < len(sources) <= 32:
        raise Refusal(400, "invalid", "The number of source components provided must be between 1 and 32.")
    with storage.lock:
        found = []
        for source in sources:
            generation = source.get("generation")
            match = source.get("objectPreconditions", {}).get("ifGenerationMatch")
            conditions = Conditions(
                generation=None if generation is None else int(generation),
                generation_match=None if match is None else int(match),
            )
            found.append(storage.get(bucket, source["name"], conditions))
        content = Content.of(b"".join(stored.content.data for stored in found), whole=False)
        components = sum(stored.components or 1 for stored in found)
        fields = {"contentType": found[0].fields.get("contentType")} | wanted.get("destination", {})
        stored = storage.put(bucket, name, content, fields, Conditions.of(request.query), components)
    return answer_json(stored.resource(request.base))
