"""What both forms of the heat map paint: the characters' p_z and bands, by columns."""

import numpy as np

from byheart.components.plot.frame import ChartData
from byheart.measures.calibration.bands import Band, paint
from byheart.measures.character_map import CharacterMap
from byheart.measures.discoverable import HEADLINE_THRESHOLD
from byheart.measures.figures import show, show_with_bound
from byheart.measures.rates import Rates
from byheart.measures.uncertainty import select_non_overlapping
from byheart.pages.strips import list_firsts

_NAMES = {
    Band.LIKE_UNSEEN: "like unseen text",
    Band.EASY: "easily drawn, not above",
    Band.ABOVE_CONTROLS: "only above the controls",
    Band.EXTRACTABLE: "extractable",
    Band.NONE: "left out",
}


def paint_characters(data: ChartData) -> np.ndarray | None:
    """int8 [C]: the band of each character; None without a threshold from controls."""
    calibration = data.calibration
    if not (data.comparison and calibration and calibration.windows_t and calibration.characters_t):
        return None
    return paint(data.comparison.book.document, calibration.windows_t, calibration.characters_t).characters


def name_bands(bands: np.ndarray) -> dict[Band, str]:
    """The bands, each with its name and its share of the characters; EASY only where there is some."""
    return {
        band: f"{name} {show(float((bands == band).mean()))}"
        for band, name in _NAMES.items()
        if band is not Band.EASY or (bands == band).any()
    }


def show_shares(data: ChartData) -> tuple[str, str | None]:
    """The headline's coverage of the text and of its controls, as settings choose it; None without controls.

    Shares of 0% and 100% have their bounds.
    """
    coverage, windows = data.settings.coverage, data.measured.windows

    def show_share(rates: Rates, apart: int) -> str:
        return show_with_bound(rates.coverage_at.choose(coverage)[HEADLINE_THRESHOLD].share, apart)

    own = show_share(data.rates.plain, len(select_non_overlapping(windows.start, windows.stop)))
    if not data.control:
        return own, None
    _, apart = data.control.non_overlapping.plain[HEADLINE_THRESHOLD]
    return own, show_share(data.control.rates.plain, apart)


def compute_column_maxima(covered: CharacterMap, columns: int) -> np.ndarray:
    """The largest log_p_z in each of at most `columns` equal runs of characters; NaN where none is measurable.

    The maximum keeps a memorised line visible however many characters share its column.
    """
    return np.fmax.reduceat(covered.log_p_z, list_firsts(len(covered.window), columns))


def find_column_bands(bands: np.ndarray, columns: int) -> np.ndarray:
    """int8: the strongest band in each of at most `columns` equal runs of characters."""
    return np.maximum.reduceat(bands, list_firsts(len(bands), columns))
