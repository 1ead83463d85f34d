"""Kubeflow Pipelines on a cluster, through KFP's own client, with errors that say what to do.

Where it is and who asks is taken from what KFP's client and command line know: `KF_PIPELINES_ENDPOINT`,
`KF_PIPELINES_UI_ENDPOINT`, `KF_PIPELINES_IAP_OAUTH2_CLIENT_ID`, `KF_PIPELINES_SA_TOKEN_PATH`, `KFP_EXISTING_TOKEN`,
a pod's own account, or a kubeconfig.
"""

import contextlib
import io
import json
import os
from pathlib import Path
from typing import Any

import kfp
import kfp_server_api
from kfp.client.set_volume_credentials import ServiceAccountTokenVolumeCredentials

from byheart.kubeflow.errors import ClusterError, explained

EQUALS, IS_SUBSTRING = 1, 9
"""Operations of KFP's filters."""

_SIGN_IN_SECONDS = 600  # a person may be asked in a browser
_ALREADY_THERE, _NOT_THERE = 409, 404


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
        predicate = {"operation": EQUALS, "key": "display_name", "stringValue": name}
        with self._explained("look for the run at"):
            found = self._client.list_runs(
                experiment_id=experiment_id,
                sort_by="created_at asc",
                filter=json.dumps({"predicates": [predicate]}),
            )
            if not found.runs:  # which is also what the client makes of a page to sign in at
                self._check_answer(self._client.get_kfp_healthz().multi_user)
        return next((str(run.run_id) for run in found.runs or () if run.display_name == name), None)

    def latest(
        self, count: int, key: str = "", operation: int = EQUALS, value: str = ""
    ) -> list[kfp_server_api.V2beta1Run]:
        """So many of the latest runs, in whatever experiment, newest first.

        Args:
            key, operation, value: what holds for each of them; an empty key lets all through.
        """
        predicates = [{"operation": operation, "key": key, "stringValue": value}] if key else []
        with self._explained("look for runs at"):
            listed = self._client.list_runs(
                page_size=count,
                sort_by="created_at desc",
                namespace=self.namespace,
                filter=json.dumps({"predicates": predicates}) if predicates else None,
            )
            if not listed.runs:
                self._check_answer(self._client.get_kfp_healthz().multi_user)
        return list(listed.runs or ())

    def run(self, run_id: str) -> kfp_server_api.V2beta1Run:
        """All that KFP knows of a run."""
        with self._explained("look at the run at"):
            run = self._client.get_run(run_id)
        self._check_answer(run.run_id)
        return run

    def has_run(self, run_id: str) -> bool:
        """Whether there is a run of exactly that id."""
        with self._explained("look for the run at"):
            try:
                run = self._client.get_run(run_id)
            except kfp_server_api.ApiException as error:
                if error.status != _NOT_THERE:
                    raise
                return False
        self._check_answer(run.run_id)
        return True

    def terminate(self, run_id: str) -> None:
        """Have a run end; what its pods do at that moment is lost."""
        with self._explained("end the run at"):
            self._client.terminate_run(run_id)

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

    def _explained(self, action: str, seconds: float = 60) -> contextlib.AbstractContextManager[None]:
        return explained(f"cannot {action} {self._named}", seconds)


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
