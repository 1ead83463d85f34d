"""Tells what happens in a run while it happens: the states of its tasks, attempts that failed, pods that wait."""

import sys
import time
from typing import Any

from byheart.kubeflow.attempts import describe_attempt
from byheart.kubeflow.client import Cluster
from byheart.kubeflow.nodes import Workflow
from byheart.kubeflow.reasons import add_remedy
from byheart.kubeflow.tasks import GOING, Task, list_stage_tasks, list_stages, was_cancelled
from byheart.kubeflow.workflow import read_workflow, suggest_describe

PATIENCE_SECONDS = 60.0
"""How long a pod may wait without a word: a node that starts and an image that is pulled take about as long."""


class Story:
    """What has been told of a run.

    Args:
        patience_seconds: how long a pod waits before that is told.
    """

    def __init__(self, cluster: Cluster, run_id: str, patience_seconds: float = PATIENCE_SECONDS) -> None:
        self._cluster, self._run_id, self._patience = cluster, run_id, patience_seconds
        self._began = time.monotonic()
        self._workflow: Workflow | None = None
        self._ask_from = 0.0
        self._states: dict[str, str] = {}
        self._ends: set[str] = set()
        self._waiting: dict[str, float] = {}
        self._waits: set[tuple[str, str]] = set()
        self._is_noted = False

    def tell(self, run: Any) -> list[Task]:
        """Print what is new in a run, and return the tasks of its stages."""
        workflow = self._read_workflow(run)
        stages = list_stages(run)
        tasks = workflow.list_stage_tasks(stages) if workflow else list_stage_tasks(run)
        ends = self._list_ends(workflow) if workflow and not was_cancelled(run) else []
        for task in tasks:
            is_new = self._states.get(_key(task, tasks)) != task.state
            if is_new and task.state in GOING:
                self._tell_state(task, tasks)
            for label, line in [end for end in ends if end[0] == task.label]:
                _print(label, line)
            if is_new and task.state not in GOING:
                self._tell_state(task, tasks)
        told = {task.label for task in tasks}
        for label, line in ends:  # of Kubeflow's own pods
            if label not in told:
                _print(label, line)
        if workflow:
            self._tell_waits(workflow)
        elif any(task.state in GOING for task in tasks):
            self._note_silence()
        return tasks

    def _read_workflow(self, run: Any) -> Workflow | None:
        """The workflow, as it was last seen; where it was never seen, it is rarely asked for."""
        if self._workflow or time.monotonic() >= self._ask_from:
            self._workflow = read_workflow(run, self._cluster.namespace) or self._workflow
            self._ask_from = time.monotonic() + self._patience
        return self._workflow

    def _tell_state(self, task: Task, tasks: list[Task]) -> None:
        self._states[_key(task, tasks)] = task.state
        alike = [self._states.get(_key(other, tasks)) for other in tasks if other.label == task.label]
        count = f" ({alike.count(task.state)} of {len(alike)})" if len(alike) > 1 else ""
        _print(task.label, f"{task.state}{count}")

    def _list_ends(self, workflow: Workflow) -> list[tuple[str, str]]:
        """The failed attempts that were not told yet: the task of each, and the line."""
        new = [attempt for attempt in workflow.list_failed() if attempt.id not in self._ends]
        self._ends |= {attempt.id for attempt in new}
        return [
            (workflow.label(attempt), describe_attempt(workflow, attempt, self._run_id, self._cluster.namespace))
            for attempt in new
        ]

    def _tell_waits(self, workflow: Workflow) -> None:
        """Print what a pod waits for: once, and again when the kind of reason changes."""
        now = time.monotonic()
        for pod in workflow.pods:
            if pod.state != "pending" or now - self._waiting.setdefault(pod.id, now) < self._patience:
                continue
            kind = pod.id, pod.message.partition(":")[0]
            if pod.message and kind not in self._waits:
                self._waits.add(kind)
                _print(workflow.label(pod), f"waits: {add_remedy(pod.message)}")

    def _note_silence(self) -> None:
        if not self._is_noted and time.monotonic() - self._began >= self._patience:
            self._is_noted = True
            command = suggest_describe(self._run_id, self._cluster.namespace)
            print(
                f"note: attempts that fail and pods that wait cannot be read from here: `{command}` shows them",
                file=sys.stderr,
                flush=True,
            )


def _key(task: Task, tasks: list[Task]) -> str:
    """What tells a task from the others: its label, or its id where Kubeflow gives several the same."""
    return task.label if sum(other.label == task.label for other in tasks) == 1 else task.id


def _print(label: str, line: str) -> None:
    print(f"{label:>8}  {line}", flush=True)
