"""What a run on a cluster is asked for: parameters, a name, and where it stands in Kubeflow's UI."""

import dataclasses
from datetime import datetime
from pathlib import Path
from typing import Any

from byheart.launch.compiled import Compiled
from byheart.launch.parameters import check_given, parse_values
from byheart.launch.run_file import EXPERIMENT, check_reachable, read_run_file


@dataclasses.dataclass(frozen=True, kw_only=True)
class Request:
    """A run that can be submitted: its values have been checked."""

    values: dict[str, Any]
    """The pipeline's parameters that are given, all by name."""
    name: str
    experiment: str
    digest: str = ""
    """Of the run file; empty where there is none, or its name or experiment is not the file's."""


def request_of_values(values: dict[str, Any], compiled: Compiled, *, name: str = "", experiment: str = "") -> Request:
    """The request for a run with these parameters.

    Args:
        values: the pipeline's parameters by name, each in its type.
        compiled: the pipeline that they are for.
        name: empty is one with the time.
        experiment: empty is `byheart`.

    Raises:
        SettingsError: a value cannot be used, is missing, or is of this machine alone.
    """
    check_reachable(values)
    check_given(values, compiled)
    return Request(
        values=values,
        name=name or f"byheart {datetime.now():%Y-%m-%d %H:%M:%S}",
        experiment=experiment or EXPERIMENT,
    )


def request_of_file(path: str | Path, compiled: Compiled, *, name: str = "", experiment: str = "") -> Request:
    """The request that a run file makes.

    Args:
        compiled: the pipeline that it is for.
        name, experiment: empty are the file's.

    Raises:
        SettingsError: the file cannot be used; the message begins with the file and the line.
    """
    run = read_run_file(path, compiled)
    as_written = name in ("", run.run_name) and experiment in ("", run.experiment)
    return Request(
        values=run.values,
        name=name or run.run_name,
        experiment=experiment or run.experiment,
        digest=run.digest if as_written else "",
    )


def request_of_words(words: list[str], compiled: Compiled, *, name: str = "", experiment: str = "") -> Request:
    """The request that the words of a command line make: one run file, or assignments `name=value`.

    Raises:
        SettingsError: what is to be run cannot be.
    """
    if len(words) == 1 and "=" not in words[0]:
        return request_of_file(words[0], compiled, name=name, experiment=experiment)
    return request_of_values(parse_values(words, compiled, places=True), compiled, name=name, experiment=experiment)
