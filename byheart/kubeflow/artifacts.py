"""Where Kubeflow keeps what the tasks of a run wrote.

    ROOT/PIPELINE/RUN/TASK/SALT/NAME        an artifact; a folder for one that is a folder
    ROOT/PIPELINE/RUN/TASK/SALT/executor-logs-N    what the task printed in its attempt N

So the driver of KFP 2.17 names them (`GenerateOutputURI` in its source, seen on a cluster). KFP's API tells nobody: of
artifacts it has numbers in another database (`PipelineTaskDetail.outputs`), and no way to read them. ROOT is that of
the run where it has one, else the namespace's, which stands in the ConfigMap kfp-launcher.
"""

import contextlib
from collections.abc import Iterator
from typing import Any

from byheart.kubeflow.access import TIMEOUT_SECONDS, UNREACHABLE, connect, namespace_of_runs
from byheart.kubeflow.client import Cluster
from byheart.kubeflow.errors import ClusterError
from byheart.store import Store, open_store

_DEFAULT_ROOT = "minio://mlpipeline/v2/artifacts"
"""Kubeflow's own, where nobody has set another."""
_PIPELINE = "byheart"


def open_artifacts(cluster: Cluster, run: Any, root: str = "") -> Store:
    """The artifacts of a run; the names in it are TASK/SALT/NAME.

    Args:
        run: what KFP knows of it.
        root: where artifacts lie, where neither the run nor the namespace says so.

    Raises:
        ClusterError: they lie where this cannot read, or nobody says where they lie.
        StoreError: there they cannot be read.
    """
    roots = [root] if root else list(dict.fromkeys(_roots(cluster, run)))
    readable = [root for root in roots if root.startswith("gs://") or "://" not in root]
    for root in readable:
        artifacts = open_store(f"{root.rstrip('/')}/{_pipeline(run)}/{run.run_id}", "root")
        if any(True for _ in artifacts.list()):
            return artifacts
    if len(readable) < len(roots):
        raise ClusterError(
            f"artifacts must lie at gs:// to be read, found them at {roots[0]}: download `results`, which plot wrote, "
            f"in Kubeflow's UI ({cluster.address(run.run_id)}), and see step 3 of k8s/README.md for a bucket"
        )
    raise ClusterError(
        f"the place where Kubeflow keeps artifacts must be known, found none of {run.display_name} below "
        f"{' or '.join(readable) or 'a place that the run or a kubeconfig tells'}: give --root, as gs://my-bucket/kubeflow"
    )


def _roots(cluster: Cluster, run: Any) -> Iterator[str]:
    """Where the artifacts of a run may lie, the likeliest first: its id behind each tells which it is."""
    config = run.runtime_config
    if config and config.pipeline_root:
        yield config.pipeline_root
        return
    with contextlib.suppress(*UNREACHABLE):
        settings = connect().read_namespaced_config_map(
            "kfp-launcher", namespace_of_runs(cluster.namespace), _request_timeout=TIMEOUT_SECONDS
        )
        yield (settings.data or {}).get("defaultPipelineRoot") or _DEFAULT_ROOT
    store = str(((config and config.parameters) or {}).get("store", ""))
    if store.startswith("gs://"):  # what k8s/base/kfp-launcher.yaml sets, in the bucket of k8s/settings
        yield f"gs://{store.removeprefix('gs://').partition('/')[0]}/kubeflow"


def _pipeline(run: Any) -> str:
    spec = run.pipeline_spec or {}
    return str(spec.get("pipeline_spec", spec).get("pipelineInfo", {}).get("name", _PIPELINE))
