"""Experiments and runs."""

import copy
import json
import threading
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from graphlib import TopologicalSorter
from typing import Any

from tests.kfp_api.argo import EPOCH, format_time, list_rows, make_pods, make_workflow
from tests.kfp_api.outcomes import ENDED, Doing, Outcome, Step, succeeding
from tests.kfp_api.pods import Pod, terminated
from tests.kfp_api.refusals import Refused, check_pipeline

_NEVER = datetime.fromtimestamp(0, UTC)
"""A time that has not come, as KFP writes it."""


def tasks_of(spec: dict[str, Any], graph: str = "") -> Iterator[str]:
    """The names of a compiled pipeline's tasks, each after those that it needs; a loop's before those in it."""
    component = spec["components"][graph] if graph else spec["root"]
    tasks = component.get("dag", {}).get("tasks", {})
    needs = {name: task.get("dependentTasks", ()) for name, task in tasks.items()}
    for name in TopologicalSorter(needs).static_order():
        yield name
        yield from tasks_of(spec, tasks[name]["componentRef"]["name"])


@dataclass
class Run:
    """A run as it was asked for, and how often it was looked at."""

    asked: dict[str, Any]
    run_id: str
    number: int
    spec: dict[str, Any]
    steps: list[Step]
    looks: int = 0
    was_terminated: bool = False
    is_compressed: bool = False
    """Whether Argo compresses its nodes, so that KFP knows none; so it does from about 1 MB of status on."""

    @property
    def display_name(self) -> str:
        """Its name."""
        return str(self.asked["display_name"])

    @property
    def parameters(self) -> dict[str, Any]:
        """What it was given."""
        return self.asked["runtime_config"].get("parameters", {})

    def told(self) -> dict[str, Any]:
        """The run as the API tells it, one step further each time."""
        told = self.listed()
        self.looks += 1
        return told

    def listed(self) -> dict[str, Any]:
        """The run as the API tells it."""
        state = self._now.state
        created = EPOCH + timedelta(minutes=self.number)
        states = ["PENDING", "RUNNING", *(["CANCELING"] if self.was_terminated else []), state]
        told = copy.deepcopy(self.asked) | {
            "run_id": self.run_id,
            "state": state,
            "created_at": format_time(created),
            "scheduled_at": format_time(created),
            "finished_at": format_time(
                created + timedelta(minutes=5) if state in ENDED else datetime.fromtimestamp(0, UTC)
            ),
            "storage_state": "AVAILABLE",
            "state_history": [{"update_time": format_time(created), "state": past} for past in dict.fromkeys(states)],
        }
        if (tasks := list(self._task_details())) and not self.is_compressed:
            told["run_details"] = {"task_details": tasks}
        return told

    @property
    def workflow(self) -> dict[str, Any]:
        """Its Workflow, as it stood at the last look."""
        return make_workflow(self.run_id, self.spec, self._last, is_compressed=self.is_compressed)

    @property
    def pods(self) -> list[Pod]:
        """Its pods, as they stood at the last look."""
        return list(make_pods(self.run_id, self.spec, self._last))

    def terminate(self) -> None:
        """End it as KFP 2.17 does: it is never CANCELED, but FAILED."""
        now = self._now
        failed = {
            name: tuple(_terminate(doing) if doing.state == "RUNNING" else doing for doing in doings)
            for name, doings in now.tasks.items()
        }
        self.steps = [replace(now, state="CANCELING"), Step(state="FAILED", tasks=failed)]
        self.looks, self.was_terminated = 0, True

    @property
    def _now(self) -> Step:
        return self.steps[min(self.looks, len(self.steps) - 1)]

    @property
    def _last(self) -> Step:
        return self.steps[min(max(self.looks - 1, 0), len(self.steps) - 1)]

    def _task_details(self) -> Iterator[dict[str, Any]]:
        """The rows that KFP keeps of all nodes."""
        for row in list_rows(self.run_id, self.spec, self._now):
            started = row["startedAt"]
            told: dict[str, Any] = {
                "run_id": self.run_id,
                "task_id": str(uuid.uuid5(uuid.NAMESPACE_URL, f"{self.run_id}/{row['name']}")),
                "display_name": row["displayName"],
                "create_time": started,
                "start_time": started,
                "end_time": row["finishedAt"] or format_time(_NEVER),
                "state": row["state"],
                "state_history": [{"update_time": started, "state": row["state"]}],
                "child_tasks": [{"pod_name": row["id"]}],
            }
            if row["error"]:
                told["error"] = {"code": 13, "message": row["error"]}
            yield told


