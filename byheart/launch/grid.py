"""Measures the same books under several models on this machine, one after the other, and compares them.

OUT/MODEL/        the results of a model, as a run of that model alone leaves them
OUT/comparison/   the models side by side
OUT/run.yaml      repeats the whole
"""

import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from byheart.contracts.errors import ByheartError, IncompleteError, RunFailedError
from byheart.contracts.model_names import COMPARISON, shorten_models
from byheart.launch.environment import without_settings
from byheart.launch.publication import LOG, RUN_FILE, publish
from byheart.launch.record import render_grid_file
from byheart.measures.results import Results

MeasureModel = Callable[[dict[str, Any], Path], Results]
"""Measures under the one model that the values name, into a folder, and returns the results."""


def measure_grid(values: Mapping[str, Any], out: Path, measure: MeasureModel, *, name: str = "") -> list[Results]:
    """Measure under each model, compare those that have results, and return these results.

    A model that fails is reported, and the others are measured. A second run computes only what is not in the store.

    Args:
        values: parameters of the pipeline by name, with several models.
        name: the run's name in run.yaml; empty takes the folder's.

    Raises:
        ByheartError: `out` is in use or cannot hold the results.
        RunFailedError: a model failed, or not all of its books are measured; the results of the others are there.
    """
    models: list[str] = values["model"]
    measured: dict[str, Results] = {}
    with without_settings():
        from byheart.components.compare.run import FILES, PAGE, run  # it imports matplotlib

    failed: dict[str, ByheartError] = {}
    with publish(out, [f"{COMPARISON}/{name}" for name in FILES]) as publication:
        for number, (model, folder) in enumerate(zip(models, shorten_models(models), strict=True), 1):
            print(f"\nmodel {number} of {len(models)}: {model}, into {out / folder}", flush=True)
            try:
                measured[folder] = measure({**values, "model": [model]}, out / folder)
            except ByheartError as error:
                failed[folder] = error
                print(f"{folder}: {error.message}", file=sys.stderr, flush=True)
                if isinstance(error, IncompleteError):
                    measured[folder] = Results.open(out / folder)
        if not measured:
            raise _join_errors(failed, len(models))
        if len(measured) > 1:
            run(results=[str(out / folder) for folder in measured], out=str(publication.unfinished / COMPARISON))
        text = render_grid_file(values, list(measured.values()), out, name)
        (publication.unfinished / RUN_FILE).write_text(text, encoding="utf-8")
        log = "".join(
            f"{folder}: {failed[folder].message if folder in failed else 'measured'}\n"
            for folder in shorten_models(models)
        )
        (publication.unfinished / LOG).write_text(log, encoding="utf-8")
    if len(measured) > 1:
        print(f"\n{out / COMPARISON / PAGE} sets the models side by side", flush=True)
    if failed:
        raise _join_errors(failed, len(models))
    return list(measured.values())


def _join_errors(failed: Mapping[str, ByheartError], models: int) -> RunFailedError:
    """The error of a run in which these of so many models failed."""
    first = next(iter(failed.values()))
    others = ", while the others' results are there" if len(failed) < models else ""
    return RunFailedError(
        f"every model must be measured, found {len(failed)} of {models} that are not ({', '.join(failed)}){others}: "
        f"{first.message}; run again after that, what is scored is kept",
        may_pass=all(error.may_pass for error in failed.values()),
        stage=first.stage,
    )
