"""The part of Kubernetes' API that lists a run's pods and reads their logs."""

import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlsplit


@dataclass(frozen=True, kw_only=True)
class Pod:
    """A pod of whichever run is asked for."""

    name: str
    namespace: str
    phase: str
    log: str


def answer_pods(pods: list[Pod], run_ids: list[str], url: str) -> dict[str, Any] | str | None:
    """A list of pods, or the log of one; None where there is no such thing."""
    path, query = urlsplit(url).path, parse_qs(urlsplit(url).query)
    found = re.fullmatch(r"/api/v1/namespaces/([^/]+)/pods(?:/([^/]+)/log)?", path)
    if not found:
        return None
    namespace, name = found.groups()
    there = [pod for pod in pods if pod.namespace == namespace]
    if name:
        if query.get("container") != ["main"]:
            return None
        return next((pod.log for pod in there if pod.name == name), None)
    label, _, run_id = query["labelSelector"][0].partition("=")
    assert label == "pipeline/runid"
    items = [
        {
            "metadata": {"name": pod.name, "namespace": pod.namespace, "creationTimestamp": "2026-01-01T00:00:00Z"},
            "status": {"phase": pod.phase},
        }
        for pod in there
        if run_id in run_ids
    ]
    return {"apiVersion": "v1", "kind": "PodList", "metadata": {}, "items": items}
