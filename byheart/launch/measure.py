"""A run on this machine as a person starts it: from a command line, or from a notebook."""

import tempfile
import time
from pathlib import Path
from typing import Any

from byheart.contracts.errors import IncompleteError, SettingsError
from byheart.contracts.settings import AUTO
from byheart.launch.compile import compile_pipeline
from byheart.launch.compiled import compiled_here
from byheart.launch.here import accelerator_here, default_store
from byheart.launch.local import run_local
from byheart.launch.parameters import check_given, parse_place
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
    values, _ = request.read(compiled)
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
    try:
        results = _run(values, folder)
    except IncompleteError:
        show_results(folder, time.monotonic() - started)
        raise
    show_results(folder, time.monotonic() - started)
    if toy:
        _say(TOY)
    return results


def _run(values: dict[str, Any], folder: Path) -> Results:
    with tempfile.TemporaryDirectory(prefix="byheart-") as work:
        pipeline = Path(work) / "pipeline.yaml"
        compile_pipeline(pipeline)
        run_local(pipeline, compiled_here(byheart).arguments(values), folder)
    return Results.open(folder)


def _folder(out: str) -> Path:
    if "://" in out:
        raise SettingsError(f"out must be a local folder, found {out}: choose one and copy it there afterwards")
    return Path(parse_place("out", out))


def _say(line: str) -> None:
    print(line, flush=True)
