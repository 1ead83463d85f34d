"""Answers of the Hub, with a bound on their seconds and bytes: redirects are followed without their bodies, and what is
no file's content is read up to a limit.
"""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from urllib.parse import quote, urlsplit

import httpx2
from huggingface_hub import ModelInfo, constants, get_session, hf_raise_for_status
from huggingface_hub.utils import build_hf_headers, validate_repo_id

from byheart.components.download.hub_errors import BrokenOffError
from byheart.components.download.within import call_within

_MOST_ABOUT_A_MODEL = 2**26
"""Bytes of the description of a repository: 64 MiB are those of 200,000 files."""
_MOST_OF_AN_ERROR = 2**16
_REDIRECTS = 10


@contextmanager
def open_answer(
    url: str, headers: dict[str, str], timeout: httpx2.Timeout, seconds: float
) -> Iterator[httpx2.Response]:
    """The answer to a GET after redirects, of which only the headers are read.

    Args:
        seconds: the longest that all headers may take.

    Raises:
        BrokenOffError: they took longer, or there were too many redirects.
        HfHubHTTPError: it is an error, with the first bytes of its body.
    """
    session = get_session()
    request: httpx2.Request | None = session.build_request("GET", url, headers=headers, timeout=timeout)
    for _ in range(_REDIRECTS):
        if not request:
            raise BrokenOffError("a redirect to no address")
        send = partial(session.send, request, stream=True, follow_redirects=False)
        try:
            response = call_within(seconds, send)
        except TimeoutError:
            raise BrokenOffError(f"headers that were unfinished after {seconds:.0f} s") from None
        try:
            if response.is_error:
                _raise_error(response, seconds)
            if not response.has_redirect_location:
                yield response
                return
            request = response.next_request
        finally:
            response.close()
    raise BrokenOffError("redirects without end")


def _raise_error(response: httpx2.Response, seconds: float) -> None:
    body = b""
    for chunk in _read(response, seconds):
        body = (body + chunk)[:_MOST_OF_AN_ERROR]
        if len(body) == _MOST_OF_AN_ERROR:
            break
    is_link = urlsplit(str(response.url)).netloc != urlsplit(constants.ENDPOINT).netloc  # links may expire
    if is_link and response.status_code in (401, 403, 404, 410):
        raise BrokenOffError(f"status {response.status_code} of a link that the Hub gave")
    headers = {name: value for name, value in response.headers.items() if not name.startswith("content-")}
    hf_raise_for_status(httpx2.Response(response.status_code, headers=headers, content=body, request=response.request))


def _read(response: httpx2.Response, seconds: float) -> Iterator[bytes]:
    """Yield the body as it arrives, for so many seconds at most."""
    stop = time.monotonic() + seconds
    for chunk in response.iter_bytes():
        yield chunk
        if time.monotonic() > stop:
            raise BrokenOffError(f"an answer that was unfinished after {seconds:.0f} s")


def ask_about_model(repository: str, revision: str, timeout: httpx2.Timeout, seconds: float) -> ModelInfo:
    """What the Hub says of a repository at a revision, its files with their sizes and hashes.

    Raises:
        BrokenOffError: the answer takes too long or is too large.
        HFValidationError: the repository has a name that none has.
        HfHubHTTPError: the Hub refuses.
        ValueError, KeyError, TypeError: the answer is no description.
    """
    validate_repo_id(repository)
    url = f"{constants.ENDPOINT}/api/models/{repository}/revision/{quote(revision, safe='')}?blobs=true"
    body = bytearray()
    with open_answer(url, build_hf_headers(), timeout, seconds) as response:
        for chunk in _read(response, seconds):
            body += chunk
            if len(body) > _MOST_ABOUT_A_MODEL:
                raise ValueError("an answer without end")
    return ModelInfo(**json.loads(body))
