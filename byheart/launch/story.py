"""What the stages say, out of all that a run prints, and how a person at a terminal reads it."""

import json
import sys
from typing import Any, Self

_BEGINNING = '{"time": "'


def said_in(line: str) -> dict[str, Any] | None:
    """What a stage said in this line, as `byheart.contracts.progress` writes it; None where another printed it.

    What others print without a line's end, such as Kubeflow's indentation, may stand before it.
    """
    start = line.find(_BEGINNING)
    if start < 0:
        return None
    try:
        return json.loads(line[start:])
    except ValueError:
        return None


class Story:
    """Shows what stages say, one below the other; progress on a terminal overwrites the progress before it."""

    def __init__(self) -> None:
        self._overwritten = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._overwritten:
            print(flush=True)

    def show(self, said: dict[str, Any]) -> None:
        """Show one line that `said_in` has read."""
        shown = f"{said['stage']:>8}  {said['message']}"
        stays = not sys.stdout.isatty() or "seconds_left" not in said
        back = "\r" if self._overwritten or not stays else ""
        print(f"{back}{shown:<{len(self._overwritten)}}", end="\n" if stays else "", flush=True)
        self._overwritten = "" if stays else shown
