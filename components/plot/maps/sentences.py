"""The sentences in the heat map's rows."""

from collections.abc import Iterator

import numpy as np

from byheart.components.plot.frame import ChartData
from byheart.components.plot.maps.bars import Bar
from byheart.components.plot.maps.painting import name_bands, show_shares
from byheart.components.plot.maps.rows import Row
from byheart.measures.discoverable import HEADLINE_THRESHOLD
from byheart.measures.figures import show


def format_share(share: float | None) -> str:
    """A share in whole per cent, which is 0% or 100% only if it is none or all."""
    if share is None:
        return "–"
    if 0 < share < 0.005:
        return "< 1%"
    return "> 99%" if 0.995 <= share < 1 else f"{share:.0%}"


def describe_share(data: ChartData) -> str:
    """The headline's coverage in words, with its interval or bound, and that of the controls."""
    rate = data.rates.plain.coverage_at.choose(data.settings.coverage)[HEADLINE_THRESHOLD]
    if rate.share is None:
        return "Nothing of it could be measured."
    own, of_controls = show_shares(data)
    beside = []
    if rate.interval and 0 < rate.share < 1:
        beside.append(f"95% interval for other such texts {' to '.join(map(show, rate.interval))}")
    if data.control and of_controls:
        beside.append(f"control{'s' * (len(data.control.books) > 1)} {of_controls}")
    comes = (
        "comes back word for word in at least every second try, given the words before"
        if data.settings.coverage == "suffix"
        else "lies in a window whose second half comes back word for word in at least every second try"
    )
    aside = f" ({'; '.join(beside)})" if beside else ""
    return f"{own} of what was measured {comes}{aside}."


def describe_bands(bands: np.ndarray) -> str:
    """The shares of the bands, int8 [C]."""
    return f"Against the controls: {', '.join(name_bands(bands).values())}"


def list_remarks(data: ChartData, rows: list[Row], controls: list[Bar]) -> Iterator[str]:
    """What the rows are."""
    if rows[0].is_part:
        yield f"a row is a part of the text, {rows[0].stop - rows[0].start:,} characters"
        if any(row.begins for row in rows):
            yield "orange: a chapter begins"
    else:
        yield "a row is a chapter, its length the chapter’s"
    if controls:
        yield "a control fills its row"
    yield f"{data.settings.coverage} coverage"
    covered = data.measured.schemes.plain.maps.choose(data.settings.coverage).crop(*data.measured.selection.bounds)
    if missing := float(1 - covered.measurable.mean()):
        not_asked = data.measured.not_asked.choose(data.settings.coverage).any()
        yield f"hatched: {'not selected, or ' if not_asked else ''}not measurable ({show(missing)})"
