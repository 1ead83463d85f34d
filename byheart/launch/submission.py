"""A run that can be submitted: its parameters, its name and its experiment in Kubeflow."""

import dataclasses
import os
from datetime import datetime
from typing import Any

from byheart.contracts.version import VERSION
from byheart.launch.compiled import Compiled
from byheart.launch.images import find_commit
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
    description: str
    """For people: the release that submits, and the run file."""
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
            return cls(
                values=values,
                name=name or timed,
                experiment=experiment or EXPERIMENT,
                description=_describe(f"run file {file.name}, changed on the command line" if file else ""),
            )
        as_written = name in ("", file.run_name) and experiment in ("", file.experiment)
        return cls(
            values=values,
            name=name or file.run_name,
            experiment=experiment or file.experiment,
            description=_describe(f"run file {file.name}"),
            digest=file.digest if as_written else "",
        )


def _describe(run_file: str) -> str:
    commit = os.environ.get("BYHEART_COMMIT") or find_commit()
    return f"byheart {VERSION}" + (f", commit {commit}" if commit else "") + (f"; {run_file}" if run_file else "")
