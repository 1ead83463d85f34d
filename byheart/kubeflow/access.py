"""Connects to Kubernetes itself, with a kubeconfig or a pod's own account."""

import contextlib
import io

import kubernetes
import urllib3

UNREACHABLE = (kubernetes.config.ConfigException, kubernetes.client.ApiException, urllib3.exceptions.HTTPError)
"""Raised if there is no kubeconfig, if it does not permit a request, or if the cluster does not answer."""
TIMEOUT_SECONDS = 10

_NAMESPACE = "kubeflow"


def connect() -> kubernetes.client.CoreV1Api:
    """A client of Kubernetes' API.

    Raises:
        ConfigException: there is no kubeconfig, and this is no pod.
    """
    with contextlib.redirect_stdout(io.StringIO()):  # it prints that there is no kubeconfig
        kubernetes.config.load_config()
    return kubernetes.client.CoreV1Api()


def choose_namespace(profile: str | None) -> str:
    """The namespace in which runs have their pods.

    Args:
        profile: the namespace of a profile, if Kubeflow has several users.
    """
    return profile or _NAMESPACE


def select_run(run_id: str) -> str:
    """The label of the workflow and the pods of a run."""
    return f"pipeline/runid={run_id}"
