"""A run that can be submitted: its parameters, its name and its experiment in Kubeflow."""

import dataclasses
from datetime import datetime
from typing import Any

from byheart.launch.compiled import Compiled
from byheart.launch.parameters import CLUSTER, check_text, check_values
from byheart.launch.request import Request, check_measurable
from byheart.launch.run_file import EXPERIMENT
from byheart.launch.sendable import check_sendable


@dataclasses.dataclass(frozen=True, kw_only=True)
class Submission:
    """A run to submit, whose values have been checked."""

    values: dict[str, Any]
    """Parameters of the pipeline by name; those that are missing have their defaults."""
    name: str
    experiment: str
    digest: str = ""
    """The digest of the run file; empty without one, or if the submission differs from the file."""

    @classmethod
    def of(cls, request: Request, compiled: Compiled, *, name: str = "", experiment: str = "") -> "Submission":
        """The submission that a request asks for.

        Args:
            compiled: the pipeline to submit.
            name, experiment: empty takes the run file's; without a run file, a name with the time, and `byheart`.

        Raises:
            SettingsError: a value is missing, cannot be used, or cannot be sent to a cluster.
        """
        values, file = request.read(compiled)
        check_measurable(values)
        check_sendable(values, compiled, request.run_file)
        check_values(values, compiled)
        check_text("name", name, CLUSTER, "choose another")  # Kubeflow passes it on in the same way
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
