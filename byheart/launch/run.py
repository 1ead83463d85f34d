"""The command `byheart run` and the function `byheart.run`: measures on this machine."""

import time
from pathlib import Path

from byheart.contracts.errors import IncompleteError, SettingsError
from byheart.contracts.settings import AUTO
from byheart.launch.compiled import compile_in_memory
from byheart.launch.environment import describe_settings
from byheart.launch.local_run import run_local
from byheart.launch.parameters import check_values, parse_location
from byheart.launch.record import compare, list_differences_before
from byheart.launch.request import Request, check_measurable
from byheart.launch.results import show_results
from byheart.launch.sample import TOY_WARNING, is_toy, list_sample_parameters
from byheart.launch.this_machine import detect_accelerator, locate_default_store
from byheart.measures.results import Results
from byheart.pipeline import byheart


def measure_here(request: Request, out: str) -> Results:
    """Measure books on this machine, print the numbers and return the results; an empty request measures the sample.

    Args:
        out: the folder for the results.

    Raises:
        SettingsError: the request lacks a book or a model, or a value cannot be used.
        RunFailedError: a stage ended the run.
    """
    started = time.monotonic()
    compiled = compile_in_memory(byheart)
    values, file = request.read(compiled)
    if request.is_empty:
        values = list_sample_parameters() | values
    check_measurable(values)
    values.setdefault("store", locate_default_store())
    if values.get("accelerator", AUTO) == AUTO:
        values["accelerator"] = detect_accelerator()
    check_values(values, compiled)
    folder, toy = _parse_out(out), is_toy(values)
    if toy:
        _say(TOY_WARNING)
    for line in describe_settings():
        _say(line)
    _say(f"results go to {folder}; models and scores are kept in {values['store']}")
    recorded = file.recorded if file else None
    for difference in list_differences_before(recorded, values) if recorded else ():
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
        _say(TOY_WARNING)
    if incomplete:
        raise incomplete
    return results


def _parse_out(out: str) -> Path:
    if "://" in out:
        raise SettingsError(f"out must be a local folder, found {out}: choose one and copy it there afterwards")
    return Path(parse_location("out", out))


def _say(line: str) -> None:
    print(line, flush=True)
