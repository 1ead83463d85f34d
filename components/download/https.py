"""Reading books at https:// addresses."""

import socket
import time
from typing import NamedTuple
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3.exceptions import HTTPError, NameResolutionError
from urllib3.util import Retry

from byheart.components.download.size import check_size
from byheart.contracts.errors import BookError
from byheart.contracts.version import VERSION
from byheart.store.network import OF_REQUESTS, find_fault, find_proxy

_TIMEOUT = (20, 60)
"""Seconds to connect, and to wait for the next bytes."""
_LONGEST_SECONDS = 600
"""The longest that a file may take: 100 MB at 170 kB/s, a slow line's speed."""
_BUSY = (429, 500, 502, 503, 504)
_ATTEMPTS = 3
"""Requests for a body that ends early, which urllib3 does not repeat."""
_CHUNK_BYTES = 2**20
_FOUND = {
    401: "that it needs a login (401)",
    403: "that it may not be read (403)",
    404: "no such file there (404)",
    410: "that it is gone (410)",
    429: "that the server wants fewer requests (429), after retries",
}


class Https:
    """Files at https:// addresses.

    Args:
        backoff_seconds: the wait before the second retry; it doubles with each.
    """

    def __init__(self, backoff_seconds: float = 1.0) -> None:
        self._retry = Retry(
            total=4,
            connect=2,
            other=0,  # a certificate that is not trusted
            backoff_factor=backoff_seconds / 2,
            status_forcelist=_BUSY,
            raise_on_status=False,
            retry_after_max=60,
        )

    def find(self, source: str) -> list[str]:
        """The address itself: it names one file."""
        return [source]

    def read(self, address: str) -> bytes:
        """The body of the reply."""
        if not _is_plain(address):
            raise BookError(
                "books must be at https://host/path without a user or password, found another form: mend it",
                parameter="books",
            )
        with requests.Session() as session:
            session.adapters.clear()  # so that redirects to http:// fail
            session.mount("https://", HTTPAdapter(max_retries=self._retry))
            session.headers["User-Agent"] = f"byheart/{VERSION}"
            try:
                for _ in range(_ATTEMPTS):
                    with session.get(address, stream=True, timeout=_TIMEOUT) as reply:
                        _check(reply, address)
                        data = _read_body(reply, address)
                    if data is not None:
                        return data
            except OSError as error:  # requests raises plain ones for certificates that it does not find
                if fault := find_fault(OF_REQUESTS):
                    raise BookError(f"cannot read {address}: {fault}") from None
                cause = _find_cause(error)
                message = f"cannot read {address}: found {cause.found}: {cause.remedy}"
                raise BookError(message, may_pass=cause.may_pass) from None
        message = f"cannot read {address}: found that it broke off {_ATTEMPTS} times: run again"
        raise BookError(message, may_pass=True)


def _is_plain(address: str) -> bool:
    try:
        parts = urlsplit(address)
    except ValueError:
        return False
    return bool(parts.hostname) and parts.username is None


def _check(reply: requests.Response, address: str) -> None:
    if not reply.ok:
        code = reply.status_code
        found = _FOUND.get(code, f"status {code} {reply.reason}" + (", after retries" if code in _BUSY else ""))
        remedy = "run again later, or save it here" if code in _BUSY else "check the address, or save it here"
        raise BookError(f"cannot read {address}: found {found}: {remedy}", may_pass=code in _BUSY)
    if reply.headers.get("Content-Type", "").lower().startswith("text/html"):
        raise BookError(f"{address} must be a plain text, found a web page (text/html): name the text's own address")
    length = reply.headers.get("Content-Length", "")
    check_size(int(length) if length.isdecimal() else 0, address)


def _read_body(reply: requests.Response, address: str) -> bytes | None:
    """The bytes of the body; None if it ended early."""
    stop = time.monotonic() + _LONGEST_SECONDS
    data = bytearray()
    try:
        for chunk in reply.iter_content(_CHUNK_BYTES):
            data += chunk
            check_size(len(data), address)
            if time.monotonic() > stop:
                message = f"cannot read {address}: found it unfinished after {_LONGEST_SECONDS} s: save it here"
                raise BookError(message, may_pass=True)
    except (requests.exceptions.ChunkedEncodingError, requests.ConnectionError):
        return None
    return bytes(data)


class _Cause(NamedTuple):
    """Why there was no reply."""

    found: str
    remedy: str
    may_pass: bool = False
    """Whether the same request may succeed later."""


def _find_cause(error: OSError) -> _Cause:
    reason = _find_root_cause(error)
    if isinstance(error, requests.exceptions.SSLError):
        return _Cause(
            f"no certificate that is trusted ({reason})", "check the address, or name its issuer in REQUESTS_CA_BUNDLE"
        )
    if isinstance(error, requests.exceptions.InvalidSchema):
        return _Cause(f"a redirect away from https ({error})", "name the file's own address")
    if isinstance(error, requests.TooManyRedirects):
        return _Cause("redirects without end", "name the file's own address")
    if isinstance(reason, NameResolutionError):
        cause = reason.__cause__
        no_answer = isinstance(cause, socket.gaierror) and cause.errno == socket.EAI_AGAIN
        return _Cause("no such host", "check the address and the network", no_answer)
    if isinstance(error, requests.Timeout):
        found = f"no answer within {_TIMEOUT[1]} s, after retries"
        return _Cause(found, "run again later, or save it here", may_pass=True)
    if isinstance(error, requests.exceptions.ProxyError):
        found = f"no connection through the proxy ({reason}), after retries"
        return _Cause(found, f"check {find_proxy() or 'the proxy'} and the network", may_pass=True)
    if isinstance(error, requests.ConnectionError):
        found = f"no connection ({reason}), after retries"
        return _Cause(found, "check the address and the network", may_pass=True)
    return _Cause(f"{type(error).__name__} ({error})", "check the address")


def _find_root_cause(error: OSError) -> object:
    """The innermost cause of an error of requests, which wraps urllib3's errors."""
    cause = error.args[0] if error.args else error
    while isinstance(cause, HTTPError) and (deeper := getattr(cause, "reason", None)):
        cause = deeper
    return cause
