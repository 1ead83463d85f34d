"""Experiments and runs, and what becomes of a run."""

import copy
import json
import threading
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from graphlib import TopologicalSorter
from typing import Any

from google.protobuf import json_format
from kfp.pipeline_spec import pipeline_spec_pb2

_EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
ENDED = ("SUCCEEDED", "SKIPPED", "FAILED", "CANCELED")
_KINDS: dict[str, tuple[type, ...]] = {
    "NUMBER_INTEGER": (int,),
    "NUMBER_DOUBLE": (int, float),
    "STRING": (str,),
    "BOOLEAN": (bool,),
    "LIST": (list,),
    "STRUCT": (dict,),
}


class Refused(Exception):  # noqa: N818 - it is an answer
    """An answer that is an error: a status of HTTP, a code of gRPC and a message."""

    def __init__(self, status: int, code: int, message: str) -> None:
        super().__init__(message)
        self.status, self.code, self.message = status, code, message


Step = tuple[str, dict[str, tuple[str, str]]]
"""The run's state, and of some tasks by name the state and the error that KFP tells, if any."""
Outcome = Callable[[list[str]], list[Step]]
"""What becomes of a run of such tasks: at each look the next of these steps, and the last for ever."""


def succeeding() -> Outcome:
    """Every task succeeds, one after the other."""

    def steps(tasks: list[str]) -> list[Step]:
        running = [("RUNNING", _until(tasks, task) | {task: ("RUNNING", "")}) for task in tasks]
        return [("PENDING", {}), *running, ("SUCCEEDED", dict.fromkeys(tasks, ("SUCCEEDED", "")))]

    return steps


def failing(task: str, message: str = "") -> Outcome:
    """A task fails; KFP 2.17 tells no message, a later one may."""
    return lambda tasks: [
        ("RUNNING", _until(tasks, task) | {task: ("RUNNING", "")}),
        ("FAILED", _until(tasks, task) | {task: ("FAILED", message)}),
    ]


def running(task: str) -> Outcome:
    """A task runs for ever."""
    return lambda tasks: [("RUNNING", _until(tasks, task) | {task: ("RUNNING", "")})]


def _until(tasks: list[str], task: str) -> dict[str, tuple[str, str]]:
    return dict.fromkeys(tasks[: tasks.index(task)], ("SUCCEEDED", ""))


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
    steps: list[Step]
    looks: int = 0
    was_terminated: bool = False

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
        state, tasks = self._now
        created = _EPOCH + timedelta(minutes=self.number)
        states = ["PENDING", "RUNNING", *(["CANCELING"] if self.was_terminated else []), state]
        told = copy.deepcopy(self.asked) | {
            "run_id": self.run_id,
            "state": state,
            "created_at": _time(created),
            "scheduled_at": _time(created),
            "finished_at": _time(created + timedelta(minutes=5) if state in ENDED else datetime.fromtimestamp(0, UTC)),
            "storage_state": "AVAILABLE",
            "state_history": [{"update_time": _time(created), "state": past} for past in dict.fromkeys(states)],
        }
        if tasks:
            told["run_details"] = {"task_details": list(self._task_details(state, tasks))}
        return told

    def terminate(self) -> None:
        """End it as KFP 2.17 does: it is never CANCELED, but FAILED."""
        _, tasks = self._now
        failed = {name: ("FAILED" if state == "RUNNING" else state, error) for name, (state, error) in tasks.items()}
        self.steps, self.looks, self.was_terminated = [("CANCELING", tasks), ("FAILED", failed)], 0, True

    @property
    def _now(self) -> Step:
        return self.steps[min(self.looks, len(self.steps) - 1)]

    def _task_details(self, state: str, tasks: dict[str, tuple[str, str]]) -> Iterator[dict[str, Any]]:
        """The graph itself and the drivers are among them, as Argo's nodes are."""
        rows = [("root", state, ""), ("root-driver", "SUCCEEDED", "")]
        for name, (task_state, error) in tasks.items():
            rows += [(f"{name}-driver", "SUCCEEDED", ""), (name, task_state, error)]
        for number, (name, task_state, error) in enumerate(rows):
            started = _time(_EPOCH + timedelta(seconds=number))
            told: dict[str, Any] = {
                "run_id": self.run_id,
                "task_id": str(uuid.uuid5(uuid.NAMESPACE_URL, f"{self.run_id}/{name}")),
                "display_name": name,
                "create_time": started,
                "start_time": started,
                "end_time": started if task_state != "RUNNING" else _time(datetime.fromtimestamp(0, UTC)),
                "state": task_state,
                "state_history": [{"update_time": started, "state": task_state}],
                "child_tasks": [{"pod_name": f"byheart-{number}"}],
            }
            if error:
                told["error"] = {"code": 13, "message": error}
            yield told


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
            made = asked | {"experiment_id": str(uuid.uuid4()), "created_at": _time(_EPOCH)}
            return self.experiments.setdefault(asked["display_name"], made | {"storage_state": "AVAILABLE"})

    def make(self, asked: dict[str, Any]) -> dict[str, Any]:
        """A new run; as the service does, it takes a second one of the same name."""
        if asked.get("experiment_id") not in [one["experiment_id"] for one in self.experiments.values()]:
            raise Refused(404, 5, f"Experiment {asked.get('experiment_id')} not found")
        spec = _check_pipeline(asked)
        with self._lock:
            outcome = self.outcomes.pop(0) if self.outcomes else succeeding()
            run = Run(asked, str(uuid.uuid4()), len(self.all), outcome(list(tasks_of(spec))))
            self.all.append(run)
        return run.told()

    def find(self, run_id: str) -> Run:
        """A run."""
        for run in self.all:
            if run.run_id == run_id:
                return run
        raise Refused(404, 5, f"Run {run_id} not found")

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


def _check_pipeline(asked: dict[str, Any]) -> dict[str, Any]:
    """The compiled pipeline; refused is what the service refuses: another file, unknown, missing, odd parameters."""
    given = asked["pipeline_spec"]
    given = given if "pipeline_spec" in given else {"pipeline_spec": given, "platform_spec": {}}
    try:
        spec = json_format.ParseDict(given["pipeline_spec"], pipeline_spec_pb2.PipelineSpec())
        json_format.ParseDict(given["platform_spec"], pipeline_spec_pb2.PlatformSpec())
    except json_format.ParseError as error:
        raise Refused(400, 3, f"Invalid pipeline spec: {error}") from None
    declared = json_format.MessageToDict(spec)["root"]["inputDefinitions"]["parameters"]
    parameters = asked["runtime_config"].get("parameters", {})
    for name, about in declared.items():
        if name not in parameters and "defaultValue" not in about and not about.get("isOptional"):
            raise Refused(400, 3, f"Invalid input error: pipeline input parameter {name} requires a value")
    for name, value in parameters.items():
        if name not in declared:
            raise Refused(400, 3, f"Invalid input error: parameter {name} is not in the pipeline's inputs")
        kinds = _KINDS[declared[name]["parameterType"]]
        if not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds):
            raise Refused(400, 3, f"Invalid input error: parameter {name} is {value!r}: no {kinds[0].__name__}")
        literals = declared[name].get("literals", ())
        if literals and value not in literals:
            shown = json.dumps(value)
            said = f'input parameter "{name}" value {shown} does not match any of the allowed literal values'
            raise Refused(400, 3, f"Invalid input error: {said}")
    return dict(given["pipeline_spec"])


def _time(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")
