"""The charts of a book: one file and one row each."""

from collections.abc import Callable

from matplotlib.figure import Figure

from byheart.components.plot.charts import coverage, extraction_rates, heat_map, histogram
from byheart.components.plot.charts.frame import Subject

CHARTS: dict[str, Callable[[Subject], Figure]] = {
    "heat_map": heat_map.draw,
    "p_z_histogram": histogram.draw,
    "extraction_rates": extraction_rates.draw,
    "coverage": coverage.draw,
}
"""What draws each chart, by the name of its files."""
