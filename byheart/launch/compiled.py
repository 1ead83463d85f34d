"""A compiled pipeline: the parameters that it declares, its tasks and their images."""

import copy
import dataclasses
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Self

import yaml
from google.protobuf import json_format

from byheart.contracts.errors import SettingsError
from byheart.contracts.parameters import OPTIONS, convert_value
from byheart.contracts.presets import apply_preset
from byheart.contracts.settings import SETTINGS

_FIRST_STAGE = "download"
"""The stage that receives every parameter, and the defaults of those within `options`."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Compiled:
    """A pipeline as KFP compiles it."""

    graph: dict[str, Any]
    """KFP's pipeline spec."""
    platforms: tuple[dict[str, Any], ...]
    """KFP's platform specs: what Kubernetes is told of the tasks."""
    alone: tuple[str, ...]
    """The parameters that KFP takes by name; all others are keys of `options`."""
    required: tuple[str, ...]
    """The parameters that have no default."""
    defaults: dict[str, Any]
    """The defaults of all other parameters, those within `options` included."""

    @classmethod
    def of(cls, graph: dict[str, Any], *platforms: dict[str, Any]) -> Self:
        """The pipeline of a pipeline spec and platform specs.

        Raises:
            LookupError, TypeError: the graph is not byheart's.
        """
        # A graph in memory has its maps in any order, one in a file in that of the names.
        declared: dict[str, Any] = dict(sorted(graph["root"]["inputDefinitions"]["parameters"].items()))
        if declared["model"]["parameterType"] != "LIST":
            raise TypeError("a run had one model then")
        inputs = dict(_list_tasks(graph))[_FIRST_STAGE]["inputs"]["parameters"]
        required = [name for name, about in declared.items() if not about.get("isOptional")]
        return cls(
            graph=graph,
            platforms=platforms,
            alone=tuple(name for name in declared if name != OPTIONS),
            required=tuple(required),
            defaults={
                name: convert_value(name, value, SETTINGS.get(name, type(value)))  # a graph has 2000 as 2000.0
                for name, value in sorted(inputs["defaults"]["runtimeValue"]["constant"].items())
            },
        )

    @property
    def names(self) -> tuple[str, ...]:
        """The names of all parameters, those within `options` last."""
        return tuple(dict.fromkeys((*self.alone, *self.defaults)))

    def build_arguments(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """The arguments for KFP, from values by name.

        Kubeflow shows what a run was given, and no defaults. So every parameter of `alone` is given, with what `preset`
        makes of it, and `options` holds whatever differs from its default: all of them would be one long line, in which
        nobody finds the one that two runs do not share, and a clone keeps its graph, with the defaults.

        Raises:
            SettingsError: there is no such preset, or a value contradicts it.
        """
        complete = apply_preset({**self.defaults, **values}, self.defaults)
        alone = {name: complete.pop(name) for name in self.alone if name in complete}
        return alone | {OPTIONS: {name: value for name, value in complete.items() if value != self.defaults[name]}}

    @property
    def tasks(self) -> set[str]:
        """The names of all stages' tasks, those in loops included; any other task that KFP reports is its own."""
        components = self.graph["components"]
        return {name for name, task in _list_tasks(self.graph) if "dag" not in components[task["componentRef"]["name"]]}

    @property
    def images(self) -> set[str]:
        """The images that the tasks' pods pull."""
        return {executor["container"]["image"] for executor in self.graph["deploymentSpec"]["executors"].values()}

    @property
    def local_images(self) -> list[str]:
        """The images that were not pushed: their names have no registry."""
        return sorted(image for image in self.images if "/" not in image)

    def dump_for_desk(self) -> str:
        """The pipeline as YAML for KFP's local runners: each task is tried once, and has no variables of a pod's.

        Exit tasks are left out: on a desk a run has one model, and the launcher compares several.
        """
        desk = dataclasses.replace(self, graph=copy.deepcopy(self.graph))
        tasks = desk.graph["root"]["dag"]["tasks"]
        for name in [name for name, task in tasks.items() if "triggerPolicy" in task]:
            del tasks[name]
        for _, task in _list_tasks(desk.graph):
            task.pop("retryPolicy", None)
        for executor in desk.graph["deploymentSpec"]["executors"].values():
            executor["container"].pop("env", None)  # it would hide the token of `hf auth login`
        return yaml.safe_dump_all([desk.graph, *desk.platforms], sort_keys=False)


def read_compiled(path: str | Path) -> Compiled:
    """The compiled pipeline in a file.

    Raises:
        SettingsError: the file cannot be read, or is no pipeline of this version.
    """
    try:
        return Compiled.of(*yaml.safe_load_all(Path(path).read_text(encoding="utf-8")))
    except OSError as error:
        found = error.strerror
    except (yaml.YAMLError, ValueError, LookupError, TypeError):
        found = "another file, or one of another version"
    raise SettingsError(f"{path} must be a compiled pipeline, found: {found}: write it with `byheart compile`")


def compile_in_memory(pipeline: Any) -> Compiled:
    """The compiled pipeline of a function that is decorated with `dsl.pipeline`."""
    return Compiled.of(json_format.MessageToDict(pipeline.pipeline_spec))


def _list_tasks(graph: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """All tasks of a graph by name, those in loops included; no name occurs twice."""
    for part in (graph["root"], *graph["components"].values()):
        yield from part.get("dag", {}).get("tasks", {}).items()
