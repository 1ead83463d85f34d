"""What KFP's client raises, as errors that say what to do."""

import contextlib
import json
import signal
import warnings
from collections.abc import Iterator
from types import FrameType

import kfp_server_api
import urllib3

from byheart.contracts.errors import ByheartError, os_error_may_pass

TRANSIENT = (0, 408, 429, 500, 502, 503, 504)
"""Answers that the same request need not get again; 0 is none."""

_ANSWER_CHARACTERS = 300
_PORT_FORWARD = "kubectl port-forward --namespace kubeflow svc/ml-pipeline-ui 8080:80"


class ClusterError(ByheartError):
    """Kubeflow Pipelines refuses, or is not there."""


class LostError(ClusterError):
    """The connection was lost, or the service is busy: whether what was asked for is done is not known."""

    def __init__(self, what: str, cause: str, remedy: str) -> None:
        super().__init__(f"{what}: {cause}: {remedy}", may_pass=True)
        self.cause = cause


@contextlib.contextmanager
def explained(what: str, seconds: float = 60) -> Iterator[None]:
    """Turn what KFP's client raises into one message, and no answer within so many seconds, too.

    Args:
        what: what cannot be done, and where: the beginning of the message.

    Raises:
        LostError: it is not known whether it was done.
        ClusterError: it was not.
    """
    try:
        with warnings.catch_warnings(), _deadline(seconds):
            warnings.simplefilter("ignore")
            yield
    except kfp_server_api.ApiException as error:
        said = _said(error)
        if error.status == 401:
            remedy = "give a token that is valid: see docs/submit.md"
            raise ClusterError(f"{what}: it does not know who asks (401, {said}): {remedy}") from None
        if error.status == 403:
            remedy = "ask for the right to edit there, or name another --namespace"
            raise ClusterError(f"{what}: not permitted (403, {said}): {remedy}") from None
        cause = f"{said} ({error.status or 'no answer'})"
        if (error.status or 0) in TRANSIENT:
            raise LostError(what, cause, "run again, after a look at its runs") from None
        raise ClusterError(f"{what}: {cause}: correct it, and run again") from None
    except (urllib3.exceptions.HTTPError, _TooLateError, ConnectionError) as error:
        remedy = f"give --host, such as http://localhost:8080 after `{_PORT_FORWARD}`"
        raise LostError(what, _cause(error), remedy) from None
    except ValueError as error:  # two experiments of one name, a pipeline that KFP cannot read
        raise ClusterError(f"{what}: {_short(str(error))}: correct it") from None
    except OSError as error:  # a token's file, or KFP's own below ~/.config
        said = f"{what}: {error.filename}: {error.strerror}: make it readable"
        raise ClusterError(said, may_pass=os_error_may_pass(error)) from None


class _TooLateError(Exception):
    """No answer has come in time."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"no answer within {seconds:.0f} s")


@contextlib.contextmanager
def _deadline(seconds: float) -> Iterator[None]:
    """End the block after some seconds; only in the main thread.

    KFP's client takes no timeout, in its constructor and its sign-in in a browser neither; one of urllib3's would bound
    each read and each of its retries, while a claim (claim.py) needs a bound on the whole. Only a signal gives that.
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


def _said(error: kfp_server_api.ApiException) -> str:
    """What the API says is wrong: the innermost of a chain of reasons."""
    try:
        said = json.loads(error.body)
        return _short(str(said.get("message") or said.get("error") or error.reason))
    except (ValueError, TypeError, AttributeError):
        return _short(str(error.reason or "no reason given"))


def _cause(error: Exception) -> str:
    """The innermost reason of a lost connection."""
    reason = getattr(error, "reason", None) or (error.args[-1] if error.args else None)
    return _cause(reason) if isinstance(reason, Exception) else _short(str(error).rpartition(">: ")[2] or repr(error))


def _short(text: str) -> str:
    return " ".join(text.split())[:_ANSWER_CHARACTERS]
