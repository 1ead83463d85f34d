"""Whether the API server would take an object, with every field that it does not know refused.

Kinds of Kubernetes' own are held against its published schemas, custom resources against their definitions'.
"""

from pathlib import Path
from typing import Any

import jsonschema
import kubernetes_validate
import pytest
import yaml

from tests.conftest import ROOT

DEFINITIONS = ROOT.parent / "shared" / "crds"
VERSION = "1.33"
"""Of Kubernetes."""
OWN_GROUPS = ("", "apps", "batch", "networking.k8s.io", "rbac.authorization.k8s.io")


def validate(manifest: dict[str, Any]) -> None:
    """Hold an object against the schema of its kind.

    Raises:
        jsonschema.ValidationError, kubernetes_validate.ValidationError: it does not fit.
    """
    group, _, version = manifest["apiVersion"].rpartition("/")
    if group in OWN_GROUPS:
        kubernetes_validate.validate(manifest, VERSION, strict=True)
    else:
        jsonschema.validate(manifest, _definition(group, version, manifest["kind"]))


def _definition(group: str, version: str, kind: str) -> dict[str, Any]:
    if not DEFINITIONS.is_dir():
        pytest.skip(f"the published definitions of custom resources are not there: {DEFINITIONS}")
    for path in sorted(DEFINITIONS.glob("*.yaml")):
        spec = yaml.load(path.read_text(encoding="utf-8"), yaml.CSafeLoader)["spec"]
        if (spec["group"], spec["names"]["kind"]) == (group, kind):
            (schema,) = (one["schema"]["openAPIV3Schema"] for one in spec["versions"] if one["name"] == version)
            return _strict(schema)
    raise LookupError(f"{group} {kind} must be among {DEFINITIONS}, found no such definition")


def _strict(schema: Any) -> Any:
    """The schema, with fields refused that it does not name."""
    if isinstance(schema, list):
        return [_strict(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    strict = {name: _strict(value) for name, value in schema.items()}
    named = "properties" in schema and isinstance(schema["properties"], dict)
    if named and not schema.get("x-kubernetes-preserve-unknown-fields") and "additionalProperties" not in schema:
        strict["additionalProperties"] = False
    return strict


def folder_name(path: Path) -> str:
    """For the ids of tests."""
    return str(path.relative_to(ROOT))
