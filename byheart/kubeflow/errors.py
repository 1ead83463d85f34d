"""Turns what KFP's client raises into errors that say what to do."""

import contextlib
import json
import os
import signal
import warnings
from collections.abc import Iterator
from types import FrameType

import kfp_server_api
import urllib3

from byheart.contracts.errors import ByheartError, os_error_may_pass

TRANSIENT = (0, 408, 429, 500, 502, 503, 504)
"""Statuses after which the same request may succeed; 0 is no answer."""

_REQUEST_FAULTS = (
    ("request is too large", "put the books into a list, as books=@gs://my-bucket/books.txt"),
    ("Request entity too large", "put the books into a list, as books=@gs://my-bucket/books.txt"),
    ("Failed to validate workflow", "leave {{ out of the parameters, or write such names into a list of books"),
)
"""Words of a 500 that the request itself has caused, which would cause it again, and what to do."""

_BAD_REQUEST = 400
_ANSWER_CHARACTERS = 300
_PORT_FORWARD = "kubectl port-forward --namespace kubeflow svc/ml-pipeline-ui 8080:80"


class ClusterError(ByheartError):
    """Kubeflow Pipelines refuses a request, or cannot be reached."""


class RequestError(ClusterError):
    """Kubeflow Pipelines refuses the request itself: the same one would be refused again."""

    exit_code = 3


class LostError(ClusterError):
    """The connection was lost, or the service is busy: it is unknown whether the request was carried out."""

    def __init__(self, what: str, cause: str, remedy: str) -> None:
        super().__init__(f"{what}: {cause}: {remedy}", may_pass=True)
        self.cause = cause


@contextlib.contextmanager
def explain_errors(what: str, seconds: float = 60) -> Iterator[None]:
    """Turn what KFP's client raises in the block into one message, and end the block after so many seconds.

    Args:
        what: what cannot be done, and where; the message begins with it.

    Raises:
        LostError: it is unknown whether the request was carried out.
        RequestError: the request was refused for what it asks.
        ClusterError: it was refused.
    """
    try:
        with warnings.catch_warnings(), _deadline(seconds):
            warnings.simplefilter("ignore")
            yield
    except kfp_server_api.ApiException as error:
        reason = _read_reason(error)
        if error.status == 401:
            remedy = "give a token that is valid: see docs/submit.md"
            raise ClusterError(f"{what}: it does not know who asks (401, {reason}): {remedy}") from None
        if error.status == 403:
            remedy = "ask for the right to edit there, or name another --namespace"
            raise ClusterError(f"{what}: not permitted (403, {reason}): {remedy}") from None
        cause = f"{reason} ({error.status or 'no answer'})"
        remedy = next((remedy for words, remedy in _REQUEST_FAULTS if words in str(error.body)), "")
        if remedy or error.status == _BAD_REQUEST:
            raise RequestError(f"{what}: {cause}: {remedy or 'correct it, and run again'}") from None
        if (error.status or 0) in TRANSIENT:
            raise LostError(what, cause, "run again, after a look at its runs") from None
        raise ClusterError(f"{what}: {cause}: correct it, and run again") from None
    except (urllib3.exceptions.HTTPError, _TooLateError, ConnectionError) as error:
        raise LostError(what, _find_cause(error), _suggest_address()) from None
    except ValueError as error:  # such as two experiments of one name, or a pipeline that KFP cannot read
        raise ClusterError(f"{what}: {_shorten(str(error))}: correct it") from None
    except OSError as error:  # a token's file, or one of KFP's below ~/.config
        message = f"{what}: {error.filename}: {error.strerror}: make it readable"
        raise ClusterError(message, may_pass=os_error_may_pass(error)) from None


class _TooLateError(Exception):
    """No answer came in time."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"no answer within {seconds:.0f} s")


@contextlib.contextmanager
def _deadline(seconds: float) -> Iterator[None]:
    """Raise `_TooLateError` in the block after so many seconds; works in the main thread only.

    KFP's client takes no timeout, not even in its constructor or while a person signs in; a timeout of urllib3 would
    bound each read and each retry, while a claim (claim.py) needs a bound on the whole. Only a signal gives that.
    """

    def stop(_: int, __: FrameType | None) -> None:
        raise _TooLateError(seconds)

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def _suggest_address() -> str:
    """What to do where nothing answers: a pod is no place for a port-forward."""
    if os.environ.get("KUBERNETES_SERVICE_HOST"):
        return "see that Kubeflow runs, that KF_PIPELINES_ENDPOINT names it, and that no NetworkPolicy is between"
    return f"give --host, such as http://localhost:8080 after `{_PORT_FORWARD}`"


def _read_reason(error: kfp_server_api.ApiException) -> str:
    """The reason that the API gives, in one line."""
    try:
        body = json.loads(error.body)
        return _shorten(str(body.get("message") or body.get("error") or error.reason))
    except (ValueError, TypeError, AttributeError):
        return _shorten(str(error.reason or "no reason given"))


def _find_cause(error: Exception) -> str:
    """The innermost reason of a lost connection."""
    reason = getattr(error, "reason", None) or (error.args[-1] if error.args else None)
    return (
        _find_cause(reason)
        if isinstance(reason, Exception)
        else _shorten(str(error).rpartition(">: ")[2] or repr(error))
    )


def _shorten(text: str) -> str:
    return " ".join(text.split())[:_ANSWER_CHARACTERS]
