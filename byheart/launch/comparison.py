"""Compares the results of several models on this machine, as the stage `compare` does it on a cluster."""

from collections.abc import Sequence
from pathlib import Path

from byheart.components.compare.run import PAGE as PAGE
from byheart.components.compare.run import run


def write_comparison(results: Sequence[Path], out: Path) -> None:
    """Write the comparison of several results, two at least.

    Args:
        results: the folders of the results, in the order in which they are shown.
        out: the folder to write.
    """
    run(results=[str(folder) for folder in results], out=str(out))
