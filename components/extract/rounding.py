"""How far log_p_z shifts from one arithmetic to another, such as from 32 to 16 bits."""

import dataclasses
import itertools
from collections.abc import Iterator

import numpy as np

BANDS = (0.0, 0.001, 0.9, 1.0)
"""The edges of three bands of exact p_z: unknown text, text in between, and text known by heart, with p_z = 1."""
PROMISE = 1e-4
"""The largest difference, in nats a token, from transformers in float32 on a CPU."""
ALLOWED = {
    "bfloat16": dict(zip(BANDS, (2.0, 0.2, 0.002), strict=False)),
    "float16": dict(zip(BANDS, (0.2, 0.02, 0.0002), strict=False)),
}
"""The largest difference of the sample's model in 16 bits, in nats a window, by the lower edge of the band of p_z:
twice that of docs/numbers.md."""
ALLOWED_BELOW = {"bfloat16": 3.6, "float16": 0.48}
"""The same of any model, in the lowest band: twice that of a model of 30 layers. Small ones add up fewer errors."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Shift:
    """How far log_p_z shifts, in nats: absolute, except for the mean. NaN where there are no windows."""

    windows: int
    median: float
    most: float
    """95% of the windows shift less."""
    largest: float
    mean: float
    """Signed."""


def measure_shift(exact: np.ndarray, other: np.ndarray) -> Shift:
    """How far `other` is from `exact`, both log_p_z [W]."""
    difference = other - exact
    quantiles = np.quantile(np.abs(difference), (0.5, 0.95, 1.0)) if len(difference) else [np.nan] * 3
    median, most, largest = map(float, quantiles)
    mean = float(difference.mean()) if len(difference) else np.nan
    return Shift(windows=len(difference), median=median, most=most, largest=largest, mean=mean)


def measure_shift_by_band(exact: np.ndarray, other: np.ndarray) -> Iterator[tuple[tuple[float, float], Shift]]:
    """The bands of exact p_z, each with the shift of its windows."""
    for low, high in itertools.pairwise(BANDS):
        inside = find_in_band(exact, low, high)
        yield (low, high), measure_shift(exact[inside], other[inside])


def find_in_band(log_p_z: np.ndarray, low: float, high: float) -> np.ndarray:
    """bool [W]: whether p_z lies in the band, which includes `low`, and `high` only if it is 1."""
    p_z = np.exp(log_p_z)
    return (p_z >= low) & (p_z < (high if high < 1 else np.inf))


def count_crossings(exact: np.ndarray, other: np.ndarray, threshold: float) -> int:
    """The number of windows whose p_z reaches the threshold in only one of the two."""
    return int(((exact >= np.log(threshold)) != (other >= np.log(threshold))).sum())
