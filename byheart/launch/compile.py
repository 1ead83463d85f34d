"""From pipeline.py to the compiled graph."""

from pathlib import Path

from kfp import compiler

from byheart.launch.fixed import Fixed, fix
from byheart.pipeline import byheart


def compile_pipeline(path: str | Path, fixed: Fixed = Fixed()) -> None:  # noqa: B008  frozen
    """Write the compiled pipeline as YAML; the same commit and options give the same bytes.

    Raises:
        SettingsError: an option cannot be used.
    """
    pipeline = fix(byheart, fixed)
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    compiler.Compiler().compile(pipeline, str(path))
