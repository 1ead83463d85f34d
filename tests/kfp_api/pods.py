"""The part of Kubernetes' API that lists a run's pods, reads their logs, and tells where artifacts lie."""

import re
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit


@dataclass(frozen=True, kw_only=True)
class Pod:
    """A pod of whichever run is asked for."""

    name: str
    namespace: str = "kubeflow"
    phase: str
    log: str | None
    """None before its container has begun."""
    created: str = "2026-01-01T00:00:00Z"


@dataclass(kw_only=True)
class Kubernetes:
    """What stands on the cluster beside Kubeflow's own database."""

    pods: list[Pod] = field(default_factory=list)
    pipeline_root: str | None = None
    """What the ConfigMap kfp-launcher says; None where there is none."""

    def answer(self, run_ids: list[str], url: str) -> tuple[int, dict[str, Any] | str]:
        """Status and body."""
        path, query = urlsplit(url).path, parse_qs(urlsplit(url).query)
        if re.fullmatch(r"/api/v1/namespaces/[^/]+/configmaps/kfp-launcher", path) and self.pipeline_root is not None:
            data = {"defaultPipelineRoot": self.pipeline_root}
            return 200, {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "kfp-launcher"}, "data": data}
        asked = re.fullmatch(r"/api/v1/namespaces/([^/]+)/pods(?:/([^/]+)/log)?", path)
        if not asked:
            return 404, _refusal(404, "NotFound", f"there is no {path}")
        namespace, name = asked.groups()
        there = [pod for pod in self.pods if pod.namespace == namespace]
        if not name:
            return 200, _list(there, run_ids, query["labelSelector"][0])
        pod = next((pod for pod in there if pod.name == name), None)
        if not pod or query.get("container") != ["main"]:
            return 404, _refusal(404, "NotFound", f"there is no {name}")
        if pod.log is None:
            return 400, _refusal(400, "BadRequest", f'container "main" in pod "{name}" is waiting to start')
        return 200, pod.log


def _list(pods: list[Pod], run_ids: list[str], selector: str) -> dict[str, Any]:
    label, _, run_id = selector.partition("=")
    assert label == "pipeline/runid"
    items = [
        {
            "metadata": {"name": pod.name, "namespace": pod.namespace, "creationTimestamp": pod.created},
            "status": {"phase": pod.phase},
        }
        for pod in pods
        if run_id in run_ids
    ]
    return {"apiVersion": "v1", "kind": "PodList", "metadata": {}, "items": items}


def _refusal(code: int, reason: str, message: str) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Status",
        "status": "Failure",
        "message": message,
        "reason": reason,
        "code": code,
    }
