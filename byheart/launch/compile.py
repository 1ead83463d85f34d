"""Writes the compiled pipeline, of pipeline.py and what `byheart compile` fixes in it."""

import dataclasses
import re
from pathlib import Path
from typing import Any

from google.protobuf.struct_pb2 import Value
from kfp import compiler
from kfp.pipeline_spec.pipeline_spec_pb2 import ParameterType

from byheart.contracts.errors import SettingsError
from byheart.contracts.setting_groups import AUTO
from byheart.contracts.settings import QUANTITY
from byheart.contracts.spellings import WORDS
from byheart.launch.images import JAX, list_image_references
from byheart.machines.accelerators import ONE_HOST
from byheart.pipeline import Fixed, make_pipeline

_ON_CLUSTERS = [
    name for name, accelerator in ONE_HOST.items() if accelerator.node_labels or accelerator.flavour == "cpu"
]
_CHOICES = {**WORDS, "accelerator": (AUTO, *_ON_CLUSTERS)}
"""The words that a parameter may be, for parameters that are one of a few words."""
_MOST_HOURS, _MOST_RETRIES, _MOST_USER = 24 * 365, 1000, 2**31 - 1


def compile_pipeline(
    path: str | Path,
    fixed: Fixed = Fixed(),  # noqa: B008  frozen
    jax: str = JAX[0],
    *,
    choices: bool = True,
) -> None:
    """Write the compiled pipeline as YAML; equal commits and options give equal bytes.

    Args:
        fixed: what is fixed in the graph; its images are replaced.
        jax: the flavour of extract's image.
        choices: whether to declare the values of parameters that have a few, for the form's drop-downs; Kubeflow before
            2.16 refuses such a file.

    Raises:
        SettingsError: an option or the path cannot be used, or images/digests.json does not name every image.
    """
    _check_options(fixed)
    pipeline = make_pipeline(dataclasses.replace(fixed, images=list_image_references(jax)))
    if choices:
        _declare_choices(pipeline)
    if Path(path).suffix != ".yaml":
        raise SettingsError(f"pipeline must be a file that ends in .yaml, found {path}: name one", parameter="pipeline")
    try:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        compiler.Compiler().compile(pipeline, str(path))
    except OSError as error:
        found = f"{error.filename or path}: {error.strerror}"
        raise SettingsError(f"pipeline must be a file that can be written, found {found}: choose another") from None


def _declare_choices(pipeline: Any) -> None:
    """Add to the graph's parameters the values that each may have, where they are few: KFP's SDK 2.17 cannot."""
    for name, parameter in pipeline.pipeline_spec.root.input_definitions.parameters.items():
        if parameter.parameter_type == ParameterType.BOOLEAN:
            parameter.literals.extend(Value(bool_value=value) for value in (False, True))
        else:
            parameter.literals.extend(Value(string_value=word) for word in _CHOICES.get(name, ()))


def _check_options(fixed: Fixed) -> None:
    """Raise SettingsError for the first option that cannot be used."""
    if fixed.queue and not re.fullmatch(r"[a-z0-9]([a-z0-9.-]{0,61}[a-z0-9])?", fixed.queue):
        raise SettingsError(
            f"queue must be the name of a LocalQueue, found {fixed.queue!r}: give its name", parameter="queue"
        )
    if fixed.queue == "default":
        raise SettingsError(
            "queue must not be called default, since Kueue then takes in pods that name no queue, Kubeflow's own too, "
            "found default: name the LocalQueue otherwise",
            parameter="queue",
        )
    if not QUANTITY.fullmatch(fixed.tmp_size):
        raise SettingsError(
            f"tmp_size must be a quantity, found {fixed.tmp_size!r}: write a number with Mi, Gi or Ti, as 4Gi",
            parameter="tmp_size",
        )
    for name, least, most in (
        ("timeout_hours", 1, _MOST_HOURS),
        ("deadline_hours", 0, _MOST_HOURS),
        ("retries", 0, _MOST_RETRIES),
        ("run_as", 0, _MOST_USER),
    ):
        value = getattr(fixed, name)
        if not least <= value <= most:
            raise SettingsError(
                f"{name} must be from {least} to {most:,}, found {value:,}: choose such a number", parameter=name
            )
