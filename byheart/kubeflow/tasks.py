"""What a run and its tasks do, in the words that are printed."""

import dataclasses
from collections.abc import Iterable
from datetime import datetime
from typing import Any

import kfp_server_api

STAGES = ("download", "tokenize", "plan", "extract", "plot", "verdict")
"""The tasks of a run whose graph KFP does not tell."""

_ENDED = ("SUCCEEDED", "SKIPPED", "FAILED", "CANCELED")
_WORDS = {"CANCELING": "being cancelled", "CANCELED": "cancelled"}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Task:
    """A task of a run."""

    id: str
    name: str
    """The stage's, for ours; those that Kubeflow adds have others."""
    state: str
    """In lower case; empty before anything is known."""
    started: datetime | None
    ended: datetime | None
    message: str
    """Why it failed, where Kubeflow says so; KFP 2.17 never does."""


def has_ended(run: kfp_server_api.V2beta1Run) -> bool:
    """Whether nothing more becomes of a run."""
    return run.state in _ENDED


def state_of(run: kfp_server_api.V2beta1Run) -> str:
    """A run's state, in lower case.

    KFP 2.17 calls a run that was cancelled FAILED; that it was cancelled stands in its history alone.
    """
    if run.state == "FAILED" and any(status.state == "CANCELING" for status in run.state_history or ()):
        return "cancelled"
    state = run.state or "PENDING"
    return _WORDS.get(state, state.lower())


def stages_of(run: kfp_server_api.V2beta1Run) -> set[str]:
    """The names of a run's own tasks, those in loops as well."""
    spec = run.pipeline_spec or {}
    spec = spec.get("pipeline_spec", spec)  # with what Kubernetes is told beside it, or alone
    components = spec.get("components", {})
    dags = [part["dag"] for part in (spec.get("root", {}), *components.values()) if "dag" in part]
    tasks = {name: task["componentRef"]["name"] for dag in dags for name, task in dag["tasks"].items()}
    return {name for name, component in tasks.items() if "dag" not in components[component]} or set(STAGES)


def tasks_of(run: kfp_server_api.V2beta1Run) -> list[Task]:
    """All tasks of a run, Kubeflow's own among them, in the order in which they began."""
    details = (run.run_details.task_details or ()) if run.run_details else ()
    return [
        Task(
            id=detail.task_id,
            name=detail.display_name,
            state=(detail.state or "").lower(),
            started=moment(detail.start_time),
            ended=moment(detail.end_time),
            message=message_of(detail),
        )
        for detail in sorted(details, key=lambda detail: str(detail.start_time))
    ]


def message_of(failed: Any) -> str:
    """What KFP says of a task or a run that failed, in one line; empty where it says nothing."""
    errors: Iterable[Any] = (failed.error, *(status.error for status in reversed(failed.state_history or ())))
    return next((" ".join(error.message.split()) for error in errors if error and error.message), "")


def moment(time: datetime | None) -> datetime | None:
    """A time of KFP's, which writes 1970 for one that has not come."""
    return time if time and time.timestamp() > 0 else None
