"""Books in Google Cloud Storage."""

import contextlib
import functools
import re
from collections.abc import Callable, Iterator

from fsspec.utils import glob_translate

from byheart.components.download.local import is_text
from byheart.components.download.size import check_size
from byheart.contracts.errors import BookError, StoreError
from byheart.store import Store, open_store

_SCHEME = "gs://"
_MAGIC = re.compile(r"[*?\[]")


class Buckets:
    """Objects by their gs:// addresses."""

    def __init__(self) -> None:
        self._bucket: Callable[[str], Store] = functools.cache(lambda bucket: open_store(_SCHEME + bucket, "books"))

    def find(self, source: str) -> list[str]:
        """An object's address as it is, the `.txt` objects in a folder, or the objects that match a glob."""
        bucket, key = _split(source)
        magic = _MAGIC.search(key)
        if key and not key.endswith("/") and next(self._names(bucket, key), None) == key:
            return [source]
        if magic:
            names = self._matching(bucket, key, key[: magic.start()].rpartition("/")[0])
            needed = f"{source} must match at least one object"
        else:
            folder = f"{key.rstrip('/')}/" if key else ""
            names = [name for name in self._names(bucket, folder) if _is_text_in(name, folder)]
            needed = f"{source} must be an object, or a folder that holds at least one .txt object"
        if not names:
            raise BookError(f"{needed}, found none: check the address")
        return [f"{_SCHEME}{bucket}/{name}" for name in names]

    def read(self, address: str) -> bytes:
        """The object's bytes; its size is known before."""
        self.size_bytes(address)
        bucket, key = _split(address)
        with _of_a_book():
            return self._bucket(bucket).read(key)

    def size_bytes(self, address: str) -> int:
        """The object's size.

        Raises:
            BookError: there is none, or it has more than `MOST_BYTES`.
        """
        bucket, key = _split(address)
        with _of_a_book():
            found = next(self._bucket(bucket).list(key), None)
        if not found or found.name != key:
            raise BookError(
                f"books must name objects that exist, found no {address}: check the address", parameter="books"
            )
        check_size(found.size_bytes, address)
        return found.size_bytes

    def _names(self, bucket: str, prefix: str) -> Iterator[str]:
        with _of_a_book():
            for stored in self._bucket(bucket).list(prefix):
                yield stored.name

    def _matching(self, bucket: str, key: str, folder: str) -> list[str]:
        try:
            pattern = re.compile(glob_translate(key))
        except (ValueError, re.error) as error:
            raise BookError(f"{_SCHEME}{bucket}/{key} must be a glob, found: {error}: mend it") from None
        prefix = f"{folder}/" if folder else ""
        return [
            name
            for name in self._names(bucket, prefix)
            if pattern.match(name) and not name.endswith("/") and not _is_hidden(name.removeprefix(prefix))
        ]


def _split(address: str) -> tuple[str, str]:
    bucket, _, key = address.removeprefix(_SCHEME).partition("/")
    if not bucket:
        raise BookError(
            f"books must name a bucket, found {address}: give one, such as gs://my-bucket/book.txt", parameter="books"
        )
    return bucket, key


def _is_text_in(name: str, folder: str) -> bool:
    rest = name.removeprefix(folder)
    return "/" not in rest and is_text(rest)


def _is_hidden(name: str) -> bool:
    """Whether a local glob would leave it out."""
    return any(part.startswith(".") for part in name.split("/"))


@contextlib.contextmanager
def _of_a_book() -> Iterator[None]:
    """Turn what a store refuses into an error of the book that is asked for."""
    try:
        yield
    except StoreError as error:
        raise BookError(error.message, parameter=error.parameter, may_pass=error.may_pass) from None
