"""Shows on a terminal what the stages say."""

import sys
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

from byheart.contracts.progress import StageLine

_STAGE = 8
"""Characters of the longest name of a stage."""


class Display:
    """Shows the lines of stages; on a terminal, a bar replaces the progress lines of a long job."""

    def __init__(self) -> None:
        self._console = Console(soft_wrap=True, highlight=False, markup=False, emoji=False)
        self._bar: Progress | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stop_bar()

    def show(self, said: StageLine) -> None:
        """Show a line of a stage."""
        if not sys.stdout.isatty():
            print(f"{said.stage:>{_STAGE}}  {said.message}", flush=True)
        elif said.total is None:
            self._stop_bar()
            self._console.print(f"{said.stage:>{_STAGE}}  {said.message}")
        else:
            self._draw_bar(said)

    def _draw_bar(self, said: StageLine) -> None:
        if self._bar is None:
            columns = (
                f"{said.stage:>{_STAGE}} ",
                BarColumn(bar_width=24),
                TextColumn("{task.description}", markup=False),
            )
            self._bar = Progress(*columns, console=self._console)
            self._bar.add_task("", total=said.total)
            self._bar.start()
        (job,) = self._bar.tasks
        self._bar.update(job.id, total=said.total, completed=said.done or 0, description=said.message, refresh=True)

    def _stop_bar(self) -> None:
        """Stop the bar, which stays on the screen as it is."""
        if self._bar is not None:
            self._bar.stop()
            self._bar = None
