"""From pipeline.py to the compiled graph."""

from pathlib import Path

from kfp import compiler

from pipeline import byheart


def compile_pipeline(path: str | Path) -> None:
    """Write the compiled pipeline as YAML; the same source gives the same bytes."""
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    compiler.Compiler().compile(byheart, str(path))
