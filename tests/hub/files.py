"""Files, their digests, and which of them are large."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

LARGE_BYTES = 10_000_000
LARGE_SUFFIXES = (".bin", ".gguf", ".h5", ".msgpack", ".npz", ".onnx", ".parquet", ".pt", ".pth", ".safetensors")
"""Files so large or so called are kept by Git LFS: the repository holds a pointer to them."""


Source = bytes | Path


@dataclass(frozen=True, kw_only=True)
class File:
    """A file of a commit. `blob_id` is what git calls it; of a large one, what git calls the pointer to it."""

    name: str
    source: Source
    size_bytes: int
    blob_id: str
    sha256: str | None
    pointer_bytes: int

    @classmethod
    def of(cls, name: str, source: Source) -> "File":
        """The file `name`, which is large by its name or its size."""
        size = len(source) if isinstance(source, bytes) else source.stat().st_size
        if size <= LARGE_BYTES and not name.endswith(LARGE_SUFFIXES):
            data = source if isinstance(source, bytes) else source.read_bytes()
            return cls(name=name, source=data, size_bytes=size, blob_id=blob_id(data), sha256=None, pointer_bytes=0)
        sha256 = _sha256(source)
        pointer = f"version https://git-lfs.github.com/spec/v1\noid sha256:{sha256}\nsize {size}\n".encode()
        return cls(
            name=name,
            source=source,
            size_bytes=size,
            blob_id=blob_id(pointer),
            sha256=sha256,
            pointer_bytes=len(pointer),
        )

    @property
    def etag(self) -> str:
        """What names the content, as in the client's cache: the SHA-256 of a large file, git's name of another."""
        return self.sha256 or self.blob_id


def blob_id(data: bytes) -> str:
    """What git calls a file of these bytes."""
    return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()


def _sha256(source: Source) -> str:
    if isinstance(source, bytes):
        return hashlib.sha256(source).hexdigest()
    with source.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
