"""The plan of a run, as `plan` hands it to `extract`: where the scores lie, and what they are computed on."""

import dataclasses
import json
from pathlib import Path


@dataclasses.dataclass(frozen=True, kw_only=True)
class Plan:
    """What there is to score, and on what."""

    accelerator: str
    """By its name in `models.accelerators`; what was asked for, or chosen for the model."""
    precision: str
    """The arithmetic; never `auto`."""
    missing: int
    """Windows whose scores were not in the store, whole; where there are none, no accelerator is asked for."""
    layout: str
    """How the model is laid on the accelerator, in words; empty where nothing is missing."""
    batch_size: int
    """Windows in a batch; 0 where nothing is missing."""
    addresses: dict[str, str]
    """Where the scores of each book lie in the store."""
    control_addresses: dict[str, str]
    """Where those of its control sample lie, if it has one."""
    windows: dict[str, int]
    """How many each address has, in the order in which shards share them."""


def write_plan(path: str | Path, plan: Plan) -> None:
    """Write the plan as JSON."""
    Path(path).write_text(json.dumps(dataclasses.asdict(plan), indent=2) + "\n", encoding="utf-8")


def read_plan(path: str | Path) -> Plan:
    """The plan that `write_plan` wrote."""
    return Plan(**json.loads(Path(path).read_text(encoding="utf-8")))
