"""A calibration as columns of a table with a row for each text."""

import dataclasses
from collections.abc import Iterator

from byheart.measures.calibration.bands import Bands, WindowBands
from byheart.measures.calibration.calibrate import Calibration
from byheart.measures.calibration.thresholds import Threshold


def list_calibration_columns(calibration: Calibration | None) -> Iterator[tuple[str, float | bool | None]]:
    """The numbers of a book among its controls, with the names of their columns; None for controls, and without any.

    Shares of bands are of the compared windows: those of the middle stretch that are not repetitive.
    """
    bands = calibration.bands if calibration else None
    yield "controls", calibration.controls_count if calibration else None
    yield "p_all", calibration.p_all if calibration else None
    yield "least_p", calibration.least_p if calibration else None
    yield "windows_compared", calibration.windows if calibration else None
    yield "t_log_p_z", _get_log_p_z(calibration.windows_t) if calibration else None
    yield "t_characters_log_p_z", _get_log_p_z(calibration.characters_t) if calibration else None
    yield "census_log_p_z", _get_log_p_z(calibration.census) if calibration else None
    yield from _list_bands(bands)
    yield "may_say_memorised", bands.may_say_memorised if bands else None


def _list_bands(bands: Bands | None) -> Iterator[tuple[str, float | None]]:
    names = [field.name for field in dataclasses.fields(WindowBands) if field.name != "none"]
    counts = {name: getattr(bands.stretch_windows, name) if bands else 0 for name in names}
    total = sum(counts.values())
    for name, count in counts.items():
        yield f"band_{name}", count / total if total else None


def _get_log_p_z(threshold: Threshold | None) -> float | None:
    return threshold.log_p_z if threshold else None
