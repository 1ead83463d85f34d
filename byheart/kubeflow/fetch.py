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
from byheart.kubeflow.tasks import has_ended, has_failed, read_models, read_state
from byheart.measures.artifacts import PLOT, find_comparison, find_results, name_results
from byheart.store import Store
from byheart.store.stored import Stored, StoredGroup

_AT_ONCE = 8
_IN_MEMORY_BYTES = 64 * 2**20
"""Objects up to this size are read at once, and their checksum is compared."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class RemoteResults:
    """The results of a run that has ended, where Kubeflow keeps them."""

    run: kfp_server_api.V2beta1Run
    artifacts: Store
    models: dict[str, dict[str, Stored]]
    """For each model that has results, a folder's name and the objects, by their names in the results."""
    comparison: dict[str, Stored]
    """The objects of the comparison, by their names in its folder; empty if there is none."""

    @property
    def is_grid(self) -> bool:
        """Whether the run was given several models."""
        return len(read_models(self.run)) > 1

    def download(self, model: str, into: Path) -> None:
        """Download the results of a model into a folder, and print their number and size.

        Each file appears complete or not at all.

        Args:
            model: a key of `models`.

        Raises:
            StoreError: an object cannot be read.
            OSError: a file cannot be written.
        """
        whose = f"{model} in {self.run.display_name}" if self.is_grid else self.run.display_name
        self._download(self.models[model], into, whose)

    def download_comparison(self, into: Path) -> None:
        """Download the comparison, as `download` does it; nothing where there is none."""
        if self.comparison:
            self._download(self.comparison, into, f"the comparison in {self.run.display_name}")

    def _download(self, files: dict[str, Stored], into: Path, whose: str) -> None:
        size = format_size(StoredGroup(objects=list(files.values())).size_bytes)
        print(f"{len(files):,} files, {size}, of {whose}, {read_state(self.run)}", flush=True)
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            for _ in pool.map(lambda name: _download(self.artifacts, files[name], into / name), files):
                pass


def find_remote(cluster: Cluster, run: str, *, root: str = "") -> RemoteResults:
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
    found = find_results(artifacts, read_models(known))
    if not found:
        if has_failed(known):
            raise explain_failure(cluster, known)
        raise ClusterError(
            f"a run must have results to be fetched, found none of {known.display_name} at {artifacts.locate(PLOT)}: "
            "they may have been removed, start the run anew"
        )
    models = dict(zip(name_results(found), (results.files for results in found), strict=True))
    return RemoteResults(run=known, artifacts=artifacts, models=models, comparison=find_comparison(artifacts))


def _download(artifacts: Store, stored: Stored, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.part")
    if stored.size_bytes <= _IN_MEMORY_BYTES:
        part.write_bytes(artifacts.read(stored.name))
    else:
        artifacts.fetch(stored.name, part)
    part.replace(path)
