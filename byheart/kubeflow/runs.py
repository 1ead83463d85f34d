"""Finds the run on a cluster that a person names."""

import difflib
import re
from collections.abc import Sequence
from typing import Any, NoReturn

import kfp_server_api

from byheart.kubeflow.client import EQUALS, IS_SUBSTRING, Cluster
from byheart.kubeflow.errors import ClusterError
from byheart.kubeflow.tasks import read_state

_PAGE = re.compile(r"/runs/details/([^/?#]+)")
"""The end of a run's address in Kubeflow's UI."""
_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_BEGINNING = re.compile(r"[0-9a-f-]{4,35}")
"""The beginning of an id; a shorter one could match by chance."""
_SEARCHED, _LISTED = 50, 5
"""How many of the latest runs are searched for a similar name, and how many are listed. Few, since KFP answers with the
whole graph of each."""


def find_run(cluster: Cluster, run: str) -> kfp_server_api.V2beta1Run:
    """A run, with its tasks and states.

    Args:
        run: the id, its beginning, the run's name, or the address of the run in Kubeflow's UI.

    Raises:
        ClusterError: there is no such run, or several; or the cluster cannot be asked.
    """
    page = _PAGE.search(run)
    run = page[1] if page else run.strip()
    if _ID.fullmatch(run):
        if known := cluster.find_run(run):
            return known
        _raise_unknown(cluster, run)
    runs = cluster.list_latest(_LISTED, "display_name", EQUALS, run) if run else []
    if not runs and _BEGINNING.fullmatch(run):
        holding = cluster.list_latest(_SEARCHED, "run_id", IS_SUBSTRING, run)
        runs = [candidate for candidate in holding if candidate.run_id.startswith(run)]
    if not runs:
        _raise_unknown(cluster, run)
    if len(runs) > 1:
        raise ClusterError(f"RUN must be one run, found several called {run}: give an id, of {_describe_runs(runs)}")
    return cluster.read_run(runs[0].run_id)  # a list has no tasks


def _raise_unknown(cluster: Cluster, run: str) -> NoReturn:
    latest = cluster.list_latest(_SEARCHED)
    near = difflib.get_close_matches(run, [known.display_name for known in latest], 1)
    hint = f"did you mean {near[0]}?" if near else "it may have been deleted;"
    listed = f"the latest are {_describe_runs(latest)}" if latest else "there are none"
    raise ClusterError(f"RUN must be a run's id, name or address, found {run!r} and no such run: {hint} {listed}")


def _describe_runs(runs: Sequence[Any]) -> str:
    return "; ".join(
        f"{run.run_id} ({run.display_name}, {read_state(run)}, {run.created_at:%Y-%m-%d %H:%M})"
        for run in runs[:_LISTED]
    )
