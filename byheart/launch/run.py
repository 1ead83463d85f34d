"""The command `byheart run` and the function `byheart.run`: measures on this machine."""

import time
from pathlib import Path
from typing import Any

from byheart.contracts.errors import IncompleteError, SettingsError
from byheart.contracts.setting_groups import AUTO
from byheart.launch.compiled import compile_in_memory
from byheart.launch.environment import describe_settings
from byheart.launch.grid import measure_grid
from byheart.launch.local_run import run_local
from byheart.launch.parameters import check_values, parse_location
from byheart.launch.record import compare, list_differences_before
from byheart.launch.request import Request, check_measurable
from byheart.launch.results import show_results
from byheart.launch.run_file import RunFile
from byheart.launch.sample import TOY_WARNING, is_toy, list_sample_parameters
from byheart.launch.this_machine import detect_accelerator, locate_default_store, name_cards
from byheart.measures.results import Results
from byheart.pipeline import byheart


def measure_here(request: Request, out: str) -> list[Results]:
    """Measure books on this machine, print the numbers and return the results of each model that has any.

    An empty request measures the sample.

    Args:
        out: the folder for the results; with several models it holds a folder for each, and their comparison.

    Raises:
        SettingsError: the request lacks a book or a model, or a value cannot be used.
        RunFailedError: a stage ended the run; with several models, the run of one of them.
    """
    compiled = compile_in_memory(byheart)
    values, file = request.read(compiled)
    if request.is_empty:
        values = list_sample_parameters() | values
    check_measurable(values)
    values.setdefault("store", locate_default_store())
    if values.get("accelerator", AUTO) == AUTO:
        values["accelerator"] = detect_accelerator()
    else:
        values["accelerator"] = name_cards(values["accelerator"])
    check_values(values, compiled)
    folder = _parse_out(out)
    if is_toy(values):
        _say(TOY_WARNING)
    for line in describe_settings():
        _say(line)
    _say(f"results go to {folder}; models and scores are kept in {values['store']}")
    if len(values["model"]) > 1:
        return measure_grid(values, folder, _measure_model, name=file.name if file else "")
    return [_measure_model(values, folder, file, request.run_file)]


def _measure_model(values: dict[str, Any], out: Path, file: RunFile | None = None, path: str = "") -> Results:
    """Measure books under one model, print the numbers and return the results.

    Args:
        file: the run file, and `path` its path: the results are held against what it records.
    """
    started = time.monotonic()
    recorded = file.recorded if file else None
    for difference in list_differences_before(recorded, values) if recorded else ():
        _say(f"differs from {path}: {difference}")
    incomplete = None
    try:
        results = run_local(values, out, name=file.name if file else "")
    except IncompleteError as error:
        results, incomplete = Results.open(out), error
    show_results(out, time.monotonic() - started)
    if recorded:
        _say(compare(recorded, results, path))
    if is_toy(values):
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
