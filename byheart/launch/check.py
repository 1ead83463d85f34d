"""The command `byheart check`, with the pipeline's own defaults."""

import os
from typing import Any

from byheart.contracts.parameters import check_at_least
from byheart.contracts.settings import Settings
from byheart.desk.check import check_sample
from byheart.launch.compiled import compile_in_memory
from byheart.launch.parameters import parse_location
from byheart.pipeline import byheart


def check_machine(precision: str = "auto") -> None:
    """Score windows of the bundled sample on this machine, and print how far the scores are from the recorded ones.

    Args:
        precision: `auto`, `float32`, `bfloat16` or `float16`; `auto` checks float32 and the precision
            that a run on this machine takes.

    Raises:
        DeviceError: a score differs by more than rounding.
    """
    check_sample(_build_settings(precision=precision).score)


def check_model(model: str, *, book: str = "", windows: int = 200, store: str) -> None:
    """Print how much the scores of a model change in 16-bit arithmetic, over windows of a text.

    Args:
        model: a folder, a repository on the Hub or a name in models.yaml, as for a run.
        book: a text file in UTF-8, local or at gs://; empty takes the sample's book.
        windows: about how many are scored.
        store: where a model from the Hub is kept.

    Raises:
        ByheartError: the model or the text cannot be used.
    """
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")  # else it warns that PyTorch is missing
    from byheart.desk.precision import compare_precisions

    check_at_least("windows", windows, 1, "windows")
    settings = _build_settings()
    compare_precisions(
        parse_location("model", model),
        book=parse_location("books", book) if book else "",
        windows=windows,
        window=settings.window,
        score=settings.score,
        store=parse_location("store", store),
    )


def _build_settings(**values: Any) -> Settings:
    defaults = compile_in_memory(byheart).defaults
    return Settings.from_parameters(defaults | values, defaults)
