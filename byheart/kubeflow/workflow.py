"""Reads the Argo Workflow of a run, if a kubeconfig or a pod's own account permits it.

Kubeflow Pipelines 2.17 knows which task failed, but neither why nor after how many attempts, and it does not see a pod
that waits. The Workflow has all of it, also for pods that are gone or could not be made. It exists for an hour after
the run's end (k8s/kubeflow).
"""

import base64
import gzip
import json
from typing import Any

import kubernetes

from byheart.contracts.model_names import shorten_models
from byheart.kubeflow.access import TIMEOUT_SECONDS, UNREACHABLE, choose_namespace, connect, select_run
from byheart.kubeflow.nodes import Workflow, parse_workflow
from byheart.kubeflow.tasks import read_models

_GROUP, _VERSION, _PLURAL = "argoproj.io", "v1alpha1", "workflows"


def read_workflow(run: Any, namespace: str | None) -> Workflow | None:
    """The Workflow of a run of KFP's; None if there is none, or it may not be read from here."""
    try:
        listed = kubernetes.client.CustomObjectsApi(connect().api_client).list_namespaced_custom_object(
            *(_GROUP, _VERSION, choose_namespace(namespace), _PLURAL),
            label_selector=select_run(run.run_id),
            _request_timeout=TIMEOUT_SECONDS,
        )
    except UNREACHABLE:
        return None
    for found in listed.get("items") or ():
        status = found.get("status") or {}
        return parse_workflow(status, _list_nodes(status), shorten_models(read_models(run)))
    return None


def suggest_describe(run_id: str, namespace: str | None) -> str:
    """A kubectl command that shows what the pods of a run wait for, and how each attempt ended."""
    return f"kubectl describe pods --namespace {choose_namespace(namespace)} --selector {select_run(run_id)}"


def _list_nodes(status: dict[str, Any]) -> list[dict[str, Any]]:
    """The nodes; Argo compresses them if they would make the object too large."""
    packed = status.get("compressedNodes")
    nodes = json.loads(gzip.decompress(base64.b64decode(packed))) if packed else status.get("nodes") or {}
    return list(nodes.values())
