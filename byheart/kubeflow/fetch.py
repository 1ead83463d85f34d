"""Finds the results of a run on a cluster, and downloads them."""

import dataclasses
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import kfp_server_api

from byheart.contracts.progress import format_size
from byheart.kubeflow.artifacts import open_artifacts
from byheart.kubeflow.client import Cluster
from byheart.kubeflow.errors import ClusterError
from byheart.kubeflow.failure import explain_failure
from byheart.kubeflow.runs import find_run
from byheart.kubeflow.tasks import has_ended, has_failed, read_state
from byheart.store import Store
from byheart.store.stored import Stored, StoredGroup, check_name

_TASK, _ARTIFACT, _LAST = "plot", "results", "provenance.json"
"""The task, its artifact, and a file that every complete artifact has."""
_AT_ONCE = 8
_IN_MEMORY_BYTES = 64 * 2**20
"""Objects up to this size are read at once, and their checksum is compared."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class RemoteResults:
    """The results of a run that has ended, where Kubeflow keeps them."""

    run: kfp_server_api.V2beta1Run
    artifacts: Store
    files: dict[str, Stored]
    """The objects among the artifacts, by their names in the results."""

    def download(self, into: Path) -> None:
        """Download the results into a folder, and print their number and size.

        Each file appears complete or not at all.

        Raises:
            StoreError: an object cannot be read.
            OSError: a file cannot be written.
        """
        size = format_size(StoredGroup(objects=list(self.files.values())).size_bytes)
        print(f"{len(self.files):,} files, {size}, of {self.run.display_name}, {read_state(self.run)}", flush=True)
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            for _ in pool.map(lambda name: _download(self.artifacts, self.files[name], into / name), self.files):
                pass


def find_results(cluster: Cluster, run: str, *, root: str = "") -> RemoteResults:
    """The results of a run that has ended.

    Args:
        run: its id, name or address, as for `find_run`.
        root: where Kubeflow keeps artifacts; empty asks the run and the kubeconfig.

    Raises:
        ClusterError: there is no such run, it has not ended, or its results cannot be found.
        RunFailedError: it failed without results.
        StoreError: the artifacts cannot be listed.
    """
    known = find_run(cluster, run)
    if not has_ended(known):
        raise ClusterError(
            f"results are fetched of a run that has ended, found {known.display_name} {read_state(known)}: "
            f"`byheart wait {known.run_id}` first"
        )
    artifacts = open_artifacts(cluster, known, root)
    files = _list_results(artifacts)
    if not files:
        if has_failed(known):
            raise explain_failure(cluster, known)
        raise ClusterError(
            f"a run must have results to be fetched, found none of {known.display_name} at {artifacts.locate(_TASK)}: "
            "they may have been removed, start the run anew"
        )
    return RemoteResults(run=known, artifacts=artifacts, files=files)


def _list_results(artifacts: Store) -> dict[str, Stored]:
    """The objects of the newest complete artifact, by their names in it; empty without one.

    A second attempt of KFP's driver writes below another salt.
    """
    salts: dict[str, dict[str, Stored]] = {}
    for stored in artifacts.list(f"{_TASK}/"):
        _, salt, *name = stored.name.split("/")
        if name[:1] == [_ARTIFACT] and name[-1]:
            salts.setdefault(salt, {})["/".join(name[1:])] = stored
    complete = [files for files in salts.values() if _LAST in files]
    newest = max(complete, key=lambda files: files[_LAST].created, default={})
    return {check_name(name): stored for name, stored in newest.items()}


def _download(artifacts: Store, stored: Stored, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.part")
    if stored.size_bytes <= _IN_MEMORY_BYTES:
        part.write_bytes(artifacts.read(stored.name))
    else:
        artifacts.fetch(stored.name, part)
    part.replace(path)
