"""Requests, answers, refusals in the Hub's words, and lines of the journal."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.message import Message
from typing import Literal
from urllib.parse import parse_qs, urlsplit

from tests.hub.files import File

Origin = Literal["hub", "cdn"]


@dataclass(frozen=True, kw_only=True)
class Request:
    """One request, whole. `base` is the origin's own address as the caller wrote it."""

    method: str
    url: str
    headers: Message
    body: bytes
    base: str

    @property
    def path(self) -> str:
        """The path, still percent-encoded: a `/` within a revision is `%2F` there."""
        return urlsplit(self.url).path

    @property
    def query(self) -> dict[str, list[str]]:
        """The parameters."""
        return parse_qs(urlsplit(self.url).query, keep_blank_values=True)

    @property
    def form(self) -> dict[str, list[str]]:
        """The fields of a form."""
        return parse_qs(self.body.decode(), keep_blank_values=True)


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What goes back: `body`, or of `file` the bytes from `start` up to `stop`.

    `signature` is the one under which a file was asked for: sending it is a use of that.
    """

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    file: File | None = None
    start: int = 0
    stop: int = 0
    signature: str = ""

    @property
    def size_bytes(self) -> int:
        """How long its body is."""
        return len(self.body) if self.file is None else self.stop - self.start


class Refusal(Exception):  # noqa: N818 - it is an answer
    """An answer that is an error. `code` goes into X-Error-Code, by which the client tells one from another."""

    def __init__(self, status: int, message: str, code: str = "", headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.status, self.message, self.code, self.headers = status, message, code, headers or {}

    def as_json(self) -> Answer:
        """The Hub's form."""
        told = {"X-Error-Message": self.message, **({"X-Error-Code": self.code} if self.code else {})}
        if self.status == 401:
            told["WWW-Authenticate"] = 'Bearer realm="Authentication required", charset="UTF-8"'
        return answer_json({"error": self.message}, self.status, {**told, **self.headers})

    def as_xml(self) -> Answer:
        """The CDN's form, which is that of the store behind it."""
        code = self.code or XML_CODES.get(self.status, "InternalError")
        body = (
            f'<?xml version="1.0" encoding="UTF-8"?><Error><Code>{code}</Code><Message>{self.message}</Message></Error>'
        )
        headers = {"Content-Type": "application/xml", **self.headers}
        return Answer(status=self.status, headers=headers, body=body.encode())


XML_CODES = {403: "AccessDenied", 404: "NoSuchKey", 408: "RequestTimeout", 416: "InvalidRange", 503: "SlowDown"}
"""What the store calls a refusal."""

FAILURES = {
    401: "Invalid credentials in Authorization header",
    403: "Forbidden",
    404: "Not Found",
    408: "Request Timeout",
    429: "We had to rate limit your IP. To continue using our service, create a HF account or login to your existing "
    "account, and make sure you pass a HF_TOKEN if you're using the API.",
    500: "Internal Error - We're working hard to fix this as soon as possible!",
    502: "Bad Gateway",
    503: "Service Unavailable",
    504: "Gateway Time-out",
}
"""What is said with a status that is injected."""


def failure(status: int, code: str, seconds: float) -> Refusal:
    """The refusal with that status; a 429 says that nothing is left for `seconds`, a 503 to wait so long."""
    headers = {}
    if status == 429:
        headers["RateLimit"] = f'"resolvers";r=0;t={round(seconds)}'
        headers["RateLimit-Policy"] = '"fixed window";"resolvers";q=3000;w=300'
    if status in (429, 503) and seconds:
        headers["Retry-After"] = str(round(seconds))
    return Refusal(status, FAILURES.get(status, "Error"), code, headers)


def answer_json(value: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Answer:
    """`value` as JSON."""
    headers = {"Content-Type": "application/json; charset=utf-8", **(headers or {})}
    return Answer(status=status, headers=headers, body=json.dumps(value).encode())


def answer_file(file: File, wanted: str | None, headers: Mapping[str, str], signature: str = "") -> Answer:
    """The file, or the range of it that a Range header asks for; several ranges at once are none.

        bytes=2-5 -> (2, 6)      bytes=2- -> (2, size)      bytes=-3 -> (size - 3, size)

    Raises:
        Refusal: 416, it begins beyond the end.
    """
    size = file.size_bytes
    headers = {"Content-Type": "application/octet-stream", "Accept-Ranges": "bytes", **headers}
    match = re.fullmatch(r"bytes=(\d*)-(\d*)", (wanted or "").replace(" ", ""))
    first, last = match.groups() if match is not None else ("", "")
    if not (first or last) or (first and last and int(last) < int(first)):
        return Answer(headers=headers, file=file, stop=size, signature=signature)
    start = int(first) if first else max(size - int(last), 0)
    stop = min(int(last) + 1, size) if first and last else size
    if start >= stop:
        raise Refusal(416, "The requested range is not satisfiable", headers={"Content-Range": f"bytes */{size}"})
    headers["Content-Range"] = f"bytes {start}-{stop - 1}/{size}"
    return Answer(status=206, headers=headers, file=file, start=start, stop=stop, signature=signature)


@dataclass(kw_only=True)
class Call:
    """A line of the journal.

    `range` is the Range that was asked for; `status` is None where no answer went out; `authorized` says whether an
    Authorization header came; `sent_bytes` are those of the body, and grow while it is sent.
    """

    origin: Origin
    method: str
    url: str
    range: str | None
    status: int | None
    fault: str | None
    authorized: bool
    sent_bytes: int = 0
