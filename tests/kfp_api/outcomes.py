"""What becomes of a run, step by step."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from tests.kfp_api.pods import Attempt, done, failed, working

ENDED = ("SUCCEEDED", "SKIPPED", "FAILED", "CANCELED")


@dataclass(frozen=True, kw_only=True)
class Doing:
    """What a task does."""

    state: str
    error: str = ""
    """The error that KFP tells, if any; KFP 2.17 tells none."""
    attempts: tuple[Attempt, ...] = ()
    """Its pods so far."""


Doings = dict[str, tuple[Doing, ...]]
"""What the tasks do by name; a task in a loop does something for each of the loop's items."""


@dataclass(frozen=True, kw_only=True)
class Step:
    """A run at one look."""

    state: str
    tasks: Doings
    of_models: tuple[Doings, ...] = ()
    """What the tasks do for each model, where a run has several; the first also says what `compare` does."""
    told: Doings | None = None
    """What Kubeflow's API tells of the tasks, where it lags behind."""
    message: str = ""
    """Argo's message of the whole workflow."""


Outcome = Callable[[list[str]], list[Step]]
"""What becomes of a run of such tasks: at each look the next of these steps, and the last for ever."""

_PENDING = (Doing(state="PENDING"),)
_RUNNING = (Doing(state="RUNNING", attempts=(working(),)),)
_SUCCEEDED = (Doing(state="SUCCEEDED", attempts=(done(),)),)


def succeeding() -> Outcome:
    """Every task succeeds, one after the other."""

    def steps(tasks: list[str]) -> list[Step]:
        going = [Step(state="RUNNING", tasks=_until(tasks, task) | {task: _RUNNING}) for task in tasks]
        end = Step(state="SUCCEEDED", tasks=dict.fromkeys(tasks, _SUCCEEDED))
        return [Step(state="PENDING", tasks={}), *going, end]

    return steps


def failing(task: str, message: str = "", *attempts: Attempt, is_told_late: bool = False) -> Outcome:
    """A task fails.

    Args:
        message: KFP's; 2.17 tells none, a later one may.
        attempts: its pods, the last of which ends the run; without any, one that says nothing.
        is_told_late: whether the API tells that the run has failed before it tells that of the task.
    """
    pods = attempts or (failed(),)

    def steps(tasks: list[str]) -> list[Step]:
        before = _until(tasks, task)
        going = [
            Step(state="RUNNING", tasks=before | {task: (Doing(state="RUNNING", attempts=pods[:count]),)})
            for count in range(1, len(pods))
        ] or [Step(state="RUNNING", tasks=before | {task: _RUNNING})]
        ended = before | {task: (Doing(state="FAILED", error=message, attempts=pods),), "compare": _SUCCEEDED}
        end = Step(state="FAILED", tasks=ended)
        late = [replace(end, told=before | {task: _RUNNING})] if is_told_late else []
        return [*going, *late, end]

    return steps


def running(task: str, *attempts: Attempt) -> Outcome:
    """A task runs for ever, after these attempts; the last of them goes on."""
    going = (Doing(state="RUNNING", attempts=attempts or (working(),)),)
    return lambda tasks: [Step(state="RUNNING", tasks=_until(tasks, task) | {task: going})]


def looping(task: str, *looks: tuple[Doing, ...]) -> Outcome:
    """The tasks of a loop do these things, look by look; the run ends with the last."""

    def steps(tasks: list[str]) -> list[Step]:
        before = _until(tasks, task)
        ended = all(doing.state in ENDED for doing in looks[-1])
        state = "FAILED" if any(doing.state == "FAILED" for doing in looks[-1]) else "SUCCEEDED"
        *going, last = [Step(state="RUNNING", tasks=before | {task: look}) for look in looks]
        return [*going, replace(last, state=state if ended else "RUNNING")]

    return steps


def of_models(*outcomes: Outcome) -> Outcome:
    """A run with several models, of each of which becomes something else; the run ends with the last."""

    def steps(tasks: list[str]) -> list[Step]:
        ways = [outcome(tasks) for outcome in outcomes]
        looks = [[way[min(look, len(way) - 1)] for way in ways] for look in range(max(map(len, ways)))]
        return [_join(look) for look in looks]

    return steps


def _join(models: list[Step]) -> Step:
    states = [step.state for step in models]
    state = "RUNNING" if {"RUNNING", "PENDING"} & set(states) else "FAILED" if "FAILED" in states else "SUCCEEDED"
    first, *others = (step.tasks for step in models)
    if state == "RUNNING":
        first = {name: doing for name, doing in first.items() if name != "compare"}  # it begins after all models
    return Step(state=state, tasks=first, of_models=(first, *others))


def refused(message: str) -> Outcome:
    """Argo refuses the workflow before any of its pods."""
    return lambda _: [Step(state="FAILED", tasks={}, message=message)]


def _until(tasks: list[str], task: str) -> Doings:
    return dict.fromkeys(tasks[: tasks.index(task)], _SUCCEEDED)
