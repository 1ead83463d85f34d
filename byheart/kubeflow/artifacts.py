"""Finds the artifacts that the tasks of a run wrote, where Kubeflow keeps them.

    ROOT/PIPELINE/RUN/TASK/SALT/NAME        an artifact, a file or a folder
    ROOT/PIPELINE/RUN/TASK/SALT/executor-logs-N    what the task printed in its attempt N

These are the names that the driver of KFP 2.17 gives them (`GenerateOutputURI` in its source, seen on a cluster). KFP's
API does not give them: it knows artifacts by numbers in another database (`PipelineTaskDetail.outputs`), and cannot
read them. ROOT is the run's own if it has one, else the namespace's, which the ConfigMap kfp-launcher holds.
"""

import contextlib
from collections.abc import Iterator
from typing import Any

from byheart.kubeflow.access import TIMEOUT_SECONDS, UNREACHABLE, choose_namespace, connect
from byheart.kubeflow.client import Cluster
from byheart.kubeflow.errors import ClusterError
from byheart.store import Store, open_store

_DEFAULT_ROOT = "minio://mlpipeline/v2/artifacts"
"""Kubeflow's default."""
_PIPELINE = "byheart"


def open_artifacts(cluster: Cluster, run: Any, root: str = "") -> Store:
    """A store with the artifacts of a run, under the names TASK/SALT/NAME.

    Args:
        run: the run, as `Cluster.read_run` returns it.
        root: where Kubeflow keeps artifacts; empty asks the run and the namespace.

    Raises:
        ClusterError: their location is unknown, or is neither at gs:// nor a folder.
        StoreError: the location cannot be read.
    """
    roots = [root] if root else list(dict.fromkeys(_list_roots(cluster, run)))
    readable = [root for root in roots if root.startswith("gs://") or "://" not in root]
    for root in readable:
        artifacts = open_store(f"{root.rstrip('/')}/{_read_pipeline_name(run)}/{run.run_id}", "root")
        if any(True for _ in artifacts.list()):
            return artifacts
    if len(readable) < len(roots):
        raise ClusterError(
            f"artifacts must lie at gs:// to be read, found them at {roots[0]}: download `results`, which plot wrote, "
            f"in Kubeflow's UI ({cluster.locate(run.run_id)}), and see step 3 of k8s/README.md for a bucket"
        )
    raise ClusterError(
        f"the root of Kubeflow's artifacts must be known, found none of {run.display_name} below "
        f"{' or '.join(readable) or 'a root that the run or a kubeconfig names'}: give --root, as gs://my-bucket/kubeflow"
    )


def _list_roots(cluster: Cluster, run: Any) -> Iterator[str]:
    """Possible roots of the run's artifacts, likeliest first; the right one holds a folder with the run's id."""
    config = run.runtime_config
    if config and config.pipeline_root:
        yield config.pipeline_root
        return
    with contextlib.suppress(*UNREACHABLE):
        settings = connect().read_namespaced_config_map(
            "kfp-launcher", choose_namespace(cluster.namespace), _request_timeout=TIMEOUT_SECONDS
        )
        yield (settings.data or {}).get("defaultPipelineRoot") or _DEFAULT_ROOT
    store = str(((config and config.parameters) or {}).get("store", ""))
    if store.startswith("gs://"):  # what k8s/base/kfp-launcher.yaml sets, in the bucket of k8s/settings
        yield f"gs://{store.removeprefix('gs://').partition('/')[0]}/kubeflow"


def _read_pipeline_name(run: Any) -> str:
    spec = run.pipeline_spec or {}
    return str(spec.get("pipeline_spec", spec).get("pipelineInfo", {}).get("name", _PIPELINE))
