"""Plans that windows near thresholds are scored again in float32, once all windows are scored."""

import dataclasses
from collections.abc import Callable, Sequence

from byheart.components.plan.words import count_seconds
from byheart.contracts.plan import Plan, PlannedDevices, Rescoring
from byheart.contracts.progress import format_estimate, say
from byheart.contracts.settings import Settings
from byheart.machines.accelerators import Accelerator
from byheart.machines.planned import RESCORED_SHARE, Planned, Refusal, Subject, plan_on, plan_rescoring
from byheart.measures.near import NEAR
from byheart.measures.rescored import ToScore, find_rescored
from byheart.scores.kinds import SCORES
from byheart.scores.measurements import Measurement
from byheart.scores.parts import Part, list_shard_parts
from byheart.scores.store import ScoreStore


@dataclasses.dataclass(frozen=True, kw_only=True)
class Again:
    """The second scoring of a run."""

    first: Planned
    planned: Planned
    addresses: dict[str, str]
    """The address of the float32 scores, by that of the first ones."""
    measurements: list[Measurement]
    """Those of the run, with their addresses in float32."""

    @property
    def parts(self) -> list[Part]:
        """All parts at the addresses in float32."""
        return list_shard_parts({item.address: item.windows for item in self.measurements}, SCORES, 1, 1)

    def describe(self, devices: Callable[[Planned], PlannedDevices]) -> Rescoring:
        """What the plan says of it."""
        return Rescoring(devices=devices(self.planned), addresses=self.addresses)

    def describe_cost(self, windows: int) -> str:
        """A clause on what it costs.

        Args:
            windows: all that a run measures.
        """
        score = windows * RESCORED_SHARE / self.planned.speed.windows_per_second
        time = dataclasses.replace(self.planned.duration, score=score)
        estimate = format_estimate(count_seconds(self.planned, time))
        return (
            f"those within {NEAR:g} nats of a threshold again in {self.planned.workload.precision}, at "
            f"{self.planned.speed.windows_per_second:,.3g} windows/s: {estimate} if {RESCORED_SHARE:.0%} of all are"
        )


def plan_again(
    accelerator: Accelerator,
    subject: Subject,
    measurements: Sequence[Measurement],
    measure: Callable[[Settings], Sequence[Measurement]],
) -> Again | None:
    """The second scoring; None where none is asked for, or where the model does not fit in float32.

    Args:
        measurements: those of the first one.
        measure: finds the measurements under settings.
    """
    if not subject.rescores(accelerator):
        return None
    planned = plan_on(accelerator, subject, subject.settings.layout)
    if isinstance(planned, Refusal):
        return None
    second = plan_rescoring(planned, subject)
    if second is None:
        say(
            f"no window is scored again in float32: the model does not fit {accelerator.name} so, and "
            f"everything stays in {planned.workload.precision}"
        )
        return None
    score = dataclasses.replace(subject.settings.score, precision=second.workload.precision)
    exact = list(measure(dataclasses.replace(subject.settings, score=score)))
    addresses = {first.address: again.address for first, again in zip(measurements, exact, strict=True)}
    return Again(first=planned, planned=second, addresses=addresses, measurements=exact)


def count_missing(books: str, windows: str, settings: Settings, plan: Plan, scores: ScoreStore) -> int:
    """How many windows are known to lack float32 scores; those near a threshold of controls may still become more.

    Args:
        plan: one whose first scores are all there.
    """
    if plan.rescoring is None:
        return 0
    try:
        find_rescored(books, windows, settings, plan, scores)
    except ToScore as more:
        return sum(len(item.windows) for item in more.missing)
    return 0
