"""Which build of JAX a run needs for its accelerator, and which one a compiled pipeline has."""

import contextlib
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from byheart.contracts.errors import SettingsError
from byheart.contracts.setting_groups import AUTO
from byheart.launch.compiled import Compiled
from byheart.launch.images import DIGESTS, JAX, find_image_reference
from byheart.machines.accelerators import find_accelerator
from byheart.machines.automatic import find_listed

_DRIVES = {"tpu": "TPUs and CPUs", "cuda12": "GPUs and CPUs", "cpu": "CPUs"}
"""What the image of each flavour can score on."""
_TAGGED = re.compile(rf"(?:.*/)?byheart-extract:(?:[0-9a-f]{{40}}|[0-9.]+)(?:-dirty)?(?:-({'|'.join(JAX)}))?")
"""Extract's image, tagged by a commit or a version."""


def choose_flavour(accelerator: str) -> str:
    """The flavour of extract's image for an accelerator, or for `auto`, which is never a GPU."""
    if accelerator != AUTO and find_accelerator(accelerator).flavour == "cuda":
        return next(flavour for flavour in JAX if flavour.startswith("cuda"))
    return JAX[0]


def check_flavour(
    values: Mapping[str, Any], compiled: Compiled, *, digests: Path = DIGESTS, file: str | Path = ""
) -> None:
    """Check that a compiled pipeline scores with an image that can drive the run's accelerator.

    Args:
        values: of the run, by name.
        digests: the file that tells the flavour of an image that was pushed.
        file: the run file that the values come from, for the message; empty without one.

    Raises:
        SettingsError: the image is known to be of another flavour; the run would fail on a node that it has waited for.
    """
    asked = str(values.get("accelerator", AUTO))
    flavour = _find_flavour(compiled.images, digests)
    unfit = (model for model in values["model"] if not _drives(flavour, asked, model))
    if (model := next(unfit, None)) is None:
        return
    found = asked if asked != AUTO else f"{AUTO}, which is a TPU for {model}"
    raise SettingsError(
        f"{file}{': ' if file else ''}accelerator must be of a kind that the pipeline's image of extract was built "
        f"for, {_DRIVES[str(flavour)]}, found {found}: name another, or compile the pipeline with --jax "
        f"{choose_flavour(asked)}",
        parameter="accelerator",
    )


def _drives(flavour: str | None, asked: str, model: str) -> bool:
    """Whether an image of a flavour can drive the accelerator that a model gets; True if the flavour is unknown."""
    accelerator = find_accelerator(asked) if asked != AUTO else find_listed(model.partition("@")[0])
    needed = accelerator.flavour if accelerator else "tpu"  # what `auto` chooses for models that are not listed
    return needed == "cpu" or not flavour or flavour.startswith(needed)


def _find_flavour(images: Iterable[str], digests: Path) -> str | None:
    """The flavour of extract's image among a pipeline's; None if neither its tag nor the file of digests tells."""
    for image in images:
        if tagged := _TAGGED.fullmatch(image):
            return tagged[1] or JAX[0]
        for flavour in JAX if "@" in image else ():
            with contextlib.suppress(SettingsError):  # not every flavour was pushed
                if find_image_reference("extract", flavour, digests) == image:
                    return flavour
    return None
