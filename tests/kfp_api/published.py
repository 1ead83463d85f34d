"""The published description of KFP's v2beta1 API, as far as it is in tests/published, and what differs from it."""

import json
import re
from functools import cache
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import jsonschema
import kfp_server_api

from tests.published import read_kubeflow_api

_OPERATIONS = {1: "EQUALS", 2: "NOT_EQUALS", 3: "GREATER_THAN", 5: "GREATER_THAN_EQUALS"}
_OPERATIONS |= {6: "LESS_THAN", 7: "LESS_THAN_EQUALS", 8: "IN", 9: "IS_SUBSTRING"}
"""The numbers that stand for the words: JSON of protocol buffers allows both."""


class _Answered:
    """What the generated client takes for an answer."""

    def __init__(self, value: Any) -> None:
        self.data = json.dumps(value)


class Operation:
    """One operation of the API: what it takes and gives."""

    def __init__(self, published: "Published", about: dict[str, Any]) -> None:
        self.id: str = about["operationId"]
        self._published = published
        self._parameters = about.get("parameters", [])
        self._answer = about["responses"]["200"]["schema"]

    def wrong_query(self, url: str) -> list[str]:
        """What the query of an address has that the operation does not know, or not so."""
        known = {one["name"]: one for one in self._parameters if one["in"] == "query"}
        found = []
        for name, value in parse_qsl(urlsplit(url).query, keep_blank_values=True):
            if name not in known:
                found.append(f"{self.id} takes no parameter {name!r}")
            elif known[name]["type"] == "integer" and not re.fullmatch(r"-?\d+", value):
                found.append(f"{self.id} takes a whole number as {name!r}, found {value!r}")
            elif name == "filter" and value:
                found += self._published.differences("v2beta1Filter", _spelled_out(json.loads(value)))
        return found

    def wrong_body(self, body: bytes) -> list[str]:
        """What differs between a body and what the operation takes."""
        wanted = [one for one in self._parameters if one["in"] == "body"]
        if not wanted:
            return [f"{self.id} takes no body, found {body[:80]!r}"] if body else []
        try:
            value = json.loads(body)
        except ValueError:
            return [f"{self.id} takes JSON, found {body[:80]!r}"]
        return self._published.differences(wanted[0]["schema"]["$ref"].rpartition("/")[2], value)

    def wrong_answer(self, value: Any) -> list[str]:
        """What differs between an answer and what the operation gives."""
        if "$ref" not in self._answer:
            return []
        return self._published.differences(self._answer["$ref"].rpartition("/")[2], value)


class Published:
    """The description: every path, method and message."""

    def __init__(self, swagger: dict[str, Any]) -> None:
        self._definitions = swagger["definitions"]
        for definition in self._definitions.values():
            if "properties" in definition:
                definition.setdefault("additionalProperties", False)  # a field that is not published is a mistake
        self._paths = {
            re.compile(re.sub(r"\{[^}]+\}", "([^/:]+)", path)): {
                method.upper(): Operation(self, about) for method, about in methods.items()
            }
            for path, methods in swagger["paths"].items()
        }
        self._client = kfp_server_api.ApiClient()

    def operation(self, method: str, path: str) -> tuple[Operation, tuple[str, ...]] | None:
        """The operation of a method and a path, and the names in the path."""
        for pattern, methods in self._paths.items():
            names = pattern.fullmatch(path)
            if names and method in methods:
                return methods[method], names.groups()
        return None

    def differences(self, definition: str, value: Any) -> list[str]:
        """What the schema of a message, and the model that KFP's client has of it, do not allow."""
        schema = {"$ref": f"#/definitions/{definition}", "definitions": self._definitions}
        found = [
            f"{definition}{error.json_path[1:]}: {error.message[:300]}"
            for error in jsonschema.Draft202012Validator(schema).iter_errors(value)
        ]
        model = getattr(kfp_server_api, f"V2beta1{definition.removeprefix('v2beta1')}", None)
        if not found and model is not None:
            read = self._client.deserialize(_Answered(value), model.__name__)
            written = self._client.sanitize_for_serialization(read)
            if set(_names(written)) != set(_names(value)):
                lost = set(_names(value)) ^ set(_names(written))
                found.append(f"{model.__name__} does not keep {', '.join(sorted(lost))}")
        return found


@cache
def published() -> Published:
    """The description, read once."""
    return Published(read_kubeflow_api())


def _names(value: Any, depth: int = 0) -> list[str]:
    """The keys of a message and of the messages in it; free JSON inside, such as a pipeline, is left out."""
    if isinstance(value, list):
        return [name for item in value for name in _names(item, depth)]
    if not isinstance(value, dict):
        return []
    free = ("pipeline_spec", "parameters")
    return [f"{depth}.{key}" for key, item in value.items() if item is not None] + [
        name for key, item in value.items() if key not in free for name in _names(item, depth + 1)
    ]


def _spelled_out(value: Any) -> Any:
    """A filter with the names that the description has, for those that JSON of protocol buffers allows beside them."""
    if isinstance(value, list):
        return [_spelled_out(item) for item in value]
    if not isinstance(value, dict):
        return value
    spelled = {re.sub("([A-Z])", r"_\1", key).lower(): _spelled_out(item) for key, item in value.items()}
    if isinstance(spelled.get("operation"), int):
        spelled["operation"] = _OPERATIONS[spelled["operation"]]
    return spelled
