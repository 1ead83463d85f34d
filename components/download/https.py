"""Reading books at https:// addresses."""

import socket
from typing import NamedTuple
from urllib.parse import urljoin, urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3.exceptions import HTTPError, NameResolutionError
from urllib3.util import Retry

from byheart.components.download.size import check_size
from byheart.components.download.within import call_within
from byheart.contracts.errors import BookError
from byheart.contracts.foreign import quote, shorten, strip_address
from byheart.contracts.version import VERSION
from byheart.store.network import OF_REQUESTS, find_fault, find_proxy

_TIMEOUT = (20, 60)
"""Seconds to connect, and to wait for the next bytes."""
_LONGEST_SECONDS = 600
"""The longest that a file may take, with all that is tried again: 100 MB at 170 kB/s, a slow line's speed."""
_BUSY = (429, 500, 502, 503, 504)
_ATTEMPTS = 3
"""Requests for a body that ends early, which urllib3 does not repeat."""
_REDIRECTS = 10
_LENGTH_DIGITS = 18
"""Digits of a Content-Length: a number of more is no size of a file, and Python may refuse to read it."""
_CHUNK_BYTES = 2**16
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
        shown = strip_address(address)
        try:
            return call_within(_LONGEST_SECONDS, lambda: self._fetch(address, shown))
        except TimeoutError:
            message = f"cannot read {shown}: found it unfinished after {_LONGEST_SECONDS} s: save it here"
            raise BookError(message, may_pass=True) from None

    def _fetch(self, address: str, shown: str) -> bytes:
        with requests.Session() as session:
            session.get_redirect_target = lambda _: None  # requests would read a redirect's body, however long it is
            session.adapters.clear()
            session.mount("https://", HTTPAdapter(max_retries=self._retry))
            session.headers["User-Agent"] = f"byheart/{VERSION}"
            try:
                for _ in range(_ATTEMPTS):
                    with _open(session, address, shown) as reply:
                        _check(reply, shown)
                        data = _read_body(reply, shown)
                    if data is not None:
                        return data
            except (
                OSError,
                HTTPError,
                ValueError,
            ) as error:  # requests raises plain ones for certificates that it does not find
                if fault := find_fault(OF_REQUESTS):
                    raise BookError(f"cannot read {shown}: {fault}") from None
                cause = _find_cause(error)
                message = f"cannot read {shown}: found {cause.found}: {cause.remedy}"
                raise BookError(message, may_pass=cause.may_pass) from None
        message = f"cannot read {shown}: found that it broke off {_ATTEMPTS} times: run again"
        raise BookError(message, may_pass=True)


def _is_plain(address: str) -> bool:
    try:
        parts = urlsplit(address)
        _ = parts.port  # raises where it is no number, as that of https://user:pass/word@host
    except ValueError:
        return False
    return bool(parts.hostname) and parts.username is None


def _open(session: requests.Session, address: str, shown: str) -> requests.Response:
    """The reply after redirects; their bodies are not read, and none leads away from https."""
    for _ in range(_REDIRECTS):
        reply = session.get(address, stream=True, timeout=_TIMEOUT, allow_redirects=False)
        if not reply.is_redirect:
            return reply
        reply.close()
        try:
            address = urljoin(address, reply.headers["Location"].encode("latin-1").decode())
            is_plain = _is_plain(address)
        except ValueError:  # no address at all, or bytes that are no UTF-8
            is_plain = False
        if not is_plain:
            raise BookError(f"cannot read {shown}: found a redirect to no address: name the file's own address")
        if not address.startswith("https://"):
            found = quote(strip_address(address))
            raise BookError(
                f"cannot read {shown}: found a redirect away from https, to {found}: name the file's own address"
            )
    raise BookError(f"cannot read {shown}: found redirects without end: name the file's own address")


def _check(reply: requests.Response, shown: str) -> None:
    if not reply.ok:
        code = reply.status_code
        reason = shorten(str(reply.reason or ""), 100)
        found = _FOUND.get(code, f"status {code} {reason}" + (", after retries" if code in _BUSY else ""))
        remedy = "run again later, or save it here" if code in _BUSY else "check the address, or save it here"
        raise BookError(f"cannot read {shown}: found {found}: {remedy}", may_pass=code in _BUSY)
    if reply.headers.get("Content-Type", "").lower().startswith("text/html"):
        raise BookError(f"{shown} must be a plain text, found a web page (text/html): name the text's own address")
    length = reply.headers.get("Content-Length", "")
    check_size(int(length[:_LENGTH_DIGITS]) if length.isascii() and length.isdecimal() else 0, shown)


def _read_body(reply: requests.Response, shown: str) -> bytes | None:
    """The bytes of the body; None if it ended early."""
    data = bytearray()
    try:
        for chunk in reply.iter_content(_CHUNK_BYTES):
            data += chunk
            check_size(len(data), shown)
    except (requests.exceptions.ChunkedEncodingError, requests.ConnectionError):
        return None
    return bytes(data)


class _Cause(NamedTuple):
    """Why there was no reply."""

    found: str
    remedy: str
    may_pass: bool = False
    """Whether the same request may succeed later."""


def _find_cause(error: Exception) -> _Cause:
    reason = _find_root_cause(error)
    if isinstance(error, requests.exceptions.SSLError):
        return _Cause(
            f"no certificate that is trusted ({reason})", "check the address, or name its issuer in REQUESTS_CA_BUNDLE"
        )
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


def _find_root_cause(error: Exception) -> object:
    """The innermost cause of an error of requests, which wraps urllib3's errors."""
    cause = error.args[0] if error.args else error
    while isinstance(cause, HTTPError) and (deeper := getattr(cause, "reason", None)):
        cause = deeper
    return cause
