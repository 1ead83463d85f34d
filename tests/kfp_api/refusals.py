"""What the service refuses of a run that it is asked for, with the texts of KFP 2.17."""

import json
import re
from typing import Any

from google.protobuf import json_format
from kfp.pipeline_spec import pipeline_spec_pb2

_KINDS: dict[str, tuple[type, ...]] = {
    "NUMBER_INTEGER": (int,),
    "NUMBER_DOUBLE": (int, float),
    "STRING": (str,),
    "BOOLEAN": (bool,),
    "LIST": (list,),
    "STRUCT": (dict,),
}

_MOST_BYTES = 1_500_000
"""The most that etcd takes; Argo itself fails much earlier, after the run was made."""


class Refused(Exception):  # noqa: N818 - it is an answer
    """An answer that is an error: a status of HTTP, a code of gRPC and a message."""

    def __init__(self, status: int, code: int, message: str) -> None:
        super().__init__(message)
        self.status, self.code, self.message = status, code, message


def check_pipeline(asked: dict[str, Any]) -> dict[str, Any]:
    """The compiled pipeline; refused is what the service refuses: another file, unknown, missing, odd parameters."""
    given = asked["pipeline_spec"]
    given = given if "pipeline_spec" in given else {"pipeline_spec": given, "platform_spec": {}}
    try:
        spec = json_format.ParseDict(given["pipeline_spec"], pipeline_spec_pb2.PipelineSpec())
        json_format.ParseDict(given["platform_spec"], pipeline_spec_pb2.PlatformSpec())
    except json_format.ParseError as error:
        raise Refused(400, 3, f"Invalid pipeline spec: {error}") from None
    declared = json_format.MessageToDict(spec)["root"]["inputDefinitions"]["parameters"]
    parameters = asked["runtime_config"].get("parameters", {})
    refusal = "Failed to create a new run: InvalidInputError: "
    for name, about in declared.items():
        if name not in parameters and "defaultValue" not in about and not about.get("isOptional"):
            missing = f"parameter {name} is not optional, yet has neither default value nor user provided value"
            raise Refused(400, 3, refusal + missing)
    if unknown := [name for name in parameters if name not in declared]:
        raise Refused(400, 3, f"{refusal}parameter(s) provided are not required by pipeline: {', '.join(unknown)}")
    for name, value in parameters.items():
        kind = declared[name]["parameterType"]
        kinds = _KINDS[kind]
        if not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds):
            wrong = f"input parameter {name} requires type {kind}, but the parameter value is {value!r}"
            raise Refused(400, 3, refusal + wrong)
        if (allowed := declared[name].get("literals")) and value not in allowed:
            wrong = f'input parameter "{name}" value "{value}" does not match any of the allowed literal values'
            raise Refused(400, 3, refusal + wrong)
    _check_workflow(parameters)
    return dict(given["pipeline_spec"])


def _check_workflow(parameters: dict[str, Any]) -> None:
    """Refused is what Kubernetes and Argo refuse of the workflow of a run: as 500, though the request is at fault."""
    text = json.dumps(parameters)
    refusal = "Failed to create a new run: InternalServerError: Failed to "
    if len(text) > _MOST_BYTES:
        raise Refused(500, 13, f"{refusal}create a workflow for (): etcdserver: request is too large")
    if placeholder := re.search(r"\{\{(?!\$).*?\}\}", text):
        where = f"templates.entrypoint.tasks.root-driver failed to resolve {placeholder[0]}"
        raise Refused(500, 13, f"{refusal}validate workflow for (): {where}")
