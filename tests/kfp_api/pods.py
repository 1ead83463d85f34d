"""Pods as a kubelet writes their status and Argo reads it, and the part of Kubernetes' API that gives them."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

import kubernetes

LAUNCHER = "I1126 15:10:30.000001      27 launcher_v2.go:151] input ComponentSpec: ..."
_FATAL = "F1126 15:10:33.000001      27 main.go:59] failed to execute component: "


@dataclass(frozen=True, kw_only=True)
class Attempt:
    """A pod of a task: what the kubelet says of it, and what it printed."""

    status: dict[str, Any] = field(default_factory=lambda: {"phase": "Running"})
    log: str | None = LAUNCHER
    """None before its container has begun."""
    said: str = ""
    """What Argo says of a pod that it could not make, or that is gone; no such pod is listed."""

    @property
    def phase_and_message(self) -> tuple[str, str]:
        """Those of Argo's node, by the rules of its `getPendingReason` and `inferFailedReason`."""
        phase = self.status["phase"]
        state: dict[str, Any] = next((one["state"] for one in self.status.get("containerStatuses", ())), {})
        waiting, ended = state.get("waiting", {}), state.get("terminated", {})
        if self.said or phase == "Running":
            return ("Error" if phase == "Failed" else phase), self.said
        if phase == "Pending":
            if waiting:
                return phase, ": ".join(filter(None, (waiting["reason"], waiting.get("message"))))
            held = [one for one in self.status.get("conditions", ()) if one.get("reason") == "Unschedulable"]
            return phase, f"Unschedulable: {held[0]['message']}" if held else ""
        if phase == "Succeeded" or not (ended or self.status.get("message")):
            return phase, ""
        if self.status.get("message"):
            return phase, self.status["message"]
        text = f": {ended['message']}" if ended.get("message") else ""
        return phase, f"main: {ended['reason']} (exit code {ended['exitCode']}){text}"


def working() -> Attempt:
    """A pod that runs."""
    return Attempt()


def done(log: str = LAUNCHER) -> Attempt:
    """A pod that has succeeded."""
    return _ended("Completed", 0, log)


def failed(message: str = "", *, log: str = "", code: int = 1) -> Attempt:
    """A stage that failed: KFP's launcher ends with 1 whatever the code was, which stands in its log alone.

    Args:
        message: what the stage wrote to /dev/termination-log.
    """
    return _ended("Error", 1, f"{LAUNCHER}\n{log}\n{_FATAL}exit status {code}", message)


def out_of_memory() -> Attempt:
    """A stage that was killed for its memory."""
    return _ended("OOMKilled", 1, f"{LAUNCHER}\nKilled\n{_FATAL}exit status 137")


def launcher_failed(words: str) -> Attempt:
    """A stage that succeeded, and whose artifacts KFP's launcher could not write."""
    return _ended("Error", 1, f"{LAUNCHER}\n{_FATAL}{words}")


def killed_by_kubelet(reason: str, message: str) -> Attempt:
    """A pod that was evicted, or was active for longer than its deadline."""
    return Attempt(status={"phase": "Failed", "reason": reason, "message": message}, log=LAUNCHER)


def deleted() -> Attempt:
    """A pod that somebody deleted."""
    return Attempt(status={"phase": "Failed"}, said="pod deleted")


def terminated() -> Attempt:
    """A pod of a run that somebody ended."""
    return Attempt(status={"phase": "Failed"}, said="workflow shutdown with strategy:  Terminate")


def late(message: str) -> Attempt:
    """A pod of a run that has reached its deadline, in Argo's words."""
    return Attempt(status={"phase": "Failed"}, said=message)


def over_quota(message: str) -> Attempt:
    """A pod that a quota does not let Argo make."""
    return Attempt(status={"phase": "Pending"}, said=message)


def waiting(reason: str, message: str = "") -> Attempt:
    """A pod whose container cannot begin."""
    state = {"reason": reason} | ({"message": message} if message else {})
    return Attempt(status={"phase": "Pending", "containerStatuses": [_main({"waiting": state})]}, log=None)


def unschedulable(message: str) -> Attempt:
    """A pod that no node takes."""
    held = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": message}
    return Attempt(status={"phase": "Pending", "conditions": [held]}, log=None)


def _ended(reason: str, code: int, log: str, message: str = "") -> Attempt:
    state: dict[str, Any] = {"reason": reason, "exitCode": code} | ({"message": message} if message else {})
    phase = "Failed" if code else "Succeeded"
    return Attempt(status={"phase": phase, "containerStatuses": [_main({"terminated": state})]}, log=log)


def _main(state: dict[str, Any]) -> dict[str, Any]:
    image = "registry.example/byheart-extract"
    return {"name": "main", "state": state, "ready": False, "restartCount": 0, "image": image, "imageID": ""}


