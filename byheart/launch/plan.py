"""The command `byheart plan`, with the pipeline's own defaults."""

import dataclasses
import subprocess
import sys
import tempfile
from pathlib import Path

from byheart.contracts.setting_groups import AUTO
from byheart.desk.plan import run
from byheart.launch.compiled import compile_in_memory
from byheart.launch.request import Request, check_has_model
from byheart.launch.this_machine import build_environment
from byheart.pipeline import byheart


def print_plan(request: Request, order: Path | None = None) -> bool:
    """Print where each model fits, how fast it is and what it costs; return whether all fit.

    Args:
        order: a file to write, if the model fits, for a compilation ahead of time; with one model.

    Raises:
        ByheartError: a model, a book or a setting cannot be used.
    """
    compiled = compile_in_memory(byheart)
    values, _ = request.read(compiled)
    check_has_model(values)
    parameters = compiled.defaults | values
    accelerator = parameters["accelerator"]
    all_fit = True
    for number, model in enumerate(values["model"]):
        print("\n" * (number > 0), end="")
        all_fit &= run(
            model=model,
            accelerator="" if accelerator == AUTO else accelerator,
            books=[*values.get("books", []), *values.get("controls", [])],
            parameters=parameters,
            defaults=compiled.defaults,
            order=order,
        )
    return all_fit


def plan_and_compile(request: Request) -> bool:
    """Print the plan and the TPU compiler's report of each model; return whether all fit and compile.

    Raises:
        ByheartError: a model, a book or a setting cannot be used.
    """
    values, _ = request.read(compile_in_memory(byheart))
    check_has_model(values)
    fits = [_plan_and_compile(dataclasses.replace(request, model=[model])) for model in values["model"]]
    return all(fits)


def _plan_and_compile(request: Request) -> bool:
    """The same for a request with one model."""
    with tempfile.TemporaryDirectory(prefix="byheart-") as folder:
        order = Path(folder) / "order.json"
        if not print_plan(request, order):
            return False
        sys.stdout.flush()
        command = [sys.executable, "-m", "byheart.desk.ahead", str(order)]
        return subprocess.run(command, check=False, env=build_environment()).returncode == 0
