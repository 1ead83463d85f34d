"""A plan at a desk, with the pipeline's own defaults."""

import subprocess
import sys
import tempfile
from pathlib import Path

from byheart.contracts.settings import AUTO
from byheart.desk.plan import run
from byheart.launch.compiled import compiled_here
from byheart.launch.request import Request, require_model
from byheart.pipeline import byheart


def plan(request: Request, order: Path | None = None) -> bool:
    """Print what fits, how fast it is and what it costs; whether it fits.

    Args:
        order: a file to be written where the model fits, for a compilation ahead of time.

    Raises:
        ByheartError: something that was asked for cannot be used.
    """
    compiled = compiled_here(byheart)
    values, _ = request.read(compiled)
    require_model(values)
    parameters = compiled.defaults | values
    accelerator = parameters["accelerator"]
    return run(
        model=values["model"],
        accelerator="" if accelerator == AUTO else accelerator,
        books=values.get("books", []),
        parameters=parameters,
        defaults=compiled.defaults,
        order=order,
    )


def plan_and_compile(request: Request) -> bool:
    """Print the plan, and what the compiler of TPUs says of it; whether it fits and compiles.

    Raises:
        ByheartError: something that was asked for cannot be used.
    """
    with tempfile.TemporaryDirectory(prefix="byheart-") as folder:
        order = Path(folder) / "order.json"
        if not plan(request, order):
            return False
        sys.stdout.flush()
        return subprocess.run([sys.executable, "-m", "byheart.desk.ahead", str(order)], check=False).returncode == 0
