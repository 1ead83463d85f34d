"""What the plan says of a run's work, for people."""

import math
from collections.abc import Sequence

from byheart.contracts.progress import format_estimate
from byheart.contracts.settings import Settings
from byheart.machines.cores import find_cores
from byheart.machines.planned import Planned
from byheart.machines.speed import Duration, estimate_duration
from byheart.scores.measurements import Measurement

_LONG_SECONDS = 60.0
"""If scoring takes longer, the log says what a longer stride would save."""
_LONGER = 5
"""The factor of the longer stride."""
_CHARACTERS_A_TOKEN = 2
"""Few suffixes have fewer characters per token, so a stride of this times their tokens leaves no gaps."""


def describe_work(planned: Planned, missing: int, total: int, shards: int) -> str:
    """A line on what is left to score, on which devices, and how long it takes."""
    layout, tasks = planned.layout, f" in {shards} tasks" if shards > 1 else ""
    accelerator = planned.accelerator
    count = find_cores().count
    cores = "" if accelerator.generation.resource else f" on {count:,} core{'s' * (count > 1)}"
    return (
        f"{missing:,} of {total:,} windows are to be scored{tasks} on {accelerator.name}, in "
        f"{planned.workload.precision}: {layout.data}x{layout.model}, {layout.description}, batches of "
        f"{layout.batch_size:,}; {format_estimate(count_seconds(planned, planned.duration))}{cores}"
    )


def describe_saving(planned: Planned, measurements: Sequence[Measurement], settings: Settings) -> str:
    """A clause on what a longer stride would save, if scoring takes long. With another stride, all windows are new."""
    stride, shards = settings.window.cursor_inc, settings.layout.shards
    suffix = settings.window.suffix_characters or _CHARACTERS_A_TOKEN * planned.workload.scored_tokens
    longer = min(_LONGER * stride, suffix)
    if planned.duration.score <= _LONG_SECONDS or settings.selection.windows or longer <= stride:
        return ""
    distinct = {measurement.address: measurement for measurement in measurements}.values()
    samples = sum(sample.windows for sample in distinct if sample.is_control)
    books = sum(book.selection.inside if book.selection else book.windows for book in distinct if not book.is_control)
    windows = math.ceil((books * stride / longer + samples) / shards)
    time = estimate_duration(planned.workload, planned.speed, windows, planned.accelerator)
    if time.score > planned.duration.score / 2:
        return ""
    return f"; cursor_inc={longer} would take {format_estimate(count_seconds(planned, time))}"


def count_seconds(planned: Planned, time: Duration) -> float:
    """How long a run takes; compilation on a CPU is not counted."""
    return time.total if planned.accelerator.generation.resource else time.load + time.score
