"""Buckets and objects in memory: a precondition and the write that it guards are one step, under one lock."""

import base64
import dataclasses
import enum
import hashlib
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import google_crc32c

from tests.gcs.messages import Refusal

WRITABLE = ("cacheControl", "contentDisposition", "contentEncoding", "contentLanguage", "contentType", "customTime")
"""The fields of an object's metadata that a caller sets, beside `metadata`, which holds the caller's own."""


class Access(enum.Enum):
    """What callers may do with a bucket."""

    OPEN = "open"
    OBJECTS_ONLY = "objects_only"
    """As the role storage.objectUser has it: objects, and nothing of the bucket itself."""
    READ_ONLY = "read_only"
    FORBIDDEN = "forbidden"
    UNAUTHORIZED = "unauthorized"


@dataclass(frozen=True)
class Content:
    """Bytes and their checksums, in base64; md5 is None for an object that was put together from parts."""

    data: bytes
    crc32c: str
    md5: str | None

    @classmethod
    def of(cls, data: bytes, whole: bool = True) -> "Content":
        """The content that `data` is."""
        crc32c = base64.b64encode(google_crc32c.value(data).to_bytes(4, "big")).decode()
        return cls(data, crc32c, base64.b64encode(hashlib.md5(data).digest()).decode() if whole else None)

    def verify(self, crc32c: str | None, md5: str | None, reason: str = "invalid") -> None:
        """Hold it against the checksums that its sender gave.

        Raises:
            Refusal: 400, it has another.
        """
        for name, given, found in (("CRC32C", crc32c, self.crc32c), ("MD5 hash", md5, self.md5)):
            if given is not None and found is not None and given != found:
                message = f'Provided {name} "{given}" doesn\'t match calculated {name} "{found}".'
                raise Refusal(400, reason, message)


@dataclass(frozen=True, kw_only=True)
class Stored:
    """One generation of an object."""

    bucket: str
    name: str
    content: Content
    generation: int
    metageneration: int = 1
    fields: Mapping[str, Any]
    components: int | None = None
    created: str
    updated: str

    def resource(self, base: str) -> dict[str, Any]:
        """The object as the JSON API shows it."""
        place = f"{quote(self.bucket, safe='')}/o/{quote(self.name, safe='')}"
        shown = {
            "kind": "storage#object",
            "id": f"{self.bucket}/{self.name}/{self.generation}",
            "selfLink": f"{base}/storage/v1/b/{place}",
            "mediaLink": f"{base}/download/storage/v1/b/{place}?generation={self.generation}&alt=media",
            "name": self.name,
            "bucket": self.bucket,
            "generation": str(self.generation),
            "metageneration": str(self.metageneration),
            "contentType": "application/octet-stream",
            "storageClass": "STANDARD",
            "size": str(len(self.content.data)),
            "crc32c": self.content.crc32c,
            "md5Hash": self.content.md5,
            "etag": self.etag,
            "componentCount": self.components,
            "timeCreated": self.created,
            "updated": self.updated,
        } | dict(self.fields)
        return {key: value for key, value in shown.items() if value is not None}

    @property
    def etag(self) -> str:
        """A string that changes with every write of bytes or metadata."""
        return base64.b64encode(f"{self.generation}.{self.metageneration}".encode()).decode()


