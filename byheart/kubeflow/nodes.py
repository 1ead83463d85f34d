"""Reads the nodes of an Argo Workflow: the tasks of a run, and each attempt at them.

The full name of a node is its way through the graph, as KFP 2.17 builds it; `(N)` is the number of an attempt:

    byheart-x7k2p(0).root(0).for-loop-3(0).iteration-iterations(2:2)(0).iteration-item(0).extract(0).executor(1)
                             loop          its third task                                 stage      pod of attempt 2

A task of a loop in a loop has two such pairs. That of an exit task follows the graph before it:

    byheart-x7k2p(0).root(0).exit-handler-1.onExit(0).compare(0).executor(0)

The names of a workflow without retries have no `(0)`. Argo writes the same name into the annotation of a pod.
"""

import dataclasses
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from byheart.kubeflow.tasks import GOING, Task

NODE_NAME, NODE_ID = "workflows.argoproj.io/node-name", "workflows.argoproj.io/node-id"
"""Annotations of a pod."""

_ITERATION = re.compile(r"\.iteration-iterations\((\d+):")
_ATTEMPT = re.compile(r"\((\d+)\)$")
_EXECUTOR = "executor"
_STATES = {
    **{phase: phase.lower() for phase in ("Pending", "Running", "Succeeded", "Skipped", "Failed")},
    "Error": "failed",
}
"""Argo's phases in KFP's words; a node that is omitted has none."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Node:
    """A node of a workflow: a graph, a task, or a pod."""

    id: str
    name: str
    """The full name."""
    is_pod: bool
    state: str
    """In KFP's words; empty if it was omitted."""
    message: str
    """Why it failed or waits, in one line; Argo's, or Kubernetes' own."""
    started: datetime | None
    ended: datetime | None

    @property
    def place(self) -> str:
        """The full name of the task that the node is, or is an attempt at."""
        return _ATTEMPT.sub("", self.name)

    @property
    def task(self) -> str:
        """The name of the task, such as `extract` or `extract-driver`."""
        *way, last = (_ATTEMPT.sub("", piece) for piece in self.name.split("."))
        return way[-1] if way and last == _EXECUTOR else last

    @property
    def iterations(self) -> tuple[int, ...]:
        """Where the node stands in the loops around it."""
        return read_iterations(self.name)

    @property
    def attempt(self) -> int:
        """The number of the attempt, from 1."""
        attempt = _ATTEMPT.search(self.name)
        return int(attempt[1]) + 1 if attempt else 1


@dataclasses.dataclass(frozen=True, kw_only=True)
class Workflow:
    """The Argo Workflow of a run."""

    message: str
    """Why it failed, in one line; Argo's."""
    nodes: list[Node]
    """In the order in which they began."""
    models: Sequence[str] = ()
    """The names of the run's models, over which the outermost loop goes; empty in a graph without that loop."""

    @property
    def pods(self) -> list[Node]:
        """The attempts, Kubeflow's own pods included; a pod that a quota refuses is one that waits."""
        return [node for node in self.nodes if node.is_pod]

    def list_stage_tasks(self, stages: Iterable[str]) -> list[Task]:
        """The tasks of stages that have begun."""
        wanted = set(stages)
        return [
            Task(
                id=node.id,
                name=node.task,
                label=self.label(node),
                state=node.state,
                started=node.started,
                ended=node.ended,
                message="",
            )
            for node in self.nodes
            if node.state and node.task in wanted and node.name.endswith(f".{node.task}")
        ]

    def label(self, node: Node) -> str:
        """The name of a node's task, as `label_task` makes it."""
        alike = {other.iterations for other in self.nodes if other.task == node.task}
        return label_task(node.task, node.iterations, alike, self.models)

    def is_tried_again(self, attempt: Node) -> bool:
        """Whether another attempt has begun, or will."""
        return any(node.name == attempt.place and node.state in GOING for node in self.nodes)

    def is_last(self, attempt: Node) -> bool:
        """Whether no later attempt at the same task has begun."""
        return not any(pod.place == attempt.place and pod.attempt > attempt.attempt for pod in self.pods)

    def list_failed(self) -> list[Node]:
        """The attempts that failed, in the order in which they ended."""
        return sorted((node for node in self.pods if node.state == "failed"), key=lambda node: str(node.ended))


def read_iterations(name: str) -> tuple[int, ...]:
    """The indices, from 0, of a node in the loops around it, the outermost first, from its full name."""
    return tuple(map(int, _ITERATION.findall(name)))


def label_task(task: str, iterations: tuple[int, ...], alike: Iterable[tuple[int, ...]], models: Sequence[str]) -> str:
    """The name of a task, with the number of its shard and the model where there are several: `pythia-12b: extract 3`.

    Args:
        iterations: where the task stands in the loops around it.
        alike: where all tasks of that name stand.
        models: the names of the run's models, as for `Workflow`.
    """
    outer = 1 if models else 0
    model, shard = iterations[:outer], iterations[outer:]
    if any(other[outer:] != shard for other in alike if other[:outer] == model):
        task = f"{task} {'.'.join(str(index + 1) for index in shard)}".rstrip()
    return f"{models[model[0]]}: {task}" if len(models) > 1 and model and model[0] < len(models) else task


def parse_workflow(
    status: Mapping[str, Any], nodes: Iterable[Mapping[str, Any]], models: Sequence[str] = ()
) -> Workflow:
    """A workflow, from its status in JSON, and its nodes.

    Args:
        models: the names of the run's models, as for `Workflow`.
    """
    return Workflow(
        message=_join_lines(status.get("message")),
        nodes=sorted(map(_parse_node, nodes), key=lambda node: (str(node.started), node.name)),
        models=models,
    )


def _parse_node(node: Mapping[str, Any]) -> Node:
    return Node(
        id=node["id"],
        name=node["name"],
        is_pod=node.get("type") == "Pod",
        state=_STATES.get(node.get("phase", ""), ""),
        message=_join_lines(node.get("message")),
        started=_parse_time(node.get("startedAt")),
        ended=_parse_time(node.get("finishedAt")),
    )


def _parse_time(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def _join_lines(text: str | None) -> str:
    return " ".join((text or "").split())
