"""Where books may be: files here, objects at gs://, addresses at https://."""

from typing import Protocol

from byheart.components.download.bucket import Buckets
from byheart.components.download.https import Https
from byheart.components.download.local import LocalFiles
from byheart.contracts.errors import BookError


class Library(Protocol):
    """Files by their addresses. Both methods may be called from several threads at once."""

    def find(self, source: str) -> list[str]:
        """The addresses of the files that a file's name, a folder or a glob stands for, in order.

        Raises:
            BookError: it is a folder or a glob that stands for none, or cannot be looked into.
        """
        ...

    def read(self, address: str) -> bytes:
        """The file's bytes.

        Raises:
            BookError: there is none, it cannot be read, or has more than `MOST_BYTES`.
        """
        ...


class Libraries:
    """All of them, told apart by how an address begins."""

    def __init__(self) -> None:
        self._here = LocalFiles()
        self._elsewhere: dict[str, Library] = {"gs": Buckets(), "https": Https()}

    def of(self, address: str) -> Library:
        """Where `address` leads.

        Raises:
            BookError: that is nowhere that is known.
        """
        scheme, separator, _ = address.partition("://")
        if not separator:
            return self._here
        if scheme not in self._elsewhere:
            remedy = "write https://" if scheme == "http" else "copy it to one of them"
            raise BookError(
                f"books must be local files, or at gs:// or https://, found {address}: {remedy}", parameter="books"
            )
        return self._elsewhere[scheme]
