"""The compiled pipeline that a command works with: the one that a person names, or this release's own.

The image of Jobs has no graph, and is always named a file: hence the imports within functions.
"""

import contextlib
import tempfile
from collections.abc import Iterator
from pathlib import Path

from byheart.contracts.settings import AUTO
from byheart.launch.compiled import Compiled, compiled_here, read_compiled
from byheart.launch.images import JAX
from byheart.launch.submission import Submission
from byheart.machines.accelerators import find_accelerator


def declared_by(named: Path | None) -> Compiled:
    """What a pipeline declares: its parameters and their defaults, by which a request is read.

    Raises:
        SettingsError: the file is no compiled pipeline of this version.
    """
    if named:
        return read_compiled(named)
    from byheart.pipeline import byheart

    return compiled_here(byheart)


@contextlib.contextmanager
def open_pipeline(named: Path | None, submission: Submission) -> Iterator[Path]:
    """The file that is submitted, for as long as the block lasts.

    Args:
        named: it is taken as it is; None compiles this release's.
        submission: its accelerator chooses the image that scores, for GPUs or for TPUs; the latter runs on CPUs too.

    Raises:
        SettingsError: the images' references are not to be had.
    """
    if named:
        yield named
        return
    from byheart.launch.compile import compile_pipeline

    with tempfile.TemporaryDirectory(prefix="byheart-") as folder:
        path = Path(folder) / "pipeline.yaml"
        compile_pipeline(path, jax=_flavour(str(submission.values.get("accelerator", AUTO))))
        yield path


def _flavour(accelerator: str) -> str:
    if accelerator != AUTO and find_accelerator(accelerator).flavour == "cuda":
        return next(flavour for flavour in JAX if flavour.startswith("cuda"))
    return JAX[0]
