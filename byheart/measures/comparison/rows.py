"""A comparison as tidy rows: comparison.csv and comparison.parquet."""

import dataclasses
import enum
from collections.abc import Iterator
from typing import Any

from byheart.contracts.progress import format_count
from byheart.measures.calibration.bands import Band
from byheart.measures.calibration.ranks import NAMES
from byheart.measures.comparison.comparison import ModelComparison, ModelOnText, TextComparison
from byheart.measures.comparison.contrast import Contrast
from byheart.measures.comparison.paired import LEAST_BLOCKS, PairedDifference
from byheart.measures.comparison.pairs import Pair
from byheart.measures.units import Interval


class Measure(enum.StrEnum):
    """What a row holds, and a sentence on it for the docs."""

    sentence: str

    def __new__(cls, value: str, sentence: str) -> "Measure":
        """A measure with this name and this sentence."""
        measure = str.__new__(cls, value)
        measure._value_, measure.sentence = value, sentence
        return measure

    COVERAGE = (
        "coverage",
        "The share of measurable characters that reach the level, with the interval for other texts of such blocks.",
    )
    WINDOWS = "windows", "The share of windows that reach the level, with its interval."
    BAND = "band", "The share, among characters that have a band, of those in the band `level`."
    LONGEST = "longest_passage", "The characters of the longest run that reaches the level."
    BITS = "bits_per_character", "Bits per character; fewer is more memory."
    P_ALL = "p_all", "The p-value of the book among the controls of its run, as calibration.json has it."
    COVERAGE_DIFFERENCE = (
        "coverage_difference",
        "The share of characters under `model` minus that under `other_model`, among characters measurable under both.",
    )
    WINDOWS_DIFFERENCE = "windows_difference", "The same of the shares of windows."
    BITS_DIFFERENCE = "bits_difference", "The bits per character of `model` minus those of `other_model`."
    PAIRED = (
        "paired_windows",
        "The share of windows that are compared: those that both models have. Windows of characters that are flagged "
        "under either are left out.",
    )
    DELTA = (
        "delta",
        "log_p_z under `model` minus that under `other_model`, nats, of the same windows: the quantile in `level`.",
    )
    JACCARD = "jaccard", "The characters that reach the level under both models over those that do so under either."
    JACCARD_BY_CHANCE = "jaccard_by_chance", "What that would be if the two were independent: ab / (a + b - ab)."
    FIRST_ONLY = "first_only", "The characters that reach the level under `model` only."
    BOTH = "both", "Those that reach it under both."
    SECOND_ONLY = "second_only", "Those that reach it under `other_model` only."
    CONTRAST_P_ALL = (
        "contrast_p_all",
        "The p-value of the book's delta among its controls', of all four numbers together; `other_model` is "
        "the reference.",
    )
    CONTRAST_P = (
        "contrast_p",
        "The p-value of one of the four numbers, which is named in `level`: claim contrast_p_all.",
    )


@dataclasses.dataclass(frozen=True, kw_only=True)
class ComparisonRow:
    """A row of comparison.csv and comparison.parquet: one number."""

    book: str
    """The name of the text, as the first model's run has it."""
    sha256: str
    """The SHA-256 of the text."""
    role: str
    """`book` or `control`."""
    model: str
    """The model."""
    other_model: str
    """Of a pair the second model, of a contrast the reference; else empty."""
    measure: str
    """What the number is: the table below lists them."""
    level: str
    """The threshold of p_z, or `above_controls`: above the threshold t of the model's own controls. Of `band` it is \
the band, of `contrast_p` the number that is ranked, of `delta` the share of windows below."""
    value: float | None
    """The number; empty where there is none."""
    low: float | None
    """The low end of the 95% interval for other texts made of such blocks; empty where there is none."""
    high: float | None
    """The high end."""
    p: float | None
    """Of a difference the p-value of the sign-flip test over blocks."""
    blocks: int | None
    """Of a difference the number of blocks."""
    note: str
    """Why there is no value, no interval or no test."""


COLUMNS = tuple(field.name for field in dataclasses.fields(ComparisonRow))
_OTHER_WINDOWS = "other windows: compare with care, nothing is tested"


def list_rows(comparison: ModelComparison) -> Iterator[ComparisonRow]:
    """Every number of a comparison: text by text, first of each model, then of each pair."""
    for text in comparison.texts:
        for model in text.measured:
            yield from _list_model(text, model, comparison.reference.name if comparison.reference else "")
        for pair in text.pairs:
            yield from _list_pair(text, pair)


