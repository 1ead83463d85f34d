"""The Argo Workflow of a run, as KFP 2.17's compiler and Argo's controller make it, and KFP's rows of it.

With the workflowDefaults of k8s/kubeflow every template is tried again, graphs too: each is a node and an attempt
`(N)`. What an exit task does hangs below the graph before it, as `GRAPH.onExit`.
"""

import base64
import gzip
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from graphlib import TopologicalSorter
from typing import Any

from tests.kfp_api.outcomes import Doing, Doings, Step
from tests.kfp_api.pods import Attempt, Pod, done

EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
_PHASES = {"SUCCEEDED": "Succeeded", "FAILED": "Failed", "RUNNING": "Running", "PENDING": "Pending"}
_STATES = {"Error": "FAILED", "Omitted": "RUNTIME_STATE_UNSPECIFIED"}
_DRIVER = (Doing(state="SUCCEEDED", attempts=(done("I1126 driver"),)),)


@dataclass
class Nodes:
    """The nodes of a workflow, which grow as the run goes on."""

    workflow: str
    spec: dict[str, Any]
    doings: Sequence[Doings]
    """Those of each model; tasks outside of the loop over models do what those of the first do."""
    state: str
    rows: list[dict[str, Any]] = field(default_factory=list)
    attempts: list[tuple[dict[str, Any], Attempt]] = field(default_factory=list)

    def __post_init__(self) -> None:
        if self.doings[0]:
            root = self._graph(self.workflow, self.state)
            self._pods(f"{root}.root-driver", _DRIVER[0])
            self._tasks(self._graph(f"{root}.root", self.state), self.spec["root"], self.doings[0], 0)

    def _tasks(self, parent: str, component: dict[str, Any], doings: Doings, index: int) -> None:
        tasks = component["dag"]["tasks"]
        needs = {name: task.get("dependentTasks", ()) for name, task in tasks.items()}
        for name in TopologicalSorter(needs).static_order():
            task = tasks[name]
            inner = self.spec["components"][task["componentRef"]["name"]]
            if name not in doings:
                continue
            if "parameterIterator" in task:
                over_models = task["parameterIterator"]["items"]["inputParameter"] == "pipelinechannel--model"
                self._loop(f"{parent}.{name}", inner, self.doings if over_models else _divide(inner, doings))
            elif "dag" in inner:
                self._pods(f"{parent}.{name}-driver", _DRIVER[0])
                self._tasks(self._graph(f"{parent}.{name}", self.state), inner, doings, 0)
            elif "triggerPolicy" in task:
                (before,) = task["dependentTasks"]
                hook = self._graph(f"{parent}.{before}.onExit", doings[name][0].state)
                self._stage(f"{hook}.{name}", doings[name][0])
            elif index < len(doings[name]):
                self._stage(f"{parent}.{name}", doings[name][index])

    def _stage(self, name: str, doing: Doing) -> None:
        self._pods(f"{name}-driver", _DRIVER[0])
        graph = self._graph(name, doing.state, doing.error)
        self._pods(f"{graph}.executor", doing)

    def _loop(self, name: str, component: dict[str, Any], items: Sequence[Doings]) -> None:
        graph = self._graph(name, self.state)
        self._pods(f"{graph}.iteration-driver", _DRIVER[0])
        self._add(f"{graph}.iteration-iterations", "TaskGroup", self.state)
        for index, doings in enumerate(items):
            states = [doing.state for task in component["dag"]["tasks"] for doing in doings.get(task, ())]
            state = next((state for state in states if state != "SUCCEEDED"), "SUCCEEDED")
            item = self._graph(f"{graph}.iteration-iterations({index}:{index})", state)
            self._pods(f"{item}.iteration-item-driver", _DRIVER[0])
            self._tasks(self._graph(f"{item}.iteration-item", state), component, doings, 0)

    def _graph(self, name: str, state: str, error: str = "") -> str:
        """A graph, and its attempt, whose name is returned."""
        self._add(name, "Retry", state, error=error)
        self._add(f"{name}(0)", "DAG", state)
        return f"{name}(0)"

    def _pods(self, name: str, doing: Doing) -> None:
        self._add(name, "Retry", doing.state)
        for number, attempt in enumerate(doing.attempts):
            phase, message = attempt.phase_and_message
            node = self._add(f"{name}({number})", "Pod", phase, message)
            self.attempts.append((node, attempt))

    def _add(self, name: str, kind: str, state: str, message: str = "", error: str = "") -> dict[str, Any]:
        at = format_time(EPOCH + timedelta(seconds=len(self.rows)))
        phase = _PHASES.get(state, state)
        node = {
            "id": self.workflow if name == self.workflow else f"{self.workflow}-{_hash(name)}",
            "name": name,
            "displayName": name.rpartition(".")[2],
            "type": kind,
            "phase": phase,
            "startedAt": at,
            "finishedAt": None if phase in ("Running", "Pending", "CANCELING") else at,
            **({"message": message} if message else {}),
        }
        self.rows.append(node | {"error": error})
        return node


