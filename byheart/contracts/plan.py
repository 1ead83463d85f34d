"""The plan of a run, which `plan` writes and `extract` and `plot` read: the addresses of scores, and the devices."""

import dataclasses
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np

from byheart.contracts.json_files import read_json, write_json
from byheart.contracts.selection import Selection


@dataclasses.dataclass(frozen=True, kw_only=True)
class PlannedDevices:
    """The devices of each task, and how the model and a batch are divided over them."""

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
    """The memory that the model and a batch need on each device."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Rescoring:
    """How windows near thresholds are scored again in float32, from weights as they were published."""

    devices: PlannedDevices
    """Those of the first scores, for float32."""
    addresses: dict[str, str]
    """The address of the float32 scores, by that of the first ones."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Registration:
    """The record that something was about to be measured, which the store creates once."""

    digest: str
    """The SHA-256 of what is measured: texts, controls, model, tokenizer and settings."""
    registered: str
    """When it was first registered in this store, in UTC."""
    windows: int
    """How many windows are measured, those of control samples too; equal ones count once."""
    scored: int
    """How many of them the store had scores of at that time."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Plan:
    """The scores that a run needs, those that are missing, and the devices that compute them."""

    run: str
    """A random name for this run: it decides where the run begins, and a forced run keeps its pieces under it."""
    accelerator: str
    """The name, in `machines.accelerators`, of the one that was asked for, or chosen for the model."""
    precision: str
    """Precision is resolved: never `auto`."""
    devices: PlannedDevices | None
    """None if no scores are missing, neither first ones nor, as far as that is known, float32 ones."""
    addresses: dict[str, str]
    """The address of each book's scores in the store, by the book's name."""
    control_addresses: dict[str, str]
    """The address of the scores of each book's control sample, by the book's name, if it has one."""
    windows: dict[str, int]
    """The number of windows at each address, in the order in which shards divide them."""
    missing: int
    """How many of the windows asked for have no complete scores in the store, or are known to lack float32 ones; if 0,
    the run needs no accelerator."""
    forced: bool
    """Whether all scores are computed again; then only pieces that this run wrote are used."""
    replaced: dict[str, str]
    """The version, at planning time, of each object to replace: all objects in a forced run, else the damaged ones."""
    registration: Registration | None = None
    """What is measured, as it was registered before it was scored."""
    scored_tokens: dict[str, int] = dataclasses.field(default_factory=dict)
    """How many suffix tokens the scores at each address have room for."""
    rescoring: Rescoring | None = None
    """None if no window is scored again."""
    asked: dict[str, list[Selection]] = dataclasses.field(default_factory=dict)
    """The windows asked for, by address, one selection for each book of that text; all windows of any other address."""


def list_asked_windows(asked: Mapping[str, Iterable[Selection]]) -> dict[str, np.ndarray]:
    """int32, ascending: the numbers of the windows asked for, by address.

    Args:
        asked: as in a plan.
    """
    none = np.empty(0, np.int32)
    return {
        address: np.unique(np.concatenate([none, *(selection.numbers() for selection in selections)])).astype(np.int32)
        for address, selections in asked.items()
    }


def write_plan(path: str | Path, plan: Plan) -> None:
    """Write the plan as JSON."""
    write_json(path, plan)


def read_plan(path: str | Path) -> Plan:
    """The plan that `write_plan` wrote."""
    return read_json(path, Plan)
