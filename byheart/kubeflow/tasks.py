"""Reads the states of a run and of its tasks, in the words that are printed."""

import dataclasses
from collections.abc import Iterable
from datetime import datetime
from typing import Any

import kfp_server_api

STAGES = ("download", "tokenize", "plan", "extract", "plot", "verdict", "compare")
"""The tasks of a run whose graph KFP does not return."""

GOING = ("pending", "running")
"""States of a task that has not ended."""

_FAILED = ("FAILED", "CANCELED")
_ENDED = ("SUCCEEDED", "SKIPPED", *_FAILED)
_WORDS = {"CANCELING": "being cancelled", "CANCELED": "cancelled"}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Task:
    """A task of a run."""

    id: str
    name: str
    """The name of its stage; tasks that Kubeflow adds have other names."""
    label: str
    """The name, and its number among those of a loop if that is known."""
    state: str
    """In lower case; empty as long as Kubeflow reports none."""
    started: datetime | None
    ended: datetime | None
    message: str
    """Why it failed, if Kubeflow says so; KFP 2.17 never does."""


def has_ended(run: kfp_server_api.V2beta1Run) -> bool:
    """Whether a run has ended, with or without success."""
    return run.state in _ENDED


def has_failed(run: kfp_server_api.V2beta1Run) -> bool:
    """Whether a run has ended without success: it failed, or was cancelled."""
    return run.state in _FAILED


def was_cancelled(run: kfp_server_api.V2beta1Run) -> bool:
    """Whether somebody ended a run, or is ending it.

    KFP 2.17 reports a cancelled run as FAILED; only its history says that it was cancelled.
    """
    states = (run.state, *(status.state for status in run.state_history or ()))
    return run.state != "SUCCEEDED" and ("CANCELING" in states or "CANCELED" in states)


def read_state(run: kfp_server_api.V2beta1Run) -> str:
    """A run's state, in lower case."""
    if run.state == "FAILED" and was_cancelled(run):
        return "cancelled"
    state = run.state or "PENDING"
    return _WORDS.get(state, state.lower())


def read_models(run: kfp_server_api.V2beta1Run) -> list[str]:
    """The models that a run was given; empty where it was submitted before a run could have several."""
    models = ((run.runtime_config and run.runtime_config.parameters) or {}).get("model")
    return list(map(str, models)) if isinstance(models, list) else []


def list_stages(run: kfp_server_api.V2beta1Run) -> set[str]:
    """The names of a run's stages, those in loops included."""
    spec = run.pipeline_spec or {}
    spec = spec.get("pipeline_spec", spec)  # nested if a platform spec came with it
    components = spec.get("components", {})
    dags = [part["dag"] for part in (spec.get("root", {}), *components.values()) if "dag" in part]
    tasks = {name: task["componentRef"]["name"] for dag in dags for name, task in dag["tasks"].items()}
    return {name for name, component in tasks.items() if "dag" not in components[component]} or set(STAGES)


def list_tasks(run: kfp_server_api.V2beta1Run) -> list[Task]:
    """All tasks of a run, Kubeflow's own included, in the order in which they began."""
    details = (run.run_details.task_details or ()) if run.run_details else ()
    return [
        Task(
            id=detail.task_id,
            name=detail.display_name,
            label=detail.display_name,
            state=(detail.state or "").lower(),
            started=parse_time(detail.start_time),
            ended=parse_time(detail.end_time),
            message=read_message(detail),
        )
        for detail in sorted(details, key=lambda detail: str(detail.start_time))
    ]


def list_stage_tasks(run: kfp_server_api.V2beta1Run) -> list[Task]:
    """The tasks of stages whose state Kubeflow reports, in the order in which they began."""
    stages = list_stages(run)
    return [task for task in list_tasks(run) if task.name in stages and task.state]


def read_message(failed: Any) -> str:
    """KFP's message about a failed task or run, in one line; empty if it has none."""
    errors: Iterable[Any] = (failed.error, *(status.error for status in reversed(failed.state_history or ())))
    return next((" ".join(error.message.split()) for error in errors if error and error.message), "")


def parse_time(time: datetime | None) -> datetime | None:
    """A time from KFP; None for 1970, which it writes for a time that has not come."""
    return time if time and time.timestamp() > 0 else None
