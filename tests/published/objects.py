"""Whether the API server would take an object."""

from typing import Any

import jsonschema
import kubernetes_validate

from tests.published import read_custom_resources

KUBERNETES = "1.33"
OWN_GROUPS = ("", "apps", "batch", "networking.k8s.io", "rbac.authorization.k8s.io")


def validate(manifest: dict[str, Any]) -> None:
    """Hold an object against the schema of its kind, and refuse every field that the schema does not name.

    Raises:
        jsonschema.ValidationError, kubernetes_validate.ValidationError: it does not fit.
    """
    if manifest["apiVersion"].rpartition("/")[0] in OWN_GROUPS:
        kubernetes_validate.validate(manifest, KUBERNETES, strict=True)
    else:
        schema = read_custom_resources()[f"{manifest['apiVersion']} {manifest['kind']}"]
        jsonschema.validate(manifest, _strict(schema))


def _strict(schema: Any) -> Any:
    """The schema, with fields refused that it does not name."""
    if isinstance(schema, list):
        return [_strict(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    strict = {name: _strict(value) for name, value in schema.items()}
    named = "properties" in schema and isinstance(schema["properties"], dict)
    if named and not schema.get("x-kubernetes-preserve-unknown-fields") and "additionalProperties" not in schema:
        strict["additionalProperties"] = False
    return strict
