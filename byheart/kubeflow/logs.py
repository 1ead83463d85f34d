"""What the stages of a run said."""

import sys
from collections.abc import Callable, Iterator
from typing import Any

from byheart.contracts.errors import ByheartError
from byheart.contracts.parameters import closest
from byheart.contracts.progress import StageLine, parse_line
from byheart.kubeflow.artifacts import open_artifacts
from byheart.kubeflow.client import Cluster
from byheart.kubeflow.errors import ClusterError
from byheart.kubeflow.pods import how_to_read_pods, said_by_pods
from byheart.kubeflow.runs import find_run
from byheart.kubeflow.tasks import stages_of, tasks_of

_LOGS = "executor-logs"


def logs(cluster: Cluster, run: str, task: str = "", *, show: Callable[[StageLine], None], root: str = "") -> None:
    """Show what the stages of a run have said so far, in the order of time.

    It is read from the run's pods; of tasks whose pods are gone or may not be read, from what Kubeflow has kept of
    each attempt that ended by itself.

    Args:
        run: as `find_run` takes it.
        task: a stage, to show that alone.
        show: shows one line.
        root: where Kubeflow keeps artifacts, where neither the run nor a kubeconfig tells.

    Raises:
        ClusterError: there is no such run or task, nothing can be read, or the cluster cannot be asked.
    """
    known = cluster.run(find_run(cluster, run))
    stages = stages_of(known)
    if task and task not in stages:
        raise ClusterError(f"a task must be a stage of the run, found {task!r}: {closest(task, sorted(stages))}")
    begun = {row.name for row in tasks_of(known) if row.name in stages and row.state not in ("", "pending")}
    wanted = {task} if task else begun or stages
    of_pods = said_by_pods(known.run_id, cluster.namespace)
    lines = [said for said in of_pods or () if said.stage in wanted]
    why = "its pods are gone, or have not begun" if of_pods is not None else "its pods may not be read from here"
    if silent := wanted - {said.stage for said in lines}:
        try:
            lines += _kept(cluster, known, silent, root)
        except ByheartError as error:
            why += f", and {error.message}"
    for said in sorted(lines, key=lambda said: said.time):
        show(said)
    if silent := wanted - {said.stage for said in lines}:
        remedy = how_to_read_pods(known.run_id, cluster.namespace)
        message = f"nothing is known of what {', '.join(sorted(silent))} said: {why}: {remedy}"
        if not lines:
            raise ClusterError(message)
        print(f"note: {message}", file=sys.stderr, flush=True)


def _kept(cluster: Cluster, run: Any, stages: set[str], root: str) -> Iterator[StageLine]:
    """What Kubeflow's launcher has kept of what these stages printed, in every attempt."""
    artifacts = open_artifacts(cluster, run, root)
    for stage in sorted(stages):
        for stored in artifacts.list(f"{stage}/"):
            if stored.name.split("/")[2].startswith(_LOGS):
                text = artifacts.read(stored.name).decode(errors="replace")
                yield from (said for said in map(parse_line, text.split("\n")) if said and said.stage == stage)
