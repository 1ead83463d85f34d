"""Shows what the stages of a run said."""

import dataclasses
import sys
from collections.abc import Callable, Iterator
from typing import Any

from byheart.contracts.errors import ByheartError
from byheart.contracts.model_names import shorten_models
from byheart.contracts.parameters import suggest_name
from byheart.contracts.progress import StageLine, parse_line
from byheart.kubeflow.artifacts import open_artifacts
from byheart.kubeflow.client import Cluster
from byheart.kubeflow.errors import ClusterError
from byheart.kubeflow.nodes import label_task
from byheart.kubeflow.pods import read_pods, suggest_logs
from byheart.kubeflow.runs import find_run
from byheart.kubeflow.tasks import list_stage_tasks, list_stages, read_models

_LOGS = "executor-logs"


def show_logs(cluster: Cluster, run: str, task: str = "", *, show: Callable[[StageLine], None], root: str = "") -> None:
    """Show what the stages of a run have said so far, in the order of time.

    The lines are read from the run's pods; for tasks whose pods are gone or may not be read, from the logs that
    Kubeflow keeps of each attempt that was not killed.

    Args:
        run: its id, name or address, as for `find_run`.
        task: the only stage to show; empty shows all.
        show: shows one line.
        root: where Kubeflow keeps artifacts; empty asks the run and the kubeconfig.

    Raises:
        ClusterError: there is no such run or task, no log can be read, or the cluster cannot be asked.
    """
    known = find_run(cluster, run)
    stages = list_stages(known)
    if task and task not in stages:
        raise ClusterError(f"a task must be a stage of the run, found {task!r}: {suggest_name(task, sorted(stages))}")
    begun = {row.name for row in list_stage_tasks(known) if row.state != "pending"}
    wanted = {task} if task else begun or stages
    pod_lines = read_pods(known.run_id, cluster.namespace)
    lines = [(iterations, said) for iterations, said in pod_lines or () if said.stage in wanted]
    why = "its pods are gone, or have not begun" if pod_lines is not None else "its pods may not be read from here"
    if silent := wanted - {said.stage for _, said in lines}:
        try:
            lines += [((), said) for said in _read_kept(cluster, known, silent, root)]
        except ByheartError as error:
            why += f", and {error.message}"
    speakers = {(said.stage, iterations) for iterations, said in lines}
    models = shorten_models(read_models(known))
    for iterations, said in sorted(lines, key=lambda line: line[1].time):
        alike = {where for stage, where in speakers if stage == said.stage}
        show(dataclasses.replace(said, stage=label_task(said.stage, iterations, alike, models)))
    if silent := wanted - {said.stage for _, said in lines}:
        remedy = suggest_logs(known.run_id, cluster.namespace, errors_only=False)
        message = f"nothing is known of what {', '.join(sorted(silent))} said: {why}: {remedy}"
        if not lines:
            raise ClusterError(message)
        print(f"note: {message}", file=sys.stderr, flush=True)


def _read_kept(cluster: Cluster, run: Any, stages: set[str], root: str) -> Iterator[StageLine]:
    """The lines of these stages in the logs that Kubeflow's launcher keeps, of every attempt."""
    artifacts = open_artifacts(cluster, run, root)
    for stage in sorted(stages):
        for stored in artifacts.list(f"{stage}/"):
            if stored.name.split("/")[2].startswith(_LOGS):
                text = artifacts.read(stored.name).decode(errors="replace")
                yield from (said for said in map(parse_line, text.split("\n")) if said and said.stage == stage)
