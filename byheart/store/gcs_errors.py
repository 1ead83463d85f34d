"""The errors of Google's libraries in words: the cause, the remedy, and whether the same call may succeed later."""

from typing import NamedTuple

import requests
from google.api_core import exceptions
from google.auth.exceptions import GoogleAuthError, RefreshError, TransportError
from google.cloud.storage.exceptions import DataCorruption, InvalidResponse

from byheart.contracts.errors import os_error_may_pass
from byheart.store.network import OF_REQUESTS, find_fault

RAISED = (
    exceptions.GoogleAPIError,
    GoogleAuthError,
    DataCorruption,
    InvalidResponse,
    requests.RequestException,
    OSError,
    ValueError,
    AttributeError,
    KeyError,
    OverflowError,
    RecursionError,
    TypeError,
)
"""The errors that a call of google-cloud-storage may raise; the last ones where an answer is not as Google's are."""
_LATER = (408, 429)
"""Statuses below 500 after which the same call may succeed."""
_LIMITS = ("LimitExceeded", "quotaExceeded")
"""Endings of the reasons of a 403 that is about a quota or a rate."""
_MAX_CHARACTERS = 300
"""Characters of an error that a message quotes."""


class Cause(NamedTuple):
    """Why a call failed."""

    found: str
    remedy: str
    may_pass: bool = False
    """Whether the same call may succeed later."""


DAMAGED = Cause("its bytes do not match its checksum", "check the network and run again", may_pass=True)


def find_cause(error: Exception) -> Cause:
    """The cause of an error, which is one of `RAISED`."""
    message = _write(error).strip().partition("\n")[0][:_MAX_CHARACTERS]
    match error:
        case exceptions.Unauthorized() | GoogleAuthError():
            return Cause(
                f"no valid credentials ({message})",
                "run `gcloud auth application-default login`, or give the pod's account access",
                _may_sign_in_later(error),
            )
        case exceptions.TooManyRequests() | exceptions.ServiceUnavailable():
            return Cause(
                f"the service is over its limits ({message})",
                "raise the quota or run fewer at once, and run again",
                may_pass=True,
            )
        case exceptions.Forbidden():
            return Cause(
                f"not permitted ({message})",
                "grant roles/storage.objectUser on the bucket, or raise the quota that it names",
                _is_over_a_limit(error),
            )
        case DataCorruption():
            return DAMAGED
    if "requester pays" in message:
        return Cause(
            "its bucket charges whoever asks (requester pays), which byheart does not",
            "copy what you need to a bucket of yours, as `gcloud storage cp --recursive --billing-project=PROJECT`",
        )
    if isinstance(error, OSError) and (fault := find_fault(OF_REQUESTS)):
        return Cause("no connection", fault)
    found = f"{type(error).__name__}: {message}"
    if _may_pass(error):
        return Cause(f"{found}, after retries", "check the network and run again", may_pass=True)
    return Cause(found, "check the address, and what the account may do there")


def _write(error: Exception) -> str:
    """An error's text; empty if an answer made an error of it that cannot be written."""
    try:
        return str(error)
    except (TypeError, AttributeError, ValueError, KeyError):
        return ""


def _may_sign_in_later(error: Exception) -> bool:
    """Whether credentials may be found later: their server could not be reached, as in the first seconds of a pod.

    google-auth wraps its TransportError in a RefreshError that does not call itself retryable. If the server answered
    that there are no credentials, the TransportError carries the answer as a second argument.
    """
    if isinstance(error, GoogleAuthError) and error.retryable:
        return True
    cause = error.__cause__ if isinstance(error, RefreshError) else error
    return isinstance(cause, TransportError) and len(cause.args) < 2


def _may_pass(error: Exception) -> bool:
    if isinstance(error, exceptions.GoogleAPICallError | InvalidResponse):
        status = error.response.status_code if isinstance(error, InvalidResponse) else error.code
        return status is None or status in _LATER or status >= 500
    if isinstance(error, OSError) and not isinstance(error, requests.RequestException):
        return os_error_may_pass(error)
    return True


def _is_over_a_limit(error: exceptions.Forbidden) -> bool:
    """Whether a 403 is about a quota or a rate, so that the same call may succeed later."""
    try:
        details = error.errors or error.response.json()["error"]["errors"]
        return any(str(detail["reason"]).endswith(_LIMITS) for detail in details)
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):  # an answer may be anything
        return False
