"""The locations that books are read from: local files, gs:// and https://."""

from typing import Protocol

from byheart.components.download.bucket import Buckets
from byheart.components.download.https import Https
from byheart.components.download.local import LocalFiles
from byheart.contracts.errors import BookError


class Library(Protocol):
    """A kind of location. Its methods may be called from several threads at once."""

    def find(self, source: str) -> list[str]:
        """The addresses of the files that `source` names, which is a file, a folder or a glob; in order.

        Raises:
            BookError: the folder or glob names no file, or cannot be read.
        """
        ...

    def read(self, address: str) -> bytes:
        """The file's bytes.

        Raises:
            BookError: there is no such file, it cannot be read, or it has more than `MOST_BYTES`.
        """
        ...


class Libraries:
    """All kinds of locations, by the scheme of an address."""

    def __init__(self) -> None:
        self._local = LocalFiles()
        self._by_scheme: dict[str, Library] = {"gs": Buckets(), "https": Https()}

    def choose(self, address: str) -> Library:
        """The library that reads `address`.

        Raises:
            BookError: the address has another scheme.
        """
        scheme, separator, _ = address.partition("://")
        if not separator:
            return self._local
        if scheme not in self._by_scheme:
            remedy = "write https://" if scheme == "http" else "copy it to one of them"
            raise BookError(
                f"books must be local files, or at gs:// or https://, found {address}: {remedy}", parameter="books"
            )
        return self._by_scheme[scheme]
