"""Kubernetes itself, where a kubeconfig or a pod's own account lets this machine ask it."""

import contextlib
import io

import kubernetes
import urllib3

UNREACHABLE = (kubernetes.config.ConfigException, kubernetes.client.ApiException, urllib3.exceptions.HTTPError)
"""What is raised where there is no kubeconfig, it does not permit this, or the cluster does not answer."""
TIMEOUT_SECONDS = 10

_NAMESPACE = "kubeflow"


def connect() -> kubernetes.client.CoreV1Api:
    """Kubernetes' API.

    Raises:
        ConfigException: there is no kubeconfig, and this is no pod.
    """
    with contextlib.redirect_stdout(io.StringIO()):  # where it prints that there is no kubeconfig
        kubernetes.config.load_config()
    return kubernetes.client.CoreV1Api()


def namespace_of_runs(profile: str | None) -> str:
    """The namespace of the pods of runs.

    Args:
        profile: the namespace of a profile, where Kubeflow has several users.
    """
    return profile or _NAMESPACE
