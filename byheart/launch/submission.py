"""A run that can be submitted: parameters, a name, and where it stands in Kubeflow's UI."""

import dataclasses
from datetime import datetime
from typing import Any

from byheart.launch.compiled import Compiled
from byheart.launch.parameters import check_given
from byheart.launch.request import Request
from byheart.launch.run_file import EXPERIMENT, check_reachable


@dataclasses.dataclass(frozen=True, kw_only=True)
class Submission:
    """A run whose values have been checked."""

    values: dict[str, Any]
    """The pipeline's parameters that are given, all by name."""
    name: str
    experiment: str
    digest: str = ""
    """Of the run file; empty where there is none, or something else than the file says is to be submitted."""

    @classmethod
    def of(cls, request: Request, compiled: Compiled, *, name: str = "", experiment: str = "") -> "Submission":
        """The run that is asked for.

        Args:
            compiled: the pipeline that it is for.
            name, experiment: empty are the run file's; without one, a name with the time, and `byheart`.

        Raises:
            SettingsError: a value cannot be used, is missing, or is of this machine alone.
        """
        values, file = request.read(compiled)
        check_reachable(values, request.run_file)
        check_given(values, compiled)
        if file is None or values != file.values:
            timed = f"byheart {datetime.now():%Y-%m-%d %H:%M:%S}"
            return cls(values=values, name=name or timed, experiment=experiment or EXPERIMENT)
        as_written = name in ("", file.run_name) and experiment in ("", file.experiment)
        return cls(
            values=values,
            name=name or file.run_name,
            experiment=experiment or file.experiment,
            digest=file.digest if as_written else "",
        )
