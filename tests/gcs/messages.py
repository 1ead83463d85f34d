"""Answers, and refusals in the API's words."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


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
        """The JSON API's form."""
        detail = {"message": self.message, "domain": "global", "reason": self.reason}
        if self.location is not None:
            detail |= {"locationType": "header", "location": self.location}
        return answer_json({"error": {"code": self.status, "message": self.message, "errors": [detail]}}, self.status)

    def as_text(self) -> Answer:
        """The form in which a download is refused: the bare message."""
        headers = {"Content-Type": "text/html; charset=UTF-8"}
        return Answer(status=self.status, body=self.message.encode(), headers=headers)


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
    if reason == "quotaExceeded":
        message = "Quota exceeded for quota metric 'Write requests' and limit 'Write requests per minute'."
    return Refusal(status, reason or known, message, "Authorization" if status == 401 else None)


def answer_json(value: object, status: int = 200) -> Answer:
    """`value` as JSON."""
    headers = {"Content-Type": "application/json; charset=UTF-8"}
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
