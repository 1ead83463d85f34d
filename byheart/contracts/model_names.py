"""Short names for the models of a run, as folders and lines of text call them."""

import re
from collections.abc import Sequence

COMPARISON = "comparison"
"""The folder in which models are compared, beside a folder for each of them."""

_TAKEN = (COMPARISON, "unfinished", "failed")
_GGUF = ".gguf"
_PATHS = ("/", ".", "~", "gs://")
"""Beginnings of an address that has no revision."""


def shorten_models(models: Sequence[str]) -> list[str]:
    """A name for each model, from the last part of its address and its revision; all differ, and can be folders.

    Args:
        models: addresses, as the parameter `model` takes them.
    """
    names: list[str] = []
    for model in models:
        path, at, revision = (model, "", "") if model.startswith(_PATHS) else model.partition("@")
        last = path.rstrip("/").rpartition("/")[2].removesuffix(_GGUF)
        name = re.sub(r"[^\w.-]+", "-", f"{last}{at}{revision}").strip(".-") or "model"
        taken = {other.casefold() for other in (*_TAKEN, *names)}  # a disk may not tell a from A
        numbered = (f"{name}-{number}" for number in range(2, len(taken) + 3))
        names.append(
            name if name.casefold() not in taken else next(one for one in numbered if one.casefold() not in taken)
        )
    return names
