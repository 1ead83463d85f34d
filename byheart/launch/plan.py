"""The command `byheart plan`, with the pipeline's own defaults."""

import subprocess
import sys
import tempfile
from pathlib import Path

from byheart.contracts.settings import AUTO
from byheart.desk.plan import run
from byheart.launch.compiled import compile_in_memory
from byheart.launch.request import Request, check_has_model
from byheart.launch.this_machine import build_environment
from byheart.pipeline import byheart


def print_plan(request: Request, order: Path | None = None) -> bool:
    """Print where the model fits, how fast it is and what it costs; return whether it fits.

    Args:
        order: a file to write, if the model fits, for a compilation ahead of time.

    Raises:
        ByheartError: the model, a book or a setting cannot be used.
    """
    compiled = compile_in_memory(byheart)
    values, _ = request.read(compiled)
    check_has_model(values)
    parameters = compiled.defaults | values
    accelerator = parameters["accelerator"]
    return run(
        model=values["model"],
        accelerator="" if accelerator == AUTO else accelerator,
        books=[*values.get("books", []), *values.get("controls", [])],
        parameters=parameters,
        defaults=compiled.defaults,
        order=order,
    )


def plan_and_compile(request: Request) -> bool:
    """Print the plan and the TPU compiler's report; return whether the model fits and compiles.

    Raises:
        ByheartError: the model, a book or a setting cannot be used.
    """
    with tempfile.TemporaryDirectory(prefix="byheart-") as folder:
        order = Path(folder) / "order.json"
        if not print_plan(request, order):
            return False
        sys.stdout.flush()
        command = [sys.executable, "-m", "byheart.desk.ahead", str(order)]
        return subprocess.run(command, check=False, env=build_environment()).returncode == 0