@dataclass(frozen=True, kw_only=True)
class Conditions:
    """What must hold of the object that is there now."""

    generation: int | None = None
    generation_match: int | None = None
    generation_not_match: int | None = None
    metageneration_match: int | None = None
    metageneration_not_match: int | None = None

    @classmethod
    def of(cls, query: Mapping[str, str], source: bool = False) -> "Conditions":
        """Those of a call; `source` takes the ones about the object that is copied."""
        prefix = "ifSource" if source else "if"
        names = {
            "generation": "sourceGeneration" if source else "generation",
            "generation_match": f"{prefix}GenerationMatch",
            "generation_not_match": f"{prefix}GenerationNotMatch",
            "metageneration_match": f"{prefix}MetagenerationMatch",
            "metageneration_not_match": f"{prefix}MetagenerationNotMatch",
        }
        try:
            return cls(**{field: int(query[name]) for field, name in names.items() if name in query})
        except ValueError as error:
            raise Refusal(400, "invalid", f"Invalid value for a precondition: {error}") from None

    def check(self, found: Stored | None, reads: bool = False) -> None:
        """Hold them against what was found; an object that is not there has generation 0.

        Raises:
            Refusal: 412, or 304 where a read asks for anything but this generation.
        """
        self.compare(*(0, 0) if found is None else (found.generation, found.metageneration), reads)

    def compare(self, generation: int, metageneration: int, reads: bool = False) -> None:
        """The same by the numbers; a bucket's generation is not asked about."""
        if self.generation_match not in (None, generation) or self.metageneration_match not in (None, metageneration):
            raise _failed()
        same = self.generation_not_match == generation or self.metageneration_not_match == metageneration
        if same:
            raise Refusal(304, "notModified", "Not Modified") if reads else _failed()


ANY = Conditions()


def _failed() -> Refusal:
    message = "At least one of the pre-conditions you specified did not hold."
    return Refusal(412, "conditionNotMet", message, "If-Match")


