"""How a person at a terminal reads what the stages say."""

import sys
from typing import Self

from byheart.contracts.progress import StageLine


class Story:
    """Shows what stages say, one below the other; progress on a terminal overwrites the progress before it."""

    def __init__(self) -> None:
        self._overwritten = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._overwritten:
            print(flush=True)

    def show(self, said: StageLine) -> None:
        """Show one line."""
        shown = f"{said.stage:>8}  {said.message}"
        stays = not sys.stdout.isatty() or said.seconds_left is None
        back = "\r" if self._overwritten or not stays else ""
        print(f"{back}{shown:<{len(self._overwritten)}}", end="\n" if stays else "", flush=True)
        self._overwritten = "" if stays else shown
