"""Where the time of a run went, as its stages said."""

import time
from collections import defaultdict

from byheart.contracts.progress import StageLine, format_duration


class Times:
    """Adds up what the lines of stages say of their time; of tasks that ran side by side, the sum."""

    def __init__(self) -> None:
        self._started = time.monotonic()
        self._stages: dict[str, float] = defaultdict(float)
        self._uses: dict[str, dict[str, float]] = defaultdict(lambda: defaultdict(float))

    def add(self, said: StageLine) -> None:
        """Take note of a line."""
        self._stages[said.stage] += said.elapsed_seconds or 0.0
        for use, seconds in said.uses.items():
            self._uses[said.stage][use] += seconds

    def describe(self) -> str:
        """A line for people; what the stages do not account for is their start, and Kubeflow's own work."""
        total = time.monotonic() - self._started
        parts = [f"{stage} {format_duration(seconds)}{self._explain(stage)}" for stage, seconds in self._stages.items()]
        start = max(total - sum(self._stages.values()), 0.0)
        return f"{format_duration(total)}: {', '.join((*parts, f'to start them {format_duration(start)}'))}"

    def _explain(self, stage: str) -> str:
        uses = ", ".join(f"{use} {format_duration(seconds)}" for use, seconds in self._uses[stage].items())
        return uses and f" ({uses})"
