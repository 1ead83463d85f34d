"""Brings the results of a run from the cluster."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from byheart.contracts.progress import format_size
from byheart.kubeflow.artifacts import open_artifacts
from byheart.kubeflow.client import Cluster
from byheart.kubeflow.errors import ClusterError
from byheart.kubeflow.failure import failure_of
from byheart.kubeflow.runs import find_run
from byheart.kubeflow.tasks import has_ended, state_of
from byheart.store import Store
from byheart.store.stored import Stored, check_name

_TASK, _ARTIFACT, _LAST = "plot", "results", "provenance.json"
"""The task, the artifact that it writes, and a file that every whole artifact has."""
_AT_ONCE = 8
_IN_MEMORY_BYTES = 64 * 2**20
"""Objects up to this size are read whole, and held against their checksum."""


def fetch_results(cluster: Cluster, run: str, into: Path, *, root: str = "") -> None:
    """Bring what a run that has ended wrote as its results, and print how much that is.

    Args:
        run: as `find_run` takes it.
        into: the folder; each file is there whole or not at all.
        root: where Kubeflow keeps artifacts, where neither the run nor a kubeconfig tells.

    Raises:
        ClusterError: there is no such run, it has not ended, or its results cannot be found.
        RunFailedError: it has failed without results.
        StoreError: an object cannot be read.
        OSError: a file cannot be written.
    """
    known = cluster.run(find_run(cluster, run))
    if not has_ended(known):
        raise ClusterError(
            f"results are fetched of a run that has ended, found {known.display_name} {state_of(known)}: `byheart wait "
            f"{known.run_id}` first"
        )
    artifacts = open_artifacts(cluster, known, root)
    files = _list_results(artifacts)
    if not files:
        if state_of(known) in ("failed", "cancelled"):
            raise failure_of(cluster, known)
        raise ClusterError(
            f"a run must have results to be fetched, found none of {known.display_name} at {artifacts.locate(_TASK)}: "
            "they may have been removed, start the run anew"
        )
    total = sum(stored.size_bytes for stored in files.values())
    print(f"{len(files):,} files, {format_size(total)}, of {known.display_name}, {state_of(known)}", flush=True)
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        for _ in pool.map(lambda name: _bring(artifacts, files[name], into / name), files):
            pass


def _list_results(artifacts: Store) -> dict[str, Stored]:
    """The objects of the newest whole artifact, by their names in it; none where there is none.

    A driver that was tried again writes below another salt.
    """
    salts: dict[str, dict[str, Stored]] = {}
    for stored in artifacts.list(f"{_TASK}/"):
        _, salt, *name = stored.name.split("/")
        if name[:1] == [_ARTIFACT] and name[-1]:
            salts.setdefault(salt, {})["/".join(name[1:])] = stored
    whole = [files for files in salts.values() if _LAST in files]
    newest = max(whole, key=lambda files: files[_LAST].created, default={})
    return {check_name(name): stored for name, stored in newest.items()}


def _bring(artifacts: Store, stored: Stored, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.part")
    if stored.size_bytes <= _IN_MEMORY_BYTES:
        part.write_bytes(artifacts.read(stored.name))
    else:
        artifacts.fetch(stored.name, part)
    part.replace(path)