def _terminate(doing: Doing) -> Doing:
    return Doing(state="FAILED", attempts=(*doing.attempts[:-1], terminated()))


@dataclass
class Runs:
    """Experiments by name, and runs in the order in which they were made."""

    experiments: dict[str, dict[str, Any]] = field(default_factory=dict)
    all: list[Run] = field(default_factory=list)
    outcomes: list[Outcome] = field(default_factory=list)
    """What becomes of the next runs; without any, they succeed."""

    def __post_init__(self) -> None:
        self._lock = threading.Lock()

    def make_experiment(self, asked: dict[str, Any], several_users: bool) -> dict[str, Any]:
        """A new experiment."""
        if several_users != bool(asked.get("namespace")):
            needs = "must" if several_users else "shouldn't"
            raise Refused(400, 3, f"Invalid input error: an experiment {needs} contain a namespace")
        with self._lock:
            if asked["display_name"] in self.experiments:
                raise Refused(409, 6, f"Already exist error: experiment {asked['display_name']} already exists")
            made = asked | {"experiment_id": str(uuid.uuid4()), "created_at": format_time(EPOCH)}
            return self.experiments.setdefault(asked["display_name"], made | {"storage_state": "AVAILABLE"})

    def make(self, asked: dict[str, Any]) -> dict[str, Any]:
        """A new run; as the service does, it takes a second one of the same name."""
        if asked.get("experiment_id") not in [one["experiment_id"] for one in self.experiments.values()]:
            raise Refused(404, 5, f"Experiment {asked.get('experiment_id')} not found")
        spec = check_pipeline(asked)
        with self._lock:
            outcome = self.outcomes.pop(0) if self.outcomes else succeeding()
            run = Run(asked, str(uuid.uuid4()), len(self.all), spec, outcome(list(tasks_of(spec))))
            self.all.append(run)
        return run.told()

    def find(self, run_id: str) -> Run:
        """A run."""
        for run in self.all:
            if run.run_id == run_id:
                return run
        raise Refused(404, 5, f"Run {run_id} not found")

    def list_pods(self) -> list[Pod]:
        """The pods of all runs."""
        return [pod for run in self.all for pod in run.pods]

    def list_workflows(self) -> list[dict[str, Any]]:
        """The Workflows of all runs."""
        return [run.workflow for run in self.all]

    def listed(self, query: dict[str, str]) -> dict[str, Any]:
        """A page of the runs that a query asks for, by their creation; oldest first, unless it says otherwise."""
        by, _, order = query.get("sort_by", "created_at").partition(" ")
        if by != "created_at":
            raise Refused(400, 3, f"no such order here: {by}")
        rows = [run.listed() for run in self.all]
        if "experiment_id" in query:
            rows = [row for row in rows if row["experiment_id"] == query["experiment_id"]]
        if "namespace" in query:
            there = [row for row in self.experiments.values() if row.get("namespace") == query["namespace"]]
            rows = [row for row in rows if row["experiment_id"] in [one["experiment_id"] for one in there]]
        rows = self.select(rows[::-1] if order == "desc" else rows, query.get("filter", ""))
        page = rows[: int(query.get("page_size") or 20)]
        more = {"next_page_token": "more"} if len(page) < len(rows) else {}
        return {"runs": page, "total_size": len(rows), **more} if page else {}

    def select(self, rows: list[dict[str, Any]], filter_text: str) -> list[dict[str, Any]]:
        """The rows that a filter lets through; it knows EQUALS and IS_SUBSTRING."""
        for predicate in json.loads(filter_text or "{}").get("predicates", []):
            value = predicate.get("stringValue", predicate.get("string_value"))
            match predicate["operation"]:
                case 1 | "EQUALS":
                    rows = [row for row in rows if row.get(predicate["key"]) == value]
                case 9 | "IS_SUBSTRING":
                    rows = [row for row in rows if value in row.get(predicate["key"], "")]
                case other:
                    raise Refused(400, 3, f"no such operation here: {other}")
        return rows
