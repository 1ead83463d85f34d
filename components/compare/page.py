"""comparison.html: models side by side on the texts that they share.

The page loads nothing, and without JavaScript it shows the numbers at its first level.
"""

import dataclasses
import math
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from markupsafe import Markup

from byheart.components.compare.sentences import (
    answer,
    ask,
    average_coverage,
    choose_level,
    describe_settings,
    list_common_books,
    list_levels,
    name_level,
    warn_of_reference,
    warn_of_tokenizers,
)
from byheart.contracts.progress import format_count
from byheart.measures.calibration.bands import Band
from byheart.measures.claims import shorten
from byheart.measures.comparison.comparison import ModelComparison, ModelOnText
from byheart.measures.comparison.paired import PairedDifference
from byheart.measures.comparison.pairs import Pair, PairAtLevel
from byheart.measures.comparison.scored_text import Level
from byheart.measures.comparison.shades import BELOW, NOT_MEASURABLE
from byheart.measures.discoverable import STEPS
from byheart.measures.figures import find_bound, label_steps, show
from byheart.pages.assembly import join_modules
from byheart.pages.strips import Layer, draw_strip, list_firsts, make_view_box
from byheart.pages.style import render_style
from byheart.pages.templates import make_environment

STRIP_COLUMNS = 720
"""The columns of a strip: a column is the run of characters that the pointer reads."""
_HERE = Path(__file__).parent
_SCRIPTS = [_HERE / "js" / name for name in ("columns.mjs", "comparison.mjs")]
_STYLES = [_HERE / "comparison.css"]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Strip:
    """A text under one model as a drawing, by p_z or by bands."""

    kind: str
    """`p_z` or `bands`."""
    content: str
    """Of an SVG image."""
    tops: str
    """For each column a digit: the highest shade in it."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Dot:
    """A difference on a scale with 0 in the middle, in per cent of the scale's width."""

    place: float
    low: float | None
    high: float | None


def render_page(comparison: ModelComparison) -> str:
    """The page as HTML."""
    environment = make_environment(_HERE, autoescape=True)
    environment.filters |= {
        "show": show,
        "shorten": shorten,
        "signed": sign_points,
        "digits": _format_p,
        "counted": format_count,
    }
    environment.globals |= {"name_level": name_level, "find_mean": average_coverage}
    levels = list_levels(comparison)
    scales = {level: find_scale(comparison, level) for level in levels}
    return environment.get_template("comparison.html.j2").render(
        comparison=comparison,
        levels=levels,
        chosen=choose_level(comparison),
        title=ask(comparison),
        answers={level: answer(comparison, level) for level in levels},
        measurement=describe_settings(comparison),
        strips={
            (text.description.sha256, model.model): list(draw_strips(model))
            for text in comparison.texts
            for model in text.measured
        },
        view_boxes={
            text.description.sha256: make_view_box(text.description.characters, STRIP_COLUMNS)
            for text in comparison.texts
        },
        dots={
            (text.description.sha256, pair.first, pair.second, at.level): place_dot(
                at.difference, at.coverage, scales[at.level]
            )
            for text in comparison.texts
            for pair in text.pairs
            for at in pair.at
            if at.level in scales and at.difference is not None
        },
        scales=scales,
        find_at=_find_at,
        find_sure=_describe_uncertainty,
        has_contrast=any(model.contrast for text in comparison.books for model in text.measured),
        reference_warning=warn_of_reference(comparison),
        tokenizer_warning=warn_of_tokenizers(comparison),
        common_books=list_common_books(comparison),
        tests=_count_tests(comparison, levels),
        steps=label_steps(),
        style=Markup(render_style(_STYLES)),
        script=Markup(join_modules(_SCRIPTS)),
    )


def draw_strips(model: ModelOnText) -> Iterator[Strip]:
    """The strip by p_z, and where there is a threshold from controls that by bands."""
    shades = model.shades
    stacked: list[Layer] = [(f"m{step}", shades == BELOW + step) for step in range(len(STEPS), 0, -1)]
    tops = "".join(map(str, _find_tops(shades)))
    yield Strip(kind="p_z", content=_draw(stacked, shades == NOT_MEASURABLE), tops=tops)
    if model.bands is not None:
        bands = [("m4", Band.EXTRACTABLE), ("m2", Band.ABOVE_CONTROLS), ("easy", Band.EASY)]
        tops = "".join(map(str, _find_tops(model.bands + 1)))
        content = _draw([(name, model.bands == band) for name, band in bands], model.bands == Band.NONE)
        yield Strip(kind="bands", content=content, tops=tops)


def _draw(stacked: list[Layer], none: np.ndarray) -> str:
    return Markup(draw_strip(stacked, ("none", none), STRIP_COLUMNS))


def _find_tops(shades: np.ndarray) -> list[int]:
    firsts = list_firsts(len(shades), STRIP_COLUMNS)
    return np.maximum.reduceat(shades, firsts).tolist() if len(firsts) else []


def find_scale(comparison: ModelComparison, level: Level) -> float:
    """The difference at the end of the scale of all pairs at a level: 1, 2 or 5 times a power of ten."""
    ends = [0.001]
    for text in comparison.texts:
        for pair in text.pairs:
            at = _find_at(pair, level)
            if at and at.difference is not None:
                ends += [abs(at.difference), *map(abs, at.coverage.interval or () if at.coverage else ())]
    power = 10.0 ** math.floor(math.log10(max(ends)))
    return next(step * power for step in (1, 2, 5, 10) if step * power >= max(ends) * (1 - 1e-9))


def place_dot(value: float, difference: PairedDifference | None, scale: float) -> Dot:
    """A difference on a scale from -`scale` to `scale`."""

    def place(at: float) -> float:
        return round(50 + 50 * at / scale, 2)

    low, high = (difference.interval if difference else None) or (None, None)
    return Dot(
        place=place(value),
        low=None if low is None else place(low),
        high=None if high is None else place(high),
    )


def _find_at(pair: Pair, level: Level) -> PairAtLevel | None:
    return next((at for at in pair.at if at.level == level), None)


def _count_tests(comparison: ModelComparison, levels: Sequence[Level]) -> int:
    """The p-values of differences on the page: of coverage at each level, and of bits."""
    pairs = [pair for text in comparison.texts for pair in text.pairs]
    coverage = sum(at.level in levels and at.coverage is not None for pair in pairs for at in pair.at)
    return coverage + sum(pair.bits is not None for pair in pairs)


def _describe_uncertainty(model: ModelOnText, level: Level) -> str:
    """The interval of a coverage; of 0% or 100% its bound, which an interval over few blocks would hide."""
    if level.threshold is None or level not in model.at:
        return ""
    bound = find_bound(model.at[level].coverage, model.statistics.windows.non_overlapping)
    interval = model.statistics.plain.coverage_at.suffix[level.threshold].interval
    if bound:
        return bound.brief
    return f"{show(interval[0])} to {show(interval[1])}" if interval else ""


def sign_points(value: float | None) -> str:
    """A difference of shares in points, with its sign: `+8.1`."""
    if value is None:
        return "–"
    if value == 0:
        return "0"
    points = 100 * value
    return f"{points:+.1f}".replace("-", "−") if abs(points) >= 0.05 else ("< +0.1" if value > 0 else "> −0.1")


def _format_p(p: float) -> str:
    return f"{p:.2g}" if p >= 0.001 else f"{p:.4f}"
