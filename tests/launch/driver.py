"""What Kubeflow's driver makes of a compiled graph: the pod of a task, once the outputs before it are known.

Written after the driver's source: a text that stands for a parameter is looked up among the task's inputs, and what is
no text is an empty one; a node selector must be an object, tolerations an object or a list.
"""

import re
from pathlib import Path
from typing import Any

import yaml

Graph = dict[str, Any]
_PARAMETER = re.compile(r"\{\{\$\.inputs\.parameters\['([^']+)'\]\}\}")


def read_compiled(path: Path) -> tuple[Graph, Graph]:
    """The graph, and what Kubernetes is told of its executors."""
    spec, platform = yaml.safe_load_all(path.read_text(encoding="utf-8"))
    return spec, platform["platforms"]["kubernetes"]["deploymentSpec"]["executors"]


def graphs_of(spec: Graph) -> list[Graph]:
    """The graph, and those of what is repeated for each model and for each shard."""
    return [spec["root"], *(component for component in spec["components"].values() if "dag" in component)]


def executors_of(spec: Graph) -> dict[str, tuple[Graph, Graph]]:
    """Of each executor, its task and the graph that the task stands in."""
    found = {}
    for graph in graphs_of(spec):
        for task in graph["dag"]["tasks"].values():
            component = spec["components"][task["componentRef"]["name"]]
            if "executorLabel" in component:
                found[component["executorLabel"]] = (task, graph)
    return found


def parameters_in(value: Any) -> list[str]:
    """The inputs that texts below `value` stand for."""
    if isinstance(value, dict | list):
        return [name for each in (value.values() if isinstance(value, dict) else value) for name in parameters_in(each)]
    return _PARAMETER.findall(value) if isinstance(value, str) else []


class Driver:
    """The driver, before the task inside the loop over the shards."""

    def __init__(self, spec: Graph, platform: Graph, executor: str, outputs: dict[str, dict[str, Any]]) -> None:
        """`outputs` are those of the tasks that have run, by name."""
        self.container = spec["deploymentSpec"]["executors"][executor]["container"]
        self.config = platform[executor]
        self.task, graph = executors_of(spec)[executor]
        (loop,) = (
            task
            for around in graphs_of(spec)
            for task in around["dag"]["tasks"].values()
            if spec["components"][task["componentRef"]["name"]] is graph
        )
        self.of_loop = {
            name: outputs[source["taskOutputParameter"]["producerTask"]][
                source["taskOutputParameter"]["outputParameterKey"]
            ]
            for name, source in loop["inputs"]["parameters"].items()
            if source.get("taskOutputParameter", {}).get("producerTask") in outputs
        }

    def pod(self) -> dict[str, Any]:
        """The pod's manifest, as far as the graph says it."""
        resources = self.container["resources"]
        limits = {
            "cpu": self._text(resources["resourceCpuLimit"]),
            "memory": self._text(resources["resourceMemoryLimit"]),
        }
        kind, count = (self._text(resources["accelerator"][name]) for name in ("resourceType", "resourceCount"))
        if kind and count:
            limits[kind] = count
        selector = self.of_loop[self.config["nodeSelector"]["nodeSelectorJson"]["componentInputParameter"]]
        (toleration,) = self.config["tolerations"]
        tolerations = self.of_loop[toleration["tolerationJson"]["componentInputParameter"]]
        assert isinstance(selector, dict)
        assert isinstance(tolerations, list)
        container = {"name": "main", "image": self.container["image"], "resources": {"limits": limits}}
        return {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": "extract"},
            "spec": {"containers": [container], "nodeSelector": selector, "tolerations": tolerations},
        }

    def _text(self, value: str) -> str:
        found = _PARAMETER.fullmatch(value)
        if not found:
            return value
        resolved = self.of_loop[self.task["inputs"]["parameters"][found[1]]["componentInputParameter"]]
        return resolved if isinstance(resolved, str) else ""
