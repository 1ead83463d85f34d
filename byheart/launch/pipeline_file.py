"""The compiled pipeline that a command uses: a file that the user names, or this release's own.

The image of Jobs does not contain pipeline.py, and is always given a file: hence the imports within functions.
"""

import contextlib
import tempfile
from collections.abc import Iterator
from pathlib import Path

from byheart.contracts.setting_groups import AUTO
from byheart.launch.compiled import Compiled, compile_in_memory, read_compiled
from byheart.launch.flavour import check_flavour, choose_flavour
from byheart.launch.submission import Submission


def read_declared(named: Path | None) -> Compiled:
    """The pipeline whose parameters and defaults a request is read by.

    Args:
        named: the file of a compiled pipeline; None takes this release's pipeline.

    Raises:
        SettingsError: the file is no compiled pipeline of this version.
    """
    if named:
        return read_compiled(named)
    from byheart.pipeline import byheart

    return compile_in_memory(byheart)


@contextlib.contextmanager
def open_pipeline(named: Path | None, submission: Submission, *, choices: bool = True) -> Iterator[Path]:
    """A file with the pipeline to submit; it exists until the block ends.

    Args:
        named: a file to use unchanged; None compiles this release's pipeline.
        submission: its accelerator decides whether extract's image is that for GPUs, or that for TPUs and CPUs.
        choices: as for `compile_pipeline`.

    Raises:
        SettingsError: images/digests.json does not name every image, or the file's image of extract is of another
            flavour.
    """
    if named:
        check_flavour(submission.values, read_compiled(named))
        yield named
        return
    from byheart.launch.compile import compile_pipeline

    with tempfile.TemporaryDirectory(prefix="byheart-") as folder:
        path = Path(folder) / "pipeline.yaml"
        flavour = choose_flavour(str(submission.values.get("accelerator", AUTO)))
        compile_pipeline(path, jax=flavour, choices=choices)
        yield path
