"""The locations that books are read from: local files, gs:// and https://."""

import os
from typing import Protocol

from byheart.components.download.bucket import Buckets
from byheart.components.download.https import Https
from byheart.components.download.local import LocalFiles
from byheart.contracts.errors import BookError
from byheart.contracts.foreign import strip_address

_IN_A_POD = "KUBERNETES_SERVICE_HOST"
"""The environment variable that Kubernetes sets in every container."""


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
        if not separator and _IN_A_POD in os.environ:
            raise BookError(
                f"books on a cluster must be at gs:// or https://, found {address}: a pod's own files are no books, "
                "so bring them to a bucket",
                parameter="books",
            )
        if not separator:
            return self._local
        if scheme not in self._by_scheme:
            remedy = "write https://" if scheme == "http" else "copy it to one of them"
            raise BookError(
                f"books must be local files, or at gs:// or https://, found {strip_address(address)}: {remedy}",
                parameter="books",
            )
        return self._by_scheme[scheme]
