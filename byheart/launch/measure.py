"""A run on this machine as a person starts it: from a command line, or from a notebook."""

import time
from pathlib import Path

from byheart.contracts.errors import IncompleteError, SettingsError
from byheart.contracts.settings import AUTO
from byheart.launch.compiled import compiled_here
from byheart.launch.here import accelerator_here, default_store
from byheart.launch.local import run_local
from byheart.launch.parameters import check_given, parse_place
from byheart.launch.record import compare, differences_before
from byheart.launch.request import Request, require_measurable
from byheart.launch.results import show_results
from byheart.launch.sample import TOY, is_toy, sample_values
from byheart.measures.results import Results
from byheart.pipeline import byheart


def measure_here(request: Request, out: str) -> Results:
    """Measure on this machine, and print the numbers; an empty request measures the bundled sample.

    Args:
        out: the folder for the results.

    Raises:
        SettingsError: what is asked for cannot be measured.
        RunFailedError: a stage ended the run.
    """
    started = time.monotonic()
    compiled = compiled_here(byheart)
    values, file = request.read(compiled)
    if request.is_empty:
        values = sample_values() | values
    require_measurable(values)
    values.setdefault("store", default_store())
    if values.get("accelerator", AUTO) == AUTO:
        values["accelerator"] = accelerator_here()
    check_given(values, compiled)
    folder, toy = _folder(out), is_toy(values)
    if toy:
        _say(TOY)
    _say(f"results go to {folder}; models and scores are kept in {values['store']}")
    recorded = file.recorded if file else None
    for difference in differences_before(recorded, values) if recorded else ():
        _say(f"differs from {request.run_file}: {difference}")
    incomplete = None
    try:
        results = run_local(values, folder, name=file.name if file else "")
    except IncompleteError as error:
        results, incomplete = Results.open(folder), error
    show_results(folder, time.monotonic() - started)
    if recorded:
        _say(compare(recorded, results, request.run_file))
    if toy:
        _say(TOY)
    if incomplete:
        raise incomplete
    return results


def _folder(out: str) -> Path:
    if "://" in out:
        raise SettingsError(f"out must be a local folder, found {out}: choose one and copy it there afterwards")
    return Path(parse_place("out", out))


def _say(line: str) -> None:
    print(line, flush=True)
