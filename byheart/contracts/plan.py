"""The plan of a run, as `plan` hands it to `extract` and `plot`: where scores lie, and what they are computed on."""

import dataclasses
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np

from byheart.contracts.json_files import read_json, write_json
from byheart.contracts.windows import Selection


@dataclasses.dataclass(frozen=True, kw_only=True)
class PlannedDevices:
    """The devices of each task, and how the model and a batch are laid on them."""

    flavour: str
    """`tpu`, `cuda` or `cpu`: the build of JAX that drives them."""
    data: int
    """The mesh axis along which windows are divided."""
    model: int
    """The mesh axis along which each layer is split."""
    gather: bool
    """Whether weights are split over all devices and gathered layer by layer."""
    batch_size: int
    """Windows in a batch, over all devices."""
    device_bytes: float
    """What the model and a batch take on each device."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Plan:
    """What there is to score, and on what."""

    run: str
    """Drawn once for each run: where a run begins follows from it, and a forced run's pieces are kept under it."""
    accelerator: str
    """By its name in `machines.accelerators`; what was asked for, or chosen for the model."""
    precision: str
    """The arithmetic; never `auto`."""
    devices: PlannedDevices | None
    """None where nothing is missing."""
    addresses: dict[str, str]
    """Where the scores of each book lie in the store."""
    control_addresses: dict[str, str]
    """Where those of its control sample lie, if it has one."""
    windows: dict[str, int]
    """How many each address has, in the order in which shards share them."""
    missing: int
    """Windows asked for that were not in the store, whole; where there are none, no accelerator is asked for."""
    forced: bool
    """Whether everything is computed anew: of pieces, only those of this very run count."""
    replaced: dict[str, str]
    """The version, when the run was planned, of each object that is to be replaced: all by force, else damaged ones."""
    asked: dict[str, list[Selection]] = dataclasses.field(default_factory=dict)
    """Which windows are asked for, by address, by each book of that text; all of an address that is not here."""


def asked_windows(asked: Mapping[str, Iterable[Selection]]) -> dict[str, np.ndarray]:
    """int32, ascending: the numbers of the windows asked for, by address; `asked` is that of a plan."""
    none = np.empty(0, np.int32)
    numbers = {address: [none, *(selection.numbers() for selection in some)] for address, some in asked.items()}
    return {address: np.unique(np.concatenate(some)).astype(np.int32) for address, some in numbers.items()}


def write_plan(path: str | Path, plan: Plan) -> None:
    """Write the plan as JSON."""
    write_json(path, plan)


def read_plan(path: str | Path) -> Plan:
    """The plan that `write_plan` wrote."""
    return read_json(path, Plan)
