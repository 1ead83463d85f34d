"""Requests, answers, and refusals in the API's words."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.message import Message
from typing import Any
from urllib.parse import parse_qsl, urlsplit


@dataclass(frozen=True, kw_only=True)
class Request:
    """One request, whole. `base` is the server's own address as the caller wrote it."""

    method: str
    url: str
    headers: Message
    body: bytes
    base: str

    @property
    def path(self) -> str:
        """The path, still percent-encoded: a `/` within an object's name is `%2F` there."""
        return urlsplit(self.url).path

    @property
    def query(self) -> dict[str, str]:
        """The parameters; of several with one name the last."""
        return dict(parse_qsl(urlsplit(self.url).query, keep_blank_values=True))

    def json(self) -> dict[str, Any]:
        """The body as a JSON object."""
        return read_json(self.body)


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What goes back. `media` says that the body is an object's content, which a fault may cut or corrupt."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    media: bool = False


@dataclass(frozen=True, kw_only=True)
class Call:
    """A line of the journal.

    `range` is the Range that was asked for or the Content-Range that was sent; `status` is None where no answer went
    out; bytes are those of the bodies.
    """

    method: str
    url: str
    range: str | None
    status: int | None
    fault: str | None
    received_bytes: int
    sent_bytes: int


class Refusal(Exception):  # noqa: N818 - it is an answer
    """An answer that is an error, with the reason and the message that the API gives."""

    def __init__(self, status: int, reason: str, message: str, location: str | None = None) -> None:
        super().__init__(message)
        self.status, self.reason, self.message, self.location = status, reason, message, location

    def as_json(self) -> Answer:
        """The JSON API's form. A 304 has no body."""
        if self.status == 304:
            return Answer(status=304)
        detail = {"message": self.message, "domain": DOMAINS.get(self.reason, "global"), "reason": self.reason}
        if self.location is not None:
            detail |= {"locationType": "header", "location": self.location}
        return answer_json({"error": {"code": self.status, "message": self.message, "errors": [detail]}}, self.status)

    def as_text(self) -> Answer:
        """The form in which a download is refused: the bare message."""
        body = b"" if self.status == 304 else self.message.encode()
        return Answer(status=self.status, body=body, headers={"Content-Type": "text/html; charset=UTF-8"})

    def as_xml(self) -> Answer:
        """The XML API's form."""
        code = XML_CODES.get(self.reason, "InvalidArgument")
        body = f"<?xml version='1.0' encoding='UTF-8'?><Error><Code>{code}</Code><Message>{self.message}</Message>"
        body += f"<Details>{self.message}</Details></Error>"
        return Answer(status=self.status, body=body.encode(), headers={"Content-Type": "application/xml"})


DOMAINS = {"rateLimitExceeded": "usageLimits", "quotaExceeded": "usageLimits"}
XML_CODES = {
    "notFound": "NoSuchKey",
    "invalidDigest": "BadDigest",
    "forbidden": "AccessDenied",
    "required": "AuthenticationRequired",
    "noSuchUpload": "NoSuchUpload",
    "invalidPart": "InvalidPart",
}

FAILURES = {
    400: ("invalid", "Invalid argument."),
    401: ("authError", "Invalid Credentials"),
    403: ("forbidden", "Permission denied on resource (or it may not exist)."),
    408: ("requestTimeout", "Request Timeout"),
    429: (
        "rateLimitExceeded",
        "The object exceeded the rate limit for object mutation operations (create, update, and delete). "
        "Please reduce your request rate. See https://cloud.google.com/storage/docs/gcs429.",
    ),
    500: ("backendError", "We encountered an internal error. Please try again."),
    502: ("badGateway", "Bad Gateway"),
    503: ("backendError", "We encountered an internal error. Please try again."),
    504: ("gatewayTimeout", "Gateway Timeout"),
}
"""The reason and the message that come with a status that is injected."""


def failure(status: int, reason: str = "") -> Refusal:
    """The API's refusal with that status; a `reason` of its own says so in its message."""
    known, message = FAILURES[status]
    if reason == "rateLimitExceeded" and status == 403:
        message = "Rate Limit Exceeded"
    elif reason == "quotaExceeded":
        message = "Quota exceeded for quota metric 'Write requests' and limit 'Write requests per minute'."
    return Refusal(status, reason or known, message, "Authorization" if status == 401 else None)


def answer_json(value: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Answer:
    """`value` as JSON."""
    headers = {"Content-Type": "application/json; charset=UTF-8", **(headers or {})}
    return Answer(status=status, body=json.dumps(value).encode(), headers=headers)


def read_json(body: bytes) -> dict[str, Any]:
    """The JSON object that `body` is; an empty body is an empty one.

    Raises:
        Refusal: it is none.
    """
    try:
        value = json.loads(body or b"{}")
    except ValueError:
        value = None
    if not isinstance(value, dict):
        raise Refusal(400, "parseError", "Parse Error")
    return value


def select(value: dict[str, Any], fields: str | None) -> dict[str, Any]:
    """What a partial response holds of `value`: `fields` are names, as in `items(name,size),nextPageToken`."""
    if not fields or fields == "*":
        return value
    chosen: dict[str, Any] = {}
    for name, inner in re.findall(r"([^,()]+)(?:\(([^()]*)\))?", fields):
        if name in value:
            entry = value[name]
            if isinstance(entry, list):
                chosen[name] = [select(item, inner) if isinstance(item, dict) else item for item in entry]
            else:
                chosen[name] = select(entry, inner) if isinstance(entry, dict) else entry
    return chosen


def checksums(header: str | None) -> dict[str, str]:
    """The checksums of an X-Goog-Hash header, by their names."""
    return dict(part.strip().split("=", 1) for part in (header or "").split(",") if "=" in part)


def byte_range(header: str | None, size: int) -> tuple[int, int] | None:
    """The half-open range of an object of `size` bytes that a Range header asks for; None where it asks for none.

        bytes=2-5 -> (2, 6)      bytes=2- -> (2, size)      bytes=-3 -> (size - 3, size)

    Raises:
        Refusal: 416, it begins beyond the end.
    """
    match = re.fullmatch(r"bytes=(\d*)-(\d*)", header or "")
    if match is None or match.group() == "bytes=-":
        return None
    first, last = match.groups()
    if not first:
        start, stop = max(size - int(last), 0), size
    else:
        start, stop = int(first), min(int(last) + 1, size) if last else size
        if last and int(last) < start:
            return None
    if start >= size or start == stop:
        raise Refusal(416, "requestedRangeNotSatisfiable", "Request range not satisfiable")
    return start, stop
