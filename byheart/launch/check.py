"""Whether this machine scores right, with the pipeline's own defaults."""

import os
from typing import Any

from byheart.contracts.parameters import check_at_least
from byheart.contracts.settings import Settings
from byheart.desk.check import check_sample
from byheart.launch.compiled import compiled_here
from byheart.launch.parameters import parse_place
from byheart.pipeline import byheart


def check(precision: str = "auto") -> None:
    """Score windows of the bundled sample on this machine, and print how far they are from the recorded numbers.

    Args:
        precision: `auto`, `float32`, `bfloat16` or `float16`; `auto` is float32, and what a run takes here.

    Raises:
        DeviceError: the machine computes other numbers.
    """
    check_sample(_settings(precision=precision).score)


def check_model(model: str, *, book: str = "", windows: int = 200, store: str) -> None:
    """Print what 16 bits change for a model, over windows of a text.

    Args:
        model: as a run takes it.
        book: a text file in UTF-8, local or at gs://; empty for the sample's.
        windows: about how many.
        store: where a model from the Hub is kept.

    Raises:
        ByheartError: the model or the text cannot be used.
    """
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")  # it misses PyTorch, which is not wanted
    from byheart.desk.precision import compare_precisions

    check_at_least("windows", windows, 1, "windows")
    settings = _settings()
    compare_precisions(
        parse_place("model", model),
        book=parse_place("books", book) if book else "",
        windows=windows,
        window=settings.window,
        score=settings.score,
        store=parse_place("store", store),
    )


def _settings(**values: Any) -> Settings:
    defaults = compiled_here(byheart).defaults
    return Settings.from_parameters(defaults | values, defaults)
