"""The steps of a map's colours: at the published thresholds, or where no window reaches them, from t or the median."""

import dataclasses
import math

import matplotlib as mpl
import numpy as np
from matplotlib.colors import to_hex

from byheart.components.plot.frame import ChartData
from byheart.components.plot.p_z_range import find_beginning
from byheart.contracts.spellings import AUTO_COLORMAP
from byheart.measures.discoverable import HEADLINE_THRESHOLD, STEPS
from byheart.measures.figures import label_steps, show_rounded
from byheart.pages.colours import LIGHT


@dataclasses.dataclass(frozen=True, kw_only=True)
class Scale:
    """Five steps of log_p_z, the palest first; NaN has none."""

    starts: tuple[float, ...]
    """The log_p_z where each step but the first begins."""
    labels: tuple[str, ...]
    """What the steps are called."""
    caption: str
    head: str
    """The name of the column of shares."""
    at: float
    """The log_p_z from which characters count in these shares."""

    def classify(self, log_p_z: np.ndarray) -> np.ndarray:
        """int8: the step of each value, -1 for NaN."""
        steps = np.searchsorted(self.starts, log_p_z, side="right")
        return np.where(np.isnan(log_p_z), -1, steps).astype(np.int8)


def make_scale(data: ChartData) -> Scale:
    """The steps of a text's map."""
    caption = "p_z of the best window over the character"
    beginning = find_beginning(data)
    if beginning is None:
        return Scale(
            starts=tuple(map(math.log, STEPS)),
            labels=label_steps(),
            caption=caption,
            head=f"at ≥ {HEADLINE_THRESHOLD:.0%}",
            at=math.log(HEADLINE_THRESHOLD),
        )
    first, best = beginning.log_p_z, float(data.measured.schemes.plain.log_p_z.max())
    above = float(np.nextafter(first, 0))  # what equals t is not above it
    rest = [max(float(at), above) for at in np.linspace(first, best, len(STEPS) + 1)[1:-1]]
    name, whose = ("t", "t, the controls’ threshold, is") if beginning.is_threshold else ("median", "the median has")
    explained = f"none reaches 0.1%, the best has {_show(best)}; {whose} {_show(first)}"
    return Scale(
        starts=(above, *rest),
        labels=(f"≤ {name}", f"> {name}", *(f"≥ {_show(at)}" for at in rest)),
        caption=f"{caption}: {explained}",
        head=f"> {name}",
        at=above,
    )


def choose_colours(colormap: str) -> tuple[str, ...]:
    """The colours of the steps: the report's, or from the palest to the deepest of a colormap."""
    if colormap == AUTO_COLORMAP:
        return LIGHT.page, *LIGHT.map
    return tuple(to_hex(colour) for colour in mpl.colormaps[colormap](np.linspace(0, 1, len(STEPS) + 1)))


def _show(log_p_z: float) -> str:
    """p_z with one digit, as narrow as it can be: 4·10⁻⁹, 10⁻⁶."""
    return show_rounded(log_p_z).replace(" × ", "·").removeprefix("1·")