class Storage:
    """All buckets. `page_size` is how many entries of a list one page holds; `access` says what is allowed where."""

    def __init__(self, page_size: int = 1000) -> None:
        self.page_size = page_size
        self.access: dict[str, Access] = {}
        self.lock = threading.RLock()
        self._buckets: dict[str, dict[str, Stored]] = {}
        self._described: dict[str, dict[str, Any]] = {}
        self._generation = 0

    def create_bucket(self, name: str, access: Access = Access.OPEN) -> dict[str, Any]:
        """The new bucket as the JSON API shows it."""
        with self.lock:
            if name in self._buckets:
                raise Refusal(409, "conflict", "Your previous request to create the named bucket succeeded.")
            self._buckets[name] = {}
            self.access[name] = access
            self._described[name] = {
                "kind": "storage#bucket",
                "id": name,
                "name": name,
                "metageneration": "1",
                "location": "US",
                "storageClass": "STANDARD",
                "timeCreated": _now(),
            }
            return self._described[name]

    def buckets(self) -> list[dict[str, Any]]:
        """Every bucket, by name."""
        with self.lock:
            return [self._described[name] for name in sorted(self._buckets)]

    def bucket(self, name: str, conditions: Conditions = ANY) -> dict[str, Any]:
        """That bucket as the JSON API shows it."""
        with self.lock:
            self.open(name, "storage.buckets.get")
            conditions.compare(0, int(self._described[name]["metageneration"]), reads=True)
            return self._described[name]

    def patch_bucket(self, name: str, changes: Mapping[str, Any], conditions: Conditions) -> dict[str, Any]:
        """That bucket with other metadata."""
        with self.lock:
            self.open(name, "storage.buckets.update")
            found = self._described[name]
            conditions.compare(0, int(found["metageneration"]))
            self._described[name] = {**found, **changes, "metageneration": str(int(found["metageneration"]) + 1)}
            return self._described[name]

    def delete_bucket(self, name: str, conditions: Conditions = ANY) -> None:
        """Remove an empty bucket."""
        with self.lock:
            objects = self.open(name, "storage.buckets.delete")
            conditions.compare(0, int(self._described[name]["metageneration"]))
            if objects:
                raise Refusal(409, "conflict", "The bucket you tried to delete is not empty.")
            del self._buckets[name], self._described[name], self.access[name]

    def open(self, bucket: str, permission: str) -> dict[str, Stored]:
        """The bucket's objects, for one who is allowed what `permission` names. Call it with the lock held.

        Raises:
            Refusal: 401, 403 or, where there is no such bucket, 404.
        """
        access = self.access.get(bucket, Access.OPEN)
        writes = permission.rpartition(".")[2] not in ("get", "list")
        refused = f"access to the Google Cloud Storage object. Permission '{permission}' denied on resource (or it may "
        refused = f"does not have {permission} {refused}not exist)."
        if access is Access.UNAUTHORIZED:
            raise Refusal(401, "required", f"Anonymous caller {refused}", "Authorization")
        of_bucket = access is Access.OBJECTS_ONLY and permission.startswith("storage.buckets.")
        if access is Access.FORBIDDEN or (access is Access.READ_ONLY and writes) or of_bucket:
            raise Refusal(403, "forbidden", f"tester@test.iam.gserviceaccount.com {refused}")
        if bucket not in self._buckets:
            raise Refusal(404, "notFound", "The specified bucket does not exist.")
        return self._buckets[bucket]

    def get(self, bucket: str, name: str, conditions: Conditions = ANY) -> Stored:
        """The object, for one who reads it."""
        with self.lock:
            return self._find(bucket, name, "storage.objects.get", conditions, reads=True)

    def check(self, bucket: str, name: str, conditions: Conditions) -> None:
        """Whether an object could be created now; a resumable upload asks before any byte is sent."""
        with self.lock:
            conditions.check(self.open(bucket, "storage.objects.create").get(name))

    def put(
        self,
        bucket: str,
        name: str,
        content: Content,
        fields: Mapping[str, Any],
        conditions: Conditions = ANY,
        components: int | None = None,
    ) -> Stored:
        """The new generation."""
        kept = {key: fields[key] for key in (*WRITABLE, "metadata") if fields.get(key) is not None}
        with self.lock:
            objects = self.open(bucket, "storage.objects.create")
            conditions.check(objects.get(name))
            self._generation = max(self._generation + 1, time.time_ns() // 1000)
            objects[name] = Stored(
                bucket=bucket,
                name=name,
                content=content,
                generation=self._generation,
                fields=kept,
                components=components,
                created=_now(),
                updated=_now(),
            )
            return objects[name]

    def patch(self, bucket: str, name: str, changes: Mapping[str, Any], conditions: Conditions, whole: bool) -> Stored:
        """The object with other metadata; `whole` replaces all of it, as PUT does, and a null removes a field."""
        with self.lock:
            found = self._find(bucket, name, "storage.objects.update", conditions)
            fields = {} if whole else dict(found.fields)
            for key in WRITABLE:
                if key in changes:
                    fields[key] = changes[key]
            if "metadata" in changes:
                own = {**fields.get("metadata", {}), **(changes["metadata"] or {})}
                kept = {key: value for key, value in own.items() if value is not None}
                fields["metadata"] = kept if changes["metadata"] is not None else None
            fields = {key: value for key, value in fields.items() if value is not None}
            changed = dataclasses.replace(found, fields=fields, metageneration=found.metageneration + 1, updated=_now())
            self._buckets[bucket][name] = changed
            return changed

    def delete(self, bucket: str, name: str, conditions: Conditions = ANY) -> None:
        """Remove the object."""
        with self.lock:
            self._find(bucket, name, "storage.objects.delete", conditions)
            del self._buckets[bucket][name]

    def names(self, bucket: str) -> list[Stored]:
        """The bucket's objects in the order of their names' UTF-8 bytes."""
        with self.lock:
            objects = self.open(bucket, "storage.objects.list")
            return [objects[name] for name in sorted(objects, key=str.encode)]

    def _find(self, bucket: str, name: str, permission: str, conditions: Conditions, *, reads: bool = False) -> Stored:
        found = self.open(bucket, permission).get(name)
        if found is None or conditions.generation not in (None, found.generation):
            raise Refusal(404, "notFound", f"No such object: {bucket}/{name}")
        conditions.check(found, reads)
        return found


def _now() -> str:
    now = time.time()
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(now)) + f".{int(now * 1000) % 1000:03d}Z"
