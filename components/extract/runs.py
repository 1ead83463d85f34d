"""The layers of a decoder in runs of a repeated pattern, so that each pattern is compiled once.

kinds of layers     d d d m m m m m        l l l f l l l f
runs                d x 3, m x 5           (l l l f) x 2
"""

import dataclasses
from collections.abc import Mapping

from byheart.models.axes import list_layers
from byheart.models.decoder_config import DecoderConfig

_LONGEST_PATTERN = 8
"""Layers; those of a pattern are compiled one after the other."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Run:
    """Layers that repeat a pattern."""

    first: int
    length: int
    """The layers of the pattern."""
    repeats: int
    stacks: tuple[Mapping[str, tuple[int, int]], ...]
    """For each layer of the pattern, the parameters it has: where it is in their stacks, and how many rows further the
    next repeat's is."""


def find_runs(config: DecoderConfig) -> list[Run]:
    """The runs that all layers of a decoder make, in order."""
    layers_of = {name: list(layers) for name, layers in list_layers(config).items()}
    names_of: list[set[str]] = [set() for _ in range(config.layers)]
    for name, layers in layers_of.items():
        for layer in layers:
            names_of[layer].add(name)
    runs: list[Run] = []
    first = 0
    while first < config.layers:
        lengths = range(1, min(_LONGEST_PATTERN, config.layers - first) + 1)
        covers = {length: _count_repeats(names_of, first, length) for length in lengths}
        length = max(
            lengths, key=lambda length: (length * covers[length] * (covers[length] > 1 or length == 1), -length)
        )
        pattern = range(first, first + length)
        stacks = tuple(
            {
                name: (layers_of[name].index(layer), sum(name in names_of[other] for other in pattern))
                for name in sorted(names_of[layer])
            }
            for layer in pattern
        )
        runs.append(Run(first=first, length=length, repeats=covers[length], stacks=stacks))
        first += length * covers[length]
    return runs


def _count_repeats(names_of: list[set[str]], first: int, length: int) -> int:
    pattern, repeats = names_of[first : first + length], 1
    while names_of[first + repeats * length :][:length] == pattern:
        repeats += 1
    return repeats
