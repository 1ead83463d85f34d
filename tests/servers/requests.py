"""A request, and the range that it asks for."""

import re
from dataclasses import dataclass
from email.message import Message
from urllib.parse import parse_qsl, urlsplit


@dataclass(frozen=True, kw_only=True)
class Request:
    """One request, whole or as much of it as came. `base` is the server's own address as the caller wrote it."""

    method: str
    url: str
    headers: Message
    body: bytes
    base: str

    @property
    def path(self) -> str:
        """The path, still percent-encoded: a `/` within a name is `%2F` there."""
        return urlsplit(self.url).path

    @property
    def query(self) -> dict[str, str]:
        """The parameters; of several with one name the last."""
        return dict(parse_qsl(urlsplit(self.url).query, keep_blank_values=True))


class RangeError(Exception):
    """A range begins beyond the end."""


def byte_range(header: str | None, size: int) -> tuple[int, int] | None:
    """The half-open range of `size` bytes that a Range header asks for; None where it asks for none.

        bytes=2-5 -> (2, 6)      bytes=2- -> (2, size)

    Raises:
        RangeError: it begins beyond the end.
    """
    match = re.fullmatch(r"bytes=(\d+)-(\d*)", header or "")
    if match is None:
        return None
    start, last = int(match[1]), match[2]
    if start >= size:
        raise RangeError
    return start, min(int(last) + 1, size) if last else size