@dataclass(frozen=True, kw_only=True)
class Pod:
    """A pod of a run."""

    name: str
    namespace: str = "kubeflow"
    phase: str = ""
    """Where `status` does not say it."""
    log: str | None
    """None before its container has begun."""
    created: str = "2026-01-01T00:00:00Z"
    run_id: str = ""
    """Empty is whichever run is asked for."""
    status: dict[str, Any] = field(default_factory=dict)
    annotations: dict[str, str] = field(default_factory=dict)


@dataclass(kw_only=True)
class Kubernetes:
    """What stands on the cluster beside Kubeflow's own database."""

    pods: list[Pod] = field(default_factory=list)
    """Pods beside those of the runs' workflows."""
    pipeline_root: str | None = None
    """What the ConfigMap kfp-launcher says; None where there is none."""
    forbidden: tuple[str, ...] = ()
    """What whoever asks may not read: pods, workflows."""
    violations: list[str] = field(default_factory=list)
    """What was answered against the models of Kubernetes' client."""

    def answer(
        self, pods: Callable[[], list[Pod]], workflows: Callable[[], list[dict[str, Any]]], url: str
    ) -> tuple[int, dict[str, Any] | str]:
        """Status and body.

        Args:
            pods: gives the pods of all runs.
            workflows: gives the workflows of all runs.
        """
        path, query = urlsplit(url).path, parse_qs(urlsplit(url).query)
        if refused := next((kind for kind in self.forbidden if f"/{kind}" in path), ""):
            return 403, _refusal(
                403, "Forbidden", f'{refused} is forbidden: User "me" cannot list resource "{refused}"'
            )
        if re.fullmatch(r"/api/v1/namespaces/[^/]+/configmaps/kfp-launcher", path) and self.pipeline_root is not None:
            data = {"defaultPipelineRoot": self.pipeline_root}
            return 200, {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "kfp-launcher"}, "data": data}
        if re.fullmatch(r"/apis/argoproj.io/v1alpha1/namespaces/kubeflow/workflows", path):
            run_id = _read_selector(query)
            items = [one for one in workflows() if one["metadata"]["labels"]["pipeline/runid"] == run_id]
            return 200, {"apiVersion": "argoproj.io/v1alpha1", "kind": "WorkflowList", "metadata": {}, "items": items}
        asked = re.fullmatch(r"/api/v1/namespaces/([^/]+)/pods(?:/([^/]+)/log)?", path)
        if not asked:
            return 404, _refusal(404, "NotFound", f"there is no {path}")
        namespace, name = asked.groups()
        there = [pod for pod in [*pods(), *self.pods] if pod.namespace == namespace]
        if not name:
            run_id = _read_selector(query)
            listed = _list([pod for pod in there if pod.run_id in ("", run_id)])
            self.violations += _differences(listed)
            return 200, listed
        pod = next((pod for pod in there if pod.name == name), None)
        if not pod or query.get("container") != ["main"]:
            return 404, _refusal(404, "NotFound", f"there is no {name}")
        if pod.log is None:
            return 400, _refusal(400, "BadRequest", f'container "main" in pod "{name}" is waiting to start')
        lines = pod.log.splitlines(keepends=True)
        return 200, "".join(lines[-int(query.get("tailLines", [len(lines) or 1])[0]) :])


def _read_selector(query: dict[str, list[str]]) -> str:
    label, _, run_id = query["labelSelector"][0].partition("=")
    assert label == "pipeline/runid"
    return run_id


def _list(pods: list[Pod]) -> dict[str, Any]:
    items = [
        {
            "metadata": {
                "name": pod.name,
                "namespace": pod.namespace,
                "creationTimestamp": pod.created,
                **({"annotations": pod.annotations} if pod.annotations else {}),
            },
            "status": pod.status or {"phase": pod.phase},
        }
        for pod in pods
    ]
    return {"apiVersion": "v1", "kind": "PodList", "metadata": {}, "items": items}


class _Answered:
    """What Kubernetes' client takes for an answer."""

    def __init__(self, value: Any) -> None:
        self.data = json.dumps(value)


def _differences(value: dict[str, Any]) -> list[str]:
    """What Kubernetes' client does not keep of a list of pods."""
    client = kubernetes.client.ApiClient()
    kept = client.sanitize_for_serialization(client.deserialize(_Answered(value), "V1PodList"))
    lost = _names(value) ^ _names(kept)
    return [f"V1PodList does not keep {', '.join(sorted(lost))}"] if lost else []


def _names(value: Any, way: str = "") -> set[str]:
    if isinstance(value, list):
        return set().union(*(_names(item, way) for item in value))
    if not isinstance(value, dict):
        return set()
    return {f"{way}.{key}" for key in value}.union(*(_names(item, f"{way}.{key}") for key, item in value.items()))


def _refusal(code: int, reason: str, message: str) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Status",
        "status": "Failure",
        "message": message,
        "reason": reason,
        "code": code,
    }
