"""Reads a program that the compiler for TPUs has optimized: its loops, their collectives and its cycles.

It is read from the program's text. A loop's turn is a computation of its own; what runs beside others is in there too:

    all-gather(                             waits until it is done
    all-gather-start(                       goes on meanwhile
    fusion(... calls=%f, and in %f          goes on meanwhile, a piece of it with each of several fusions;
      all-gather( ... channel_id=4          all of them name the channel
      custom-call( ... "AsyncCollectiveStart"
"""

import dataclasses
import math
import re
from collections.abc import Iterator, Mapping

_BITS = {"pred": 8, "s8": 8, "u8": 8, "bf16": 16, "f16": 16, "s32": 32, "u32": 32, "f32": 32, "s64": 64, "u64": 64}
_COMPUTATION = re.compile(r"^(ENTRY )?%([\w.\-]+) \([^\n]*\{\n(.*?)^\}", re.MULTILINE | re.DOTALL)
_CALLED = re.compile(r"(?:calls|to_apply|body|condition)=%([\w.\-]+)")
_LOOP = re.compile(r" while\(.*?condition=%([\w.\-]+), body=%([\w.\-]+)")
_COLLECTIVE = re.compile(
    r"^ *(?:ROOT )?%(?P<name>[\w.\-]+) = (?P<made>.*?) "
    r"(?P<kind>all-gather|all-reduce|all-to-all|reduce-scatter|collective-permute|collective-broadcast)"
    r"(?P<start>-start)?\((?:.*?channel_id=(?P<channel>\d+))?",
    re.MULTILINE,
)
_ARRAY = re.compile(r"\b([a-z]+\d*)\[([\d,]*)\]")
_ASYNCHRONOUS = '"AsyncCollectiveStart"'
_LAYER = re.compile(r'op_name="[^"]*/attention/')
"""What only the loop over layers computes in its own name."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Collective:
    """An exchange between devices."""

    kind: str
    """Such as `all-gather`."""
    size_bytes: int
    """Bytes of its result on a device."""
    is_asynchronous: bool


@dataclasses.dataclass(frozen=True, kw_only=True)
class Program:
    """A compiled program, on each device."""

    cycles: int
    """As the compiler estimates them: of all turns of all loops, without what goes over the links."""
    layer_cycles: int
    """Of one layer."""
    layer_collectives: tuple[Collective, ...]
    """Of one layer."""


def read_program(text: str) -> Program:
    """The program of a scorer, from the text of its optimized form.

    Raises:
        ValueError: it has no loop over layers.
    """
    computations = {name: body for _, name, body in _COMPUTATION.findall(text)}
    entry = next(body for is_entry, _, body in _COMPUTATION.findall(text) if is_entry)
    turns = (turn for body in computations.values() for _, turn in _LOOP.findall(body))
    layer = next((turn for turn in turns if _LAYER.search(computations[turn])), None)
    if layer is None:
        raise ValueError("a scorer must have a loop over layers, found none in its optimized program")
    return Program(
        cycles=_cycles(entry, computations),
        layer_cycles=_cycles(computations[layer], computations),
        layer_collectives=tuple(_collectives(layer, computations)),
    )


def _cycles(body: str, computations: Mapping[str, str]) -> int:
    """Of a computation, and of the loops in it."""
    total = sum(map(int, re.findall(r'"estimated_cycles":"(\d+)"', body)))
    for condition, turn in _LOOP.findall(body):
        turns = max(map(int, re.findall(r" constant\((\d+)\)", computations[condition])), default=1)
        total += turns * _cycles(computations[turn], computations)
    return total


def _collectives(root: str, computations: Mapping[str, str]) -> Iterator[Collective]:
    """Those of a computation and of all that it calls, each channel once."""
    channels: dict[str, list[Collective]] = {}
    for name in _reached(root, computations):
        body = computations[name]
        for found in _COLLECTIVE.finditer(body):
            collective = Collective(
                kind=found["kind"],
                size_bytes=max((_bytes(*array) for array in _ARRAY.findall(found["made"])), default=0),
                is_asynchronous=bool(found["start"]) or _ASYNCHRONOUS in body,
            )
            channels.setdefault(found["channel"] or found["name"], []).append(collective)
    for alike in channels.values():
        yield dataclasses.replace(alike[0], is_asynchronous=any(one.is_asynchronous for one in alike))


def _reached(root: str, computations: Mapping[str, str]) -> list[str]:
    reached = [root]
    for name in reached:
        reached += [called for called in dict.fromkeys(_CALLED.findall(computations[name])) if called not in reached]
    return reached


def _bytes(kind: str, sides: str) -> int:
    return math.prod(int(side) for side in sides.split(",") if side) * _BITS.get(kind, 0) // 8
