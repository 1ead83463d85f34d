"""A plan at a desk, with the pipeline's own defaults."""

from collections.abc import Sequence
from pathlib import Path

from byheart.contracts.settings import AUTO
from byheart.desk.plan import run
from byheart.launch.compiled import compiled_here
from byheart.launch.parameters import parse_place, parse_values
from byheart.pipeline import byheart


def plan(model: str, accelerator: str, books: Sequence[str], assignments: list[str], order: Path | None = None) -> bool:
    """Print what fits, how fast it is and what it costs; whether it fits.

    Args:
        assignments: parameters of the pipeline, as `name=value`.
        order: a file to be written where the model fits, for a compilation ahead of time.

    Raises:
        ByheartError: one of them cannot be used.
    """
    compiled = compiled_here(byheart)
    parameters = compiled.defaults | parse_values(assignments, compiled)
    if not accelerator and parameters["accelerator"] != AUTO:
        accelerator = parameters["accelerator"]
    return run(
        model=parse_place("model", model),
        accelerator=accelerator,
        books=[parse_place("books", book) for book in books],
        parameters=parameters,
        defaults=compiled.defaults,
        order=order,
    )
