"""Buckets and objects in memory: a precondition and the write that it guards are one step, under one lock."""

import base64
import enum
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import google_crc32c

from tests.gcs.messages import Refusal


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
    """Bytes and their CRC32C in base64."""

    data: bytes
    crc32c: str

    @classmethod
    def of(cls, data: bytes) -> "Content":
        """The content that `data` is."""
        return cls(data, base64.b64encode(google_crc32c.value(data).to_bytes(4, "big")).decode())

    def verify(self, given: str | None) -> None:
        """Hold it against the checksum that its sender gave, if any.

        Raises:
            Refusal: 400, it has another.
        """
        if given not in (None, self.crc32c):
            message = f'Provided CRC32C "{given}" doesn\'t match calculated CRC32C "{self.crc32c}".'
            raise Refusal(400, "invalid", message)


@dataclass(frozen=True, kw_only=True)
class Stored:
    """One generation of an object, and the caller's own metadata with it."""

    bucket: str
    name: str
    content: Content
    generation: int
    metadata: Mapping[str, str] | None
    created: str

    def resource(self) -> dict[str, Any]:
        """The object as the JSON API shows it."""
        own = {"metadata": self.metadata} if self.metadata else {}
        return own | {
            "kind": "storage#object",
            "id": f"{self.bucket}/{self.name}/{self.generation}",
            "name": self.name,
            "bucket": self.bucket,
            "generation": str(self.generation),
            "metageneration": "1",
            "size": str(len(self.content.data)),
            "crc32c": self.content.crc32c,
            "timeCreated": self.created,
            "updated": self.created,
        }


@dataclass(frozen=True, kw_only=True)
class Conditions:
    """What must hold of the object that is there now: an object that is not there has generation 0."""

    generation: int | None = None
    generation_match: int | None = None

    @classmethod
    def of(cls, query: Mapping[str, str]) -> "Conditions":
        """Those of a call."""
        names = {"generation": "generation", "generation_match": "ifGenerationMatch"}
        return cls(**{field: int(query[name]) for field, name in names.items() if name in query})

    def check(self, found: Stored | None) -> None:
        """Hold them against what was found.

        Raises:
            Refusal: 412.
        """
        if self.generation_match not in (None, found.generation if found else 0):
            message = "At least one of the pre-conditions you specified did not hold."
            raise Refusal(412, "conditionNotMet", message, "If-Match")


ANY = Conditions()


class Storage:
    """All buckets. `page_size` is how many objects one page of a list holds."""

    def __init__(self, page_size: int = 1000) -> None:
        self.page_size = page_size
        self.lock = threading.RLock()
        self._access: dict[str, Access] = {}
        self._buckets: dict[str, dict[str, Stored]] = {}
        self._generation = 0

    def create_bucket(self, name: str, access: Access = Access.OPEN) -> None:
        """A new bucket."""
        with self.lock:
            self._buckets[name] = {}
            self._access[name] = access

    def open(self, bucket: str, permission: str) -> dict[str, Stored]:
        """The bucket's objects, for one who is allowed what `permission` names. Call it with the lock held.

        Raises:
            Refusal: 401, 403 or, where there is no such bucket, 404.
        """
        access = self._access.get(bucket, Access.OPEN)
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
            found = self._find(bucket, name, "storage.objects.get", conditions)
            conditions.check(found)
            return found

    def check(self, bucket: str, name: str, conditions: Conditions) -> None:
        """Whether an object could be created now; a resumable upload asks before any byte is sent."""
        with self.lock:
            conditions.check(self.open(bucket, "storage.objects.create").get(name))

    def put(
        self, bucket: str, name: str, content: Content, fields: Mapping[str, Any], conditions: Conditions = ANY
    ) -> Stored:
        """The new generation."""
        with self.lock:
            objects = self.open(bucket, "storage.objects.create")
            conditions.check(objects.get(name))
            self._generation = max(self._generation + 1, time.time_ns() // 1000)
            objects[name] = Stored(
                bucket=bucket,
                name=name,
                content=content,
                generation=self._generation,
                metadata=fields.get("metadata"),
                created=_now(),
            )
            return objects[name]

    def delete(self, bucket: str, name: str) -> None:
        """Remove the object."""
        with self.lock:
            self._find(bucket, name, "storage.objects.delete", ANY)
            del self._buckets[bucket][name]

    def list(self, bucket: str) -> list[Stored]:
        """The bucket's objects in the order of their names' UTF-8 bytes."""
        with self.lock:
            objects = self.open(bucket, "storage.objects.list")
            return [objects[name] for name in sorted(objects, key=str.encode)]

    def _find(self, bucket: str, name: str, permission: str, conditions: Conditions) -> Stored:
        found = self.open(bucket, permission).get(name)
        if found is None or conditions.generation not in (None, found.generation):
            raise Refusal(404, "notFound", f"No such object: {bucket}/{name}")
        return found


def _now() -> str:
    now = time.time()
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(now)) + f".{int(now * 1000) % 1000:03d}Z"