def _divide(component: dict[str, Any], doings: Doings) -> list[Doings]:
    """What the tasks of a loop's component do for each item of the loop."""
    inner = {task: doings.get(task, ()) for task in component["dag"]["tasks"]}
    return [
        {task: (doing[index],) for task, doing in inner.items() if index < len(doing)}
        for index in range(max(map(len, inner.values())))
    ]


def name_workflow(run_id: str) -> str:
    """The name that Kubernetes gives the workflow of a run."""
    return f"byheart-{run_id[:5]}"


def make_workflow(run_id: str, spec: dict[str, Any], step: Step, *, is_compressed: bool) -> dict[str, Any]:
    """The Workflow of a run at a step, as Kubernetes gives it."""
    rows = _make_nodes(run_id, spec, step).rows
    nodes = {row["id"]: {key: value for key, value in row.items() if key != "error"} for row in rows}
    packed = base64.b64encode(gzip.compress(json.dumps(nodes).encode())).decode()
    status: dict[str, Any] = {"phase": _PHASES.get(step.state, "Running"), "startedAt": format_time(EPOCH)}
    status |= {"compressedNodes": packed} if is_compressed else {"nodes": nodes}
    status |= {"message": step.message} if step.message else {}
    labels = {"pipeline/runid": run_id}
    about = {"name": name_workflow(run_id), "namespace": "kubeflow", "labels": labels}
    return {"apiVersion": "argoproj.io/v1alpha1", "kind": "Workflow", "metadata": about, "status": status}


def make_pods(run_id: str, spec: dict[str, Any], step: Step) -> Iterator[Pod]:
    """The pods of a run at a step that still exist."""
    workflow = name_workflow(run_id)
    for node, attempt in _make_nodes(run_id, spec, step).attempts:
        if not attempt.said:
            template = "retry-system-container-impl" if ".executor" in node["name"] else "system-dag-driver"
            yield Pod(
                name=f"{workflow}-{template}-{node['id'].rpartition('-')[2]}",
                log=attempt.log,
                created=node["startedAt"],
                run_id=run_id,
                status=attempt.status,
                annotations={
                    "workflows.argoproj.io/node-name": node["name"],
                    "workflows.argoproj.io/node-id": node["id"],
                },
            )


def list_rows(run_id: str, spec: dict[str, Any], step: Step) -> list[dict[str, Any]]:
    """The nodes as KFP 2.17 keeps them: with neither messages nor names of pods.

    A node's `error` is what a later KFP may tell.
    """
    told = step if step.told is None else Step(state=step.state, tasks=step.told)
    rows = _make_nodes(run_id, spec, told).rows
    return [row | {"state": _STATES.get(row["phase"], row["phase"].upper())} for row in rows]


def _make_nodes(run_id: str, spec: dict[str, Any], step: Step) -> Nodes:
    state = "RUNNING" if step.state == "CANCELING" else step.state
    return Nodes(name_workflow(run_id), spec, step.of_models or (step.tasks,), state)


def _hash(name: str) -> int:
    """FNV-1a, as Argo takes it of a node's name."""
    number = 0x811C9DC5
    for byte in name.encode():
        number = (number ^ byte) * 0x01000193 & 0xFFFFFFFF
    return number


def format_time(at: datetime) -> str:
    """A time as the APIs write it."""
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")
