"""Schemas that other projects publish, cut to what tests read: README.md says whose."""

import json
from pathlib import Path
from typing import Any


def read_kubeflow_api() -> dict[str, Any]:
    """The description of Kubeflow Pipelines' v2beta1 API: operations by path, and messages."""
    return _read("kubeflow_pipelines_api.json")


def read_custom_resources() -> dict[str, Any]:
    """The schemas of custom resources by API version and kind, as `kueue.x-k8s.io/v1beta2 LocalQueue`."""
    return _read("custom_resources.json")


def _read(name: str) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((Path(__file__).parent / name).read_text(encoding="utf-8"))
    return content