def _list_model(text: TextComparison, model: ModelOnText, reference: str) -> Iterator[ComparisonRow]:
    def row(measure: Measure, value: float | None, level: str = "", **more: Any) -> ComparisonRow:
        return _make_row(text, model.model, measure, value, level, **more)

    for level, at in model.at.items():
        plain, more = model.statistics.plain, {}
        if level.threshold is not None:
            coverage = plain.coverage_at.suffix[level.threshold]
            more = _describe_interval(coverage.interval, coverage.no_interval)
        yield row(Measure.COVERAGE, at.coverage, level.name, **more)
        yield row(Measure.LONGEST, at.longest, level.name)
        if level.threshold is not None:
            windows = plain.windows_at[level.threshold]
            more = _describe_interval(windows.interval, windows.no_interval)
            yield row(Measure.WINDOWS, windows.share, level.name, **more)
    if model.bands is not None:
        counts = {band: int((model.bands == band).sum()) for band in Band if band is not Band.NONE}
        total = sum(counts.values())
        for band, count in counts.items():
            yield row(Measure.BAND, count / total if total else None, band.name.lower())
    yield row(Measure.BITS, model.bits)
    if model.calibration:
        note = format_count(model.calibration.controls_count, "control")
        yield row(Measure.P_ALL, model.calibration.p_all, note=note)
    if isinstance(model.contrast, str):
        yield row(Measure.CONTRAST_P_ALL, None, other_model=reference, note=model.contrast)
    elif model.contrast:
        yield from _list_contrast(text, model.model, model.contrast, reference)


def _list_contrast(text: TextComparison, model: str, contrast: Contrast, reference: str) -> Iterator[ComparisonRow]:
    note = format_count(contrast.controls, "control") + (
        "; spread windows: no error rate holds" if contrast.is_spread else ""
    )
    yield _make_row(text, model, Measure.CONTRAST_P_ALL, contrast.p_all, other_model=reference, note=note)
    for name in NAMES:
        rank = getattr(contrast.ranks, name)
        yield _make_row(text, model, Measure.CONTRAST_P, rank.p, other_model=reference, level=name, note=note)


def _list_pair(text: TextComparison, pair: Pair) -> Iterator[ComparisonRow]:
    note = "" if pair.has_same_windows else _OTHER_WINDOWS

    def row(measure: Measure, value: float | None, level: str, **more: Any) -> ComparisonRow:
        return _make_row(
            text, pair.first, measure, value, level=level, other_model=pair.second, **{"note": note, **more}
        )

    for at in pair.at:
        level, overlap = at.level.name, at.overlap
        yield row(Measure.COVERAGE_DIFFERENCE, at.difference, level, **_describe_difference(at.coverage))
        if pair.has_same_windows:
            yield row(Measure.WINDOWS_DIFFERENCE, _get_value(at.windows), level, **_describe_difference(at.windows))
        yield row(Measure.JACCARD, overlap.jaccard, level)
        yield row(Measure.JACCARD_BY_CHANCE, overlap.jaccard_by_chance, level)
        yield row(Measure.FIRST_ONLY, overlap.first_only, level)
        yield row(Measure.BOTH, overlap.both, level)
        yield row(Measure.SECOND_ONLY, overlap.second_only, level)
    yield row(Measure.PAIRED, pair.paired.share, "")
    if pair.has_same_windows:
        yield row(Measure.BITS_DIFFERENCE, _get_value(pair.bits), "", **_describe_difference(pair.bits))
    for share, value in (pair.delta.quantiles if pair.delta else {}).items():
        yield row(Measure.DELTA, value, str(share))


def _describe_interval(interval: Interval | None, why_not: str | None) -> dict[str, Any]:
    low, high = interval or (None, None)
    return {"low": low, "high": high, "note": f"no interval: {why_not}" if why_not else ""}


def _get_value(difference: PairedDifference | None) -> float | None:
    return difference.value if difference else None


def _describe_difference(difference: PairedDifference | None) -> dict[str, Any]:
    if difference is None:
        return {}
    why_not = f"no interval: {format_count(difference.blocks, 'block')}, fewer than {LEAST_BLOCKS}"
    low, high = difference.interval or (None, None)
    note = "" if difference.interval else why_not
    return {"low": low, "high": high, "p": difference.p, "blocks": difference.blocks, "note": note}


def _make_row(
    text: TextComparison, model: str, measure: Measure, value: float | None, level: str = "", **more: Any
) -> ComparisonRow:
    return ComparisonRow(
        book=text.description.name,
        sha256=text.description.sha256,
        role="control" if text.is_control else "book",
        model=model,
        measure=measure.value,
        value=None if value is None else float(value),
        level=level,
        **{"other_model": "", "low": None, "high": None, "p": None, "blocks": None, "note": "", **more},
    )
