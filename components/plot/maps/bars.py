"""The bars of the heat map: what each row shows, and the controls below."""

import dataclasses
from collections.abc import Iterator

import numpy as np

from byheart.components.plot.frame import ChartData
from byheart.components.plot.maps.painting import paint_characters
from byheart.components.plot.maps.rows import Row
from byheart.contracts.foreign import spell_out_line
from byheart.measures.calibration.stretches import Document
from byheart.measures.character_map import CharacterMap, map_characters

_MOST_CONTROLS = 4
"""Of more controls than this, only the highest has a row."""


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Bar:
    """The characters of a row."""

    name: str
    covered: CharacterMap
    bands: np.ndarray | None
    """int8 [C]; None without a threshold from controls."""
    length: float
    """Its length as a share of the longest."""
    marks: tuple[float, ...] = ()
    """Where chapters begin, as shares of its length."""


def make_bars(data: ChartData, rows: list[Row], *, has_names: bool) -> list[Bar]:
    """The bars of a text, with the coverage that the settings choose."""
    covered, bands = data.measured.schemes.plain.maps.choose(data.settings.coverage), paint_characters(data)
    longest = max(row.stop - row.start for row in rows)
    return [
        Bar(
            name=row.name if has_names else row.number,
            covered=covered.crop(row.start, row.stop),
            bands=None if bands is None else bands[row.start : row.stop],
            length=(row.stop - row.start) / longest,
            marks=tuple((at - row.start) / (row.stop - row.start) for at in row.begins),
        )
        for row in rows
    ]


def list_control_bars(data: ChartData, threshold: float, *, has_names: bool) -> Iterator[Bar]:
    """The bars of the controls, each as long as the longest chapter; of many controls, the one that has most.

    Args:
        threshold: the log_p_z from which characters count.
    """
    documents = data.control.documents if data.control else ()
    maps = {document.name: _map_control(document, data.settings.coverage) for document in documents if document.text}

    def rank(name: str) -> tuple[float, float]:
        best = float(np.fmax.reduce(maps[name].log_p_z, initial=-np.inf))
        return maps[name].compute_share(threshold) or 0.0, best

    if len(maps) > _MOST_CONTROLS:
        highest = max(maps, key=rank)
        names = {highest: f"highest of {len(maps)} controls: {highest}" if has_names else "highest control"}
    else:
        numbers = [f"control {number}" for number in range(1, len(maps) + 1)] if len(maps) > 1 else ["control"]
        names = {name: f"control: {name}" if has_names else number for name, number in zip(maps, numbers, strict=False)}
    for name, called in names.items():
        yield Bar(name=spell_out_line(called), covered=maps[name], bands=None, length=1.0)


def _map_control(document: Document, coverage: str) -> CharacterMap:
    """The map of a control, of all its measured windows."""
    first = document.suffix_start if coverage == "suffix" else document.start
    return map_characters(len(document.text), first, document.stop, document.log_p_z)
