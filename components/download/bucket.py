"""Reading books in Google Cloud Storage."""

import contextlib
import functools
import itertools
import re
from collections.abc import Callable, Iterator

from fsspec.utils import glob_translate

from byheart.components.download.local import is_text
from byheart.components.download.size import MOST_BOOKS, check_count, check_size
from byheart.contracts.errors import BookError, StoreError
from byheart.store import Store, open_store

_SCHEME = "gs://"
_MAGIC = re.compile(r"[*?\[]")


class Buckets:
    """Objects by their gs:// addresses."""

    def __init__(self) -> None:
        self._bucket: Callable[[str], Store] = functools.cache(lambda bucket: open_store(_SCHEME + bucket, "books"))

    def find(self, source: str) -> list[str]:
        """The object itself, the `.txt` objects in a folder, or the objects that match a glob."""
        bucket, key = _split(source)
        magic = _MAGIC.search(key)
        if key and not key.endswith("/") and next(self._list_names(bucket, key), None) == key:
            return [source]
        if magic:
            names = self._match_names(bucket, key, key[: magic.start()].rpartition("/")[0])
            needed = f"{source} must match at least one object"
        else:
            folder = f"{key.rstrip('/')}/" if key else ""
            texts = (name for name in self._list_names(bucket, folder) if _is_text_in(name, folder))
            names = list(itertools.islice(texts, MOST_BOOKS + 1))
            needed = f"{source} must be an object, or a folder that holds at least one .txt object"
        check_count(len(names), source)
        if not names:
            raise BookError(f"{needed}, found none: check the address")
        return [f"{_SCHEME}{bucket}/{name}" for name in names]

    def read(self, address: str) -> bytes:
        """The object's bytes, after a check of its size."""
        self.measure_bytes(address)
        bucket, key = _split(address)
        with _as_book_errors():
            return self._bucket(bucket).read(key)

    def measure_bytes(self, address: str) -> int:
        """The object's size.

        Raises:
            BookError: there is no such object, or it has more than `MOST_BYTES`.
        """
        bucket, key = _split(address)
        with _as_book_errors():
            stored = next(self._bucket(bucket).list(key), None)
        if not stored or stored.name != key:
            raise BookError(
                f"books must name objects that exist, found no {address}: check the address", parameter="books"
            )
        check_size(stored.size_bytes, address)
        return stored.size_bytes

    def _list_names(self, bucket: str, prefix: str) -> Iterator[str]:
        with _as_book_errors():
            for stored in self._bucket(bucket).list(prefix):
                yield stored.name

    def _match_names(self, bucket: str, key: str, folder: str) -> list[str]:
        try:
            pattern = re.compile(glob_translate(key))
        except (ValueError, re.error) as error:
            raise BookError(f"{_SCHEME}{bucket}/{key} must be a glob, found: {error}: mend it") from None
        prefix = f"{folder}/" if folder else ""
        names = (
            name
            for name in self._list_names(bucket, prefix)
            if pattern.match(name) and not name.endswith("/") and not _is_hidden(name.removeprefix(prefix))
        )
        return list(itertools.islice(names, MOST_BOOKS + 1))


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
    """Whether a local glob would leave the name out."""
    return any(part.startswith(".") for part in name.split("/"))


@contextlib.contextmanager
def _as_book_errors() -> Iterator[None]:
    """Raise a BookError instead of a StoreError."""
    try:
        yield
    except StoreError as error:
        raise BookError(error.message, parameter=error.parameter, may_pass=error.may_pass) from None
