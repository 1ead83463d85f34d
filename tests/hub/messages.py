"""Answers, refusals in the Hub's words, and lines of the journal."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from tests.hub.files import File
from tests.servers.requests import RangeError, byte_range

Origin = Literal["hub", "cdn"]


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What goes back: `body`, or of `file` the bytes from `start` up to `stop`."""

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    file: File | None = None
    start: int = 0
    stop: int = 0

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


def answer_file(file: File, wanted: str | None, headers: Mapping[str, str]) -> Answer:
    """The file, or the range of it that a Range header asks for.

    Raises:
        Refusal: 416, it begins beyond the end.
    """
    size = file.size_bytes
    headers = {"Content-Type": "application/octet-stream", "Accept-Ranges": "bytes", **headers}
    try:
        span = byte_range(wanted, size)
    except RangeError:
        headers = {"Content-Range": f"bytes */{size}"}
        raise Refusal(416, "The requested range is not satisfiable", headers=headers) from None
    if span is None:
        return Answer(headers=headers, file=file, stop=size)
    start, stop = span
    headers["Content-Range"] = f"bytes {start}-{stop - 1}/{size}"
    return Answer(status=206, headers=headers, file=file, start=start, stop=stop)


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
