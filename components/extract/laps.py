"""Where the time of a task goes."""

import time

from byheart.contracts.progress import format_duration, say


class Laps:
    """The seconds that one use of time after another takes."""

    def __init__(self) -> None:
        self._seconds: dict[str, float] = {}
        self._since = time.monotonic()

    def end(self, use: str) -> None:
        """Count the time since the last use for this one."""
        now = time.monotonic()
        self._seconds[use] = self._seconds.get(use, 0.0) + now - self._since
        self._since = now

    def say(self) -> None:
        """Print a line with all of them, whose field `uses` the launcher reads."""
        shown = (f"{use} {format_duration(seconds)}" for use, seconds in self._seconds.items())
        say(f"time: {', '.join(shown)}", uses={use: round(seconds, 3) for use, seconds in self._seconds.items()})
