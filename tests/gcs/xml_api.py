"""XML multipart uploads, with which `transfer_manager.upload_chunks_concurrently` sends a large file.

The service offers no preconditions here, and the object has no md5. So does this.
"""

import hashlib
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from xml.etree import ElementTree

from tests.gcs.messages import Answer, Refusal, Request, checksums
from tests.gcs.objects import Content, Storage

NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/"


@dataclass(kw_only=True)
class Assembly:
    """An upload in parts: their ETags and contents by number."""

    bucket: str
    name: str
    fields: Mapping[str, object]
    parts: dict[int, tuple[str, bytes]] = field(default_factory=dict)


class Assemblies:
    """The XML multipart uploads that are under way, by their id."""

    def __init__(self) -> None:
        self.under_way: dict[str, Assembly] = {}

    def post(self, storage: Storage, request: Request, bucket: str, name: str) -> Answer:
        """POST ?uploads begins one, POST ?uploadId=... with the list of parts ends it."""
        if "uploads" in request.query:
            return self._begin(storage, request, bucket, name)
        key, assembly = self._find(request)
        content = Content.of(b"".join(self._listed(assembly, request.body)), whole=False)
        with storage.lock:
            stored = storage.put(bucket, name, content, assembly.fields)
            self.under_way.pop(key, None)
        return _xml("CompleteMultipartUploadResult", Bucket=bucket, Key=name, ETag=f'"{stored.etag}"')

    def _begin(self, storage: Storage, request: Request, bucket: str, name: str) -> Answer:
        mark = "x-goog-meta-"
        own = {key[len(mark) :]: value for key, value in request.headers.items() if key.lower().startswith(mark)}
        fields = {"contentType": request.headers.get("Content-Type"), "metadata": own or None}
        key = uuid.uuid4().hex
        with storage.lock:
            storage.open(bucket, "storage.objects.create")
            self.under_way[key] = Assembly(bucket=bucket, name=name, fields=fields)
        return _xml("InitiateMultipartUploadResult", Bucket=bucket, Key=name, UploadId=key)

    def put(self, storage: Storage, request: Request, _: str, __: str) -> Answer:
        """PUT ?partNumber=...&uploadId=...; sent again, a part takes the place of what was sent before."""
        _, assembly = self._find(request)
        content = Content.of(request.body)
        sums = checksums(request.headers.get("X-Goog-Hash"))
        content.verify(sums.get("crc32c"), sums.get("md5"), reason="invalidDigest")
        etag = f'"{hashlib.md5(request.body).hexdigest()}"'
        with storage.lock:
            assembly.parts[int(request.query["partNumber"])] = etag, request.body
        return Answer(headers={"ETag": etag, "X-Goog-Hash": f"crc32c={content.crc32c},md5={content.md5}"})

    def delete(self, storage: Storage, request: Request, _: str, __: str) -> Answer:
        """DELETE ?uploadId=... gives one up."""
        with storage.lock:
            key, _assembly = self._find(request)
            del self.under_way[key]
        return Answer(status=204)

    def _find(self, request: Request) -> tuple[str, Assembly]:
        key = request.query.get("uploadId", "")
        if key not in self.under_way:
            raise Refusal(404, "noSuchUpload", "The requested upload was not found.")
        return key, self.under_way[key]

    @staticmethod
    def _listed(assembly: Assembly, body: bytes) -> list[bytes]:
        """The parts that are listed, in the order of their numbers."""
        found = {}
        for part in ElementTree.fromstring(body).iter():
            if part.tag.rpartition("}")[2] == "Part":
                shown = {child.tag.rpartition("}")[2]: child.text or "" for child in part}
                number = int(shown["PartNumber"])
                if assembly.parts.get(number, ("", b""))[0] != shown["ETag"]:
                    raise Refusal(400, "invalidPart", f"Part {number} was not uploaded or has another ETag.")
                found[number] = assembly.parts[number][1]
        if not found:
            raise Refusal(400, "invalidPart", "No part is listed.")
        return [found[number] for number in sorted(found)]


def _xml(tag: str, **fields: str) -> Answer:
    root = ElementTree.Element(tag, xmlns=NAMESPACE)
    for name, value in fields.items():
        ElementTree.SubElement(root, name).text = value
    return Answer(
        body=ElementTree.tostring(root, encoding="utf-8", xml_declaration=True),
        headers={"Content-Type": "application/xml; charset=UTF-8"},
    )
