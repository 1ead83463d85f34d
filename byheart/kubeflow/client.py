"""Talks to Kubeflow Pipelines on a cluster through KFP's own client, with errors that say what to do.

The address and the credentials come from the sources that KFP's client and command line read: `KF_PIPELINES_ENDPOINT`,
`KF_PIPELINES_UI_ENDPOINT`, `KF_PIPELINES_IAP_OAUTH2_CLIENT_ID`, `KF_PIPELINES_SA_TOKEN_PATH`, `KFP_EXISTING_TOKEN`,
a pod's own account, or a kubeconfig.
"""

import contextlib
import io
import json
import os
from pathlib import Path
from typing import Any

import kfp_server_api
from kfp.client import Client
from kfp.client.set_volume_credentials import ServiceAccountTokenVolumeCredentials

from byheart.kubeflow.errors import ClusterError, explain_errors

EQUALS, IS_SUBSTRING = 1, 9
"""Operations of KFP's filters."""

_SIGN_IN_SECONDS = 600  # a person may be asked in a browser
_ALREADY_THERE, _NOT_THERE = 409, 404


class _Client(Client):  # type: ignore[misc]  # untyped
    """KFP's client, without its five tries and five tracebacks before an error."""

    def get_kfp_healthz(self, sleep_duration: int = 5) -> Any:  # noqa: ARG002 - the base class has it
        return self._healthz_api.healthz_service_get_healthz()

    def run_described(
        self, experiment_id: str, name: str, pipeline: str, arguments: dict[str, Any], description: str
    ) -> kfp_server_api.V2beta1Run:
        """Submit a run as `run_pipeline` does, which takes no description."""
        unused = ("pipeline_id", "version_id", "enable_caching", "cache_key", "pipeline_root")
        config = self._create_job_config(params=arguments, pipeline_package_path=pipeline, **dict.fromkeys(unused))
        run = kfp_server_api.V2beta1Run(
            experiment_id=experiment_id,
            display_name=name,
            description=description,
            pipeline_spec=config.pipeline_spec,
            runtime_config=config.runtime_config,
        )
        return self._run_api.run_service_create_run(run=run)


