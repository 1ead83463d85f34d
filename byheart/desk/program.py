"""Reads the text of a program that the TPU compiler has optimized: its loops, their collectives and its cycles.

The body of a loop is a computation of its own. A collective stands in it in one of three forms:

    all-gather(                             synchronous
    all-gather-start(                       asynchronous
    fusion(... calls=%f, and in %f          asynchronous, divided over several fusions, which all name the channel
      all-gather( ... channel_id=4
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
    r"^ *(?:ROOT )?%(?P<name>[\w.\-]+) = (?P<result>.*?) "
    r"(?P<kind>all-gather|all-reduce|all-to-all|reduce-scatter|collective-permute|collective-broadcast)"
    r"(?P<start>-start)?\((?:.*?channel_id=(?P<channel>\d+))?",
    re.MULTILINE,
)
_ARRAY = re.compile(r"\b([a-z]+\d*)\[([\d,]*)\]")
_ASYNCHRONOUS = '"AsyncCollectiveStart"'
_LAYER = re.compile(r'op_name="[^"]*/attention/')
"""An operation that only the body of the loop over layers holds."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Collective:
    """An exchange of data between devices."""

    kind: str
    """Such as `all-gather`."""
    size_bytes: int
    """Bytes of the result on a device."""
    is_asynchronous: bool


@dataclasses.dataclass(frozen=True, kw_only=True)
class Program:
    """A compiled program, as each device runs it."""

    cycles: int
    """The compiler's estimate for the whole program, every turn of a loop counted, without transfers over the links."""
    layer_cycles: int
    """The same for one layer."""
    layer_collectives: tuple[Collective, ...]
    """The collectives of one layer."""


def read_program(text: str) -> Program:
    """The program of a scorer, from its optimized text.

    Raises:
        ValueError: the program has no loop over layers.
    """
    computations = {name: body for _, name, body in _COMPUTATION.findall(text)}
    entry = next(body for is_entry, _, body in _COMPUTATION.findall(text) if is_entry)
    loop_bodies = (name for body in computations.values() for _, name in _LOOP.findall(body))
    layer = next((name for name in loop_bodies if _LAYER.search(computations[name])), None)
    if layer is None:
        raise ValueError("a scorer must have a loop over layers, found none in its optimized program")
    return Program(
        cycles=_count_cycles(entry, computations),
        layer_cycles=_count_cycles(computations[layer], computations),
        layer_collectives=tuple(_list_collectives(layer, computations)),
    )


def _count_cycles(body: str, computations: Mapping[str, str]) -> int:
    """The cycles of a computation, those of its loops included."""
    total = sum(map(int, re.findall(r'"estimated_cycles":"(\d+)"', body)))
    for condition, loop_body in _LOOP.findall(body):
        turns = max(map(int, re.findall(r" constant\((\d+)\)", computations[condition])), default=1)
        total += turns * _count_cycles(computations[loop_body], computations)
    return total


def _list_collectives(root: str, computations: Mapping[str, str]) -> Iterator[Collective]:
    """The collectives of a computation and of all that it calls; a channel counts once."""
    channels: dict[str, list[Collective]] = {}
    for name in _list_reached(root, computations):
        body = computations[name]
        for match in _COLLECTIVE.finditer(body):
            collective = Collective(
                kind=match["kind"],
                size_bytes=max((_count_bytes(*array) for array in _ARRAY.findall(match["result"])), default=0),
                is_asynchronous=bool(match["start"]) or _ASYNCHRONOUS in body,
            )
            channels.setdefault(match["channel"] or match["name"], []).append(collective)
    for first, *others in channels.values():
        is_asynchronous = any(collective.is_asynchronous for collective in (first, *others))
        yield dataclasses.replace(first, is_asynchronous=is_asynchronous)


def _list_reached(root: str, computations: Mapping[str, str]) -> list[str]:
    reached = [root]
    for name in reached:
        reached += [called for called in dict.fromkeys(_CALLED.findall(computations[name])) if called not in reached]
    return reached


def _count_bytes(kind: str, sides: str) -> int:
    return math.prod(int(side) for side in sides.split(",") if side) * _BITS.get(kind, 0) // 8
