"""Layers of several kinds, in runs of a repeated pattern."""

import dataclasses

import pytest

from byheart.components.extract.runs import find_runs
from byheart.models.decoder_config import DecoderConfig
from byheart.models.experts import Experts
from tests.extract.test_mlp import config


def layered(kinds: str) -> DecoderConfig:
    """A decoder whose layers are dense (d) or have experts (m)."""
    routed = tuple(layer for layer, kind in enumerate(kinds) if kind == "m")
    experts = Experts(count=4, per_token=2, ffn=3, layers=routed) if routed else None
    return dataclasses.replace(config(4, 2), layers=len(kinds), experts=experts)


@pytest.mark.parametrize(
    ("kinds", "runs"),
    [
        ("d", [("d", 1)]),
        ("dddddd", [("d", 6)]),
        ("dddmmmmm", [("d", 3), ("m", 5)]),
        ("dmdmdm", [("dm", 3)]),
        ("dddmdddm", [("dddm", 2)]),
        ("dmdmdmd", [("dm", 3), ("d", 1)]),
        ("dmm", [("d", 1), ("m", 2)]),
    ],
)
def test_runs_repeat_a_pattern_and_hold_all_layers(kinds: str, runs: list[tuple[str, int]]) -> None:
    found = find_runs(layered(kinds))
    assert [(kinds[run.first : run.first + run.length], run.repeats) for run in found] == runs


@pytest.mark.parametrize("kinds", ["d", "dddmm", "dmdmdmd", "mdmmdmmd"])
def test_each_layer_reads_its_own_row_of_each_stack(kinds: str) -> None:
    config = layered(kinds)
    rows: dict[str, list[int]] = {"query": [], "up": [], "router": []}
    for run in find_runs(config):
        for repeat in range(run.repeats):
            for stacks in run.stacks:
                for name in rows.keys() & stacks.keys():
                    first, step = stacks[name]
                    rows[name].append(first + repeat * step)
    counts = {"query": len(kinds), "up": kinds.count("d"), "router": kinds.count("m")}
    assert rows == {name: list(range(count)) for name, count in counts.items()}
