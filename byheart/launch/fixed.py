"""What `make compile` fixes in the graph: Kubeflow takes it from no parameter of a run."""

import copy
import dataclasses
import re
from typing import Any

from google.protobuf import json_format
from kfp.kubernetes import kubernetes_executor_config_pb2 as kubernetes

from byheart.contracts.errors import SettingsError
from byheart.contracts.settings import QUANTITY
from byheart.contracts.version import VERSION
from byheart.launch.images import JAX, image_references

SCORING = "extract"
"""The stage that a queue, a limit of time and a user of their own are for."""
_QUEUE = "kueue.x-k8s.io/queue-name"
_MOST_HOURS, _MOST_RETRIES, _MOST_USER = 24 * 365, 1000, 2**31 - 1


@dataclasses.dataclass(frozen=True, kw_only=True)
class Fixed:
    """The same for every run of a compiled graph."""

    jax: str = JAX[0]
    """The flavour of the image of `extract`."""
    queue: str = ""
    """Kueue's LocalQueue that the pods of `extract` wait in; empty for none."""
    timeout_hours: int = 24
    """How long one attempt of `extract` may take; the next goes on where it was."""
    retries: int = 30
    """How often `extract` is tried again."""
    tmp_size: str = "4Gi"
    """Of each pod's /tmp."""
    run_as: int = 65532
    """The user of the container of `extract`, 0 being root; the others' is always the default."""

    def check(self) -> None:
        """Refuse, by name, the first value that cannot be used.

        Raises:
            SettingsError: there is one.
        """
        if self.queue and not re.fullmatch(r"[a-z0-9]([a-z0-9.-]{0,61}[a-z0-9])?", self.queue):
            raise SettingsError(f"queue must be the name of a LocalQueue, found {self.queue!r}: give its name")
        if self.queue == "default":
            raise SettingsError(
                "queue must not be called default, since Kueue then takes in pods that name no queue, Kubeflow's own "
                "too, found default: name the LocalQueue otherwise"
            )
        if not QUANTITY.fullmatch(self.tmp_size):
            raise SettingsError(
                f"tmp_size must be a quantity, found {self.tmp_size!r}: write a number with Mi, Gi or Ti, as 4Gi"
            )
        for name, least, most in (
            ("timeout_hours", 1, _MOST_HOURS),
            ("retries", 0, _MOST_RETRIES),
            ("run_as", 0, _MOST_USER),
        ):
            if not least <= getattr(self, name) <= most:
                raise SettingsError(
                    f"{name} must be from {least} to {most:,}, found {getattr(self, name):,}: choose such a number"
                )


def fix(pipeline: Any, fixed: Fixed) -> Any:
    """A copy of a KFP pipeline with that in it.

    Raises:
        SettingsError: a value cannot be used, or the images' references are not to be had.
    """
    fixed.check()
    pipeline = copy.deepcopy(pipeline)
    images = {f"byheart-{name}:{VERSION}": reference for name, reference in image_references(fixed.jax).items()}
    spec, platform = pipeline.pipeline_spec, pipeline.platform_spec.platforms["kubernetes"].deployment_spec.executors
    for name, executor in spec.deployment_spec["executors"].items():
        executor["container"]["image"] = images[executor["container"]["image"]]
        config = json_format.ParseDict(json_format.MessageToDict(platform[name]), kubernetes.KubernetesExecutorConfig())
        scores = name == f"exec-{SCORING}"
        user = fixed.run_as if scores else Fixed.run_as
        config.security_context.run_as_user = config.security_context.run_as_group = user
        config.security_context.run_as_non_root = user != 0
        config.empty_dir_mounts.add(volume_name="tmp", mount_path="/tmp", size_limit=fixed.tmp_size)
        if scores:
            config.active_deadline_seconds = fixed.timeout_hours * 3600
            if fixed.queue:
                config.pod_metadata.labels[_QUEUE] = fixed.queue
        platform[name].update(json_format.MessageToDict(config))
    for component in spec.components.values():
        if SCORING in component.dag.tasks:
            component.dag.tasks[SCORING].retry_policy.max_retry_count = fixed.retries
    return pipeline