class Cluster:
    """Kubeflow Pipelines at `host`.

    Args:
        host: the address of its UI or API; empty asks the environment.
        namespace: of the runs, if Kubeflow has several users; else it is not used.

    Raises:
        ClusterError: it cannot be reached, or refuses the credentials.
    """

    def __init__(self, host: str = "", namespace: str = "") -> None:
        self._host, self._asked_for = _choose_host(host), namespace
        self.connect()

    def connect(self) -> None:
        """Connect, or connect again: credentials that expire are read again."""
        token_file = os.environ.get("KF_PIPELINES_SA_TOKEN_PATH")
        with self._explain_errors("connect to", _SIGN_IN_SECONDS):
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
        self,
        pipeline: str | Path,
        arguments: dict[str, Any],
        experiment_id: str,
        name: str,
        description: str = "",
        seconds: float = 120,
    ) -> str:
        """Submit a run, and return its id.

        Args:
            experiment_id: as `open_experiment` returns it.
            description: for people, who see it with the run in Kubeflow's UI.
            seconds: how long to wait for an answer.

        Raises:
            LostError: it is unknown whether the run was submitted.
            ClusterError: it was not submitted.
        """
        with self._explain_errors("submit a run to", seconds):
            submitted = self._client.run_described(experiment_id, name, str(pipeline), arguments, description)
        self._check_answer(submitted.run_id)
        return str(submitted.run_id)

    def open_experiment(self, name: str) -> str:
        """The id of the experiment of that name, which is created if it does not exist."""
        with self._explain_errors("find the experiment at"), _silence_client():
            try:
                experiment = self._client.create_experiment(name, namespace=self.namespace)
            except kfp_server_api.ApiException as error:
                if error.status != _ALREADY_THERE:
                    raise
                experiment = self._client.get_experiment(experiment_name=name, namespace=self.namespace)
        self._check_answer(experiment.experiment_id)
        return str(experiment.experiment_id)

    def find_named(self, experiment_id: str, name: str) -> str | None:
        """The id of the first run of exactly that name in an experiment; None without one."""
        predicate = {"operation": EQUALS, "key": "display_name", "stringValue": name}
        with self._explain_errors("look for the run at"):
            listed = self._client.list_runs(
                experiment_id=experiment_id,
                sort_by="created_at asc",
                filter=json.dumps({"predicates": [predicate]}),
            )
            if not listed.runs:  # a sign-in page, too, looks like this to the client
                self._check_answer(self._client.get_kfp_healthz().multi_user)
        return next((str(run.run_id) for run in listed.runs or () if run.display_name == name), None)

    def list_latest(
        self, count: int, key: str = "", operation: int = EQUALS, value: str = ""
    ) -> list[kfp_server_api.V2beta1Run]:
        """The `count` latest runs of all experiments, newest first.

        Args:
            key, operation, value: a condition on the runs; an empty key takes all.
        """
        predicates = [{"operation": operation, "key": key, "stringValue": value}] if key else []
        with self._explain_errors("look for runs at"):
            listed = self._client.list_runs(
                page_size=count,
                sort_by="created_at desc",
                namespace=self.namespace,
                filter=json.dumps({"predicates": predicates}) if predicates else None,
            )
            if not listed.runs:
                self._check_answer(self._client.get_kfp_healthz().multi_user)
        return list(listed.runs or ())

    def read_run(self, run_id: str) -> kfp_server_api.V2beta1Run:
        """A run, with its tasks and states."""
        with self._explain_errors("look at the run at"):
            run = self._client.get_run(run_id)
        self._check_answer(run.run_id)
        return run

    def find_run(self, run_id: str) -> kfp_server_api.V2beta1Run | None:
        """The run of exactly that id, with its tasks and states; None if there is none."""
        with self._explain_errors("look for the run at"):
            try:
                run = self._client.get_run(run_id)
            except kfp_server_api.ApiException as error:
                if error.status != _NOT_THERE:
                    raise
                return None
        self._check_answer(run.run_id)
        return run

    def terminate(self, run_id: str) -> None:
        """End a run; its pods lose the work that they have not saved."""
        with self._explain_errors("end the run at"):
            self._client.terminate_run(run_id)

    def locate(self, run_id: str) -> str:
        """The address of a run in Kubeflow's UI."""
        return locate_run(self._host, run_id)

    def _check_answer(self, value: object) -> None:
        """Check a field that every answer of Kubeflow has: KFP's client takes any web page for an answer."""
        if value is None:
            raise ClusterError(
                f"{self._description} must be Kubeflow Pipelines, found another answer, most likely a "
                "page to sign in at: see docs/submit.md for Identity-Aware Proxy"
            )

    @property
    def _description(self) -> str:
        return self._host or "the Kubeflow Pipelines that your kubeconfig leads to"

    def _explain_errors(self, action: str, seconds: float = 60) -> contextlib.AbstractContextManager[None]:
        return explain_errors(f"cannot {action} {self._description}", seconds)


def locate_run(host: str, run_id: str) -> str:
    """The address of a run in the UI of the Kubeflow at `host`, which is not asked."""
    address = os.environ.get("KF_PIPELINES_UI_ENDPOINT") or _choose_host(host)
    if not address or ".svc.cluster.local" in address:
        return f"/pipeline/#/runs/details/{run_id}, below the address of your Kubeflow's UI"
    return f"{address if '://' in address else f'https://{address}'}".rstrip("/") + f"/#/runs/details/{run_id}"


def _choose_host(host: str) -> str:
    return host or os.environ.get("KF_PIPELINES_ENDPOINT", "")


def _silence_client() -> contextlib.AbstractContextManager[Any]:
    """Suppress what KFP's client prints: the same addresses that byheart prints."""
    return contextlib.redirect_stdout(io.StringIO())
