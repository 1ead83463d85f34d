"""A compiled pipeline: what it declares, and what stands in it."""

import copy
import dataclasses
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Self

import yaml
from google.protobuf import json_format

from byheart.contracts.errors import SettingsError
from byheart.contracts.parameters import OPTIONS

_DOOR = "download"
"""The stage that all parameters go to, and the defaults of those within `options` too."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Compiled:
    """A graph of KFP's, and what Kubernetes is told of its tasks."""

    graph: dict[str, Any]
    platforms: tuple[dict[str, Any], ...]
    alone: tuple[str, ...]
    """The parameters that stand alone."""
    needed: tuple[str, ...]
    """Those of them that have no default."""
    defaults: dict[str, Any]
    """Of all others, those within `options` too."""

    @classmethod
    def of(cls, graph: dict[str, Any], *platforms: dict[str, Any]) -> Self:
        """A graph as KFP writes it.

        Raises:
            LookupError, TypeError: it is no graph of ours.
        """
        declared: dict[str, Any] = graph["root"]["inputDefinitions"]["parameters"]
        given = graph["root"]["dag"]["tasks"][_DOOR]["inputs"]["parameters"]
        needed = [name for name, about in declared.items() if not about.get("isOptional")]
        return cls(
            graph=graph,
            platforms=platforms,
            alone=tuple(name for name in declared if name != OPTIONS),
            needed=tuple(needed),
            defaults=given["defaults"]["runtimeValue"]["constant"],
        )

    @property
    def names(self) -> tuple[str, ...]:
        """Every parameter, those within `options` last."""
        return tuple(dict.fromkeys((*self.alone, *self.defaults)))

    def arguments(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """What KFP is given for values that stand by name: some alone, the others within `options`."""
        alone = {name: value for name, value in values.items() if name in self.alone}
        options = {name: value for name, value in values.items() if name not in self.alone}
        return alone | ({OPTIONS: options} if options else {})

    @property
    def tasks(self) -> set[str]:
        """The names of all tasks, those in loops as well; what else KFP reports is its own."""
        components = self.graph["components"]
        return {name for name, task in self._tasks() if "dag" not in components[task["componentRef"]["name"]]}

    @property
    def images(self) -> set[str]:
        """What the tasks' pods pull."""
        return {executor["container"]["image"] for executor in self.graph["deploymentSpec"]["executors"].values()}

    @property
    def local_images(self) -> list[str]:
        """Those of them that were not pushed: they are called by no registry."""
        return sorted(image for image in self.images if "/" not in image)

    def without_retries(self) -> str:
        """Its YAML, with each task tried once."""
        once = dataclasses.replace(self, graph=copy.deepcopy(self.graph))
        for _, task in once._tasks():
            task.pop("retryPolicy", None)
        return yaml.safe_dump_all([once.graph, *once.platforms], sort_keys=False)

    def _tasks(self) -> Iterator[tuple[str, dict[str, Any]]]:
        for part in (self.graph["root"], *self.graph["components"].values()):
            yield from part.get("dag", {}).get("tasks", {}).items()


def read_compiled(path: str | Path) -> Compiled:
    """The compiled pipeline in a file.

    Raises:
        SettingsError: it holds another thing, or a pipeline of another version.
    """
    try:
        return Compiled.of(*yaml.safe_load_all(Path(path).read_text(encoding="utf-8")))
    except OSError as error:
        found = error.strerror
    except (yaml.YAMLError, ValueError, LookupError, TypeError):
        found = "another file, or one of another version"
    raise SettingsError(f"{path} must be a compiled pipeline, found: {found}: write it with `byheart compile`")


def compiled_here(pipeline: Any) -> Compiled:
    """A pipeline of KFP's that was not written to a file."""
    return Compiled.of(json_format.MessageToDict(pipeline.pipeline_spec))
