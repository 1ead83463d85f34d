"""Kubeflow Pipelines on a cluster, through KFP's own client, with errors that say what to do.

Where it is and who asks is taken from what KFP's client and command line know: `KF_PIPELINES_ENDPOINT`,
`KF_PIPELINES_UI_ENDPOINT`, `KF_PIPELINES_IAP_OAUTH2_CLIENT_ID`, `KF_PIPELINES_SA_TOKEN_PATH`, `KFP_EXISTING_TOKEN`,
a pod's own account, or a kubeconfig.
"""

import contextlib
import io
import json
import os
import signal
import warnings
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import Any

import kfp
import kfp_server_api
import urllib3
from kfp.client.set_volume_credentials import ServiceAccountTokenVolumeCredentials

from byheart.contracts.errors import ByheartError, os_error_may_pass

TRANSIENT = (0, 408, 429, 500, 502, 503, 504)
"""Answers that the same request need not get again; 0 is none."""

_SIGN_IN_SECONDS = 600  # a person may be asked in a browser
_EQUALS = 1  # among the operations of KFP's filters
_ALREADY_THERE = 409
_ANSWER_CHARACTERS = 300
_PORT_FORWARD = "kubectl port-forward --namespace kubeflow svc/ml-pipeline-ui 8080:80"


class ClusterError(ByheartError):
    """Kubeflow Pipelines refuses, or is not there."""


class LostError(ClusterError):
    """The connection was lost, or the service is busy: whether what was asked for is done is not known."""

    def __init__(self, what: str, cause: str, remedy: str) -> None:
        super().__init__(f"{what}: {cause}: {remedy}", may_pass=True)
        self.cause = cause


class _Client(kfp.Client):  # type: ignore[misc]  # untyped
    """KFP's client, which says at once what is wrong where it would ask five times and print five tracebacks."""

    def get_kfp_healthz(self, sleep_duration: int = 5) -> Any:  # noqa: ARG002 - its name in the base class
        return self._healthz_api.healthz_service_get_healthz()


class Cluster:
    """Kubeflow Pipelines at `host`, as one who may submit runs there.

    Args:
        host: the address of its UI or API; empty asks the environment.
        namespace: where runs are in a deployment with several users; in one without, it is not used.

    Raises:
        ClusterError: it cannot be reached, or does not let this one in.
    """

    def __init__(self, host: str = "", namespace: str = "") -> None:
        self._host, self._asked_for = _given(host), namespace
        self.connect()

    def connect(self) -> None:
        """Connect, or connect anew: credentials that have a short life are read again."""
        token_file = os.environ.get("KF_PIPELINES_SA_TOKEN_PATH")
        with self._explained("connect to", _SIGN_IN_SECONDS):
            self._client = _Client(
                host=self._host or None,
                existing_token=os.environ.get("KFP_EXISTING_TOKEN"),
                credentials=ServiceAccountTokenVolumeCredentials() if token_file else None,
            )
            several_users = self._client.get_kfp_healthz().multi_user
        self._check_answer(several_users)
        namespace = self._asked_for or self._client.get_user_namespace() or os.environ.get("KFP_NAMESPACE", "")
        if several_users and not namespace:
            raise ClusterError(
                "--namespace must name your profile's namespace, found none: this Kubeflow has several users"
            )
        self.namespace = namespace if several_users else None

    def submit(
        self, pipeline: str | Path, arguments: dict[str, Any], experiment_id: str, name: str, seconds: float = 120
    ) -> str:
        """Submit a run; its id.

        Args:
            experiment_id: what `experiment` gave.
            seconds: how long an answer is waited for.

        Raises:
            LostError: it is not known whether there is a run now.
            ClusterError: there is none.
        """
        with self._explained("submit a run to", seconds), _quiet():
            made = self._client.run_pipeline(experiment_id, name, pipeline_package_path=str(pipeline), params=arguments)
        self._check_answer(made.run_id)
        return str(made.run_id)

    def experiment(self, name: str) -> str:
        """The id of the experiment of that name, which is made where there is none."""
        with self._explained("find the experiment at"), _quiet():
            try:
                found = self._client.create_experiment(name, namespace=self.namespace)
            except kfp_server_api.ApiException as error:
                if error.status != _ALREADY_THERE:
                    raise
                found = self._client.get_experiment(experiment_name=name, namespace=self.namespace)
        self._check_answer(found.experiment_id)
        return str(found.experiment_id)

    def find(self, experiment_id: str, name: str) -> str | None:
        """The id of the first run of exactly that name in an experiment, None where there is none."""
        predicate = {"operation": _EQUALS, "key": "display_name", "stringValue": name}
        with self._explained("look for the run at"):
            found = self._client.list_runs(
                experiment_id=experiment_id,
                sort_by="created_at asc",
                filter=json.dumps({"predicates": [predicate]}),
            )
            if not found.runs:  # which is also what the client makes of a page to sign in at
                self._check_answer(self._client.get_kfp_healthz().multi_user)
        return next((str(run.run_id) for run in found.runs or () if run.display_name == name), None)

    def run(self, run_id: str) -> kfp_server_api.V2beta1Run:
        """All that KFP knows of a run."""
        with self._explained("look at the run at"):
            run = self._client.get_run(run_id)
        self._check_answer(run.run_id)
        return run

    def address(self, run_id: str) -> str:
        """Where a person looks at a run."""
        return run_address(self._host, run_id)

    def _check_answer(self, value: object) -> None:
        """Refuse an answer without what each answer of Kubeflow's has: KFP's client takes any page for one."""
        if value is None:
            raise ClusterError(
                f"{self._named} must be Kubeflow Pipelines, found another answer, most likely a page to sign in at: "
                "see docs/submit.md for Identity-Aware Proxy"
            )

    @property
    def _named(self) -> str:
        return self._host or "the Kubeflow Pipelines that your kubeconfig leads to"

    @contextlib.contextmanager
    def _explained(self, action: str, seconds: float = 60) -> Iterator[None]:
        """Turn what KFP's client raises into one message, and no answer within so many seconds, too."""
        what = f"cannot {action} {self._named}"
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


def run_address(host: str, run_id: str) -> str:
    """Where a person looks at a run of the Kubeflow Pipelines at `host`, which is not asked."""
    place = os.environ.get("KF_PIPELINES_UI_ENDPOINT") or _given(host)
    if not place or ".svc.cluster.local" in place:
        return f"/pipeline/#/runs/details/{run_id}, below the address of your Kubeflow's UI"
    return f"{place if '://' in place else f'https://{place}'}".rstrip("/") + f"/#/runs/details/{run_id}"


def _given(host: str) -> str:
    return host or os.environ.get("KF_PIPELINES_ENDPOINT", "")


def _quiet() -> contextlib.AbstractContextManager[Any]:
    """Keep off the terminal what KFP's client prints: the addresses that are printed here, too."""
    return contextlib.redirect_stdout(io.StringIO())


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
