"""The charts of a book: each module in this folder is a chart, and no other code names it.

The module's name is the name of the chart's files, and its docstring is the chart's section in docs/outputs/charts.md
(`python -m docs` writes it). `POSITION` sorts the charts, and `draw` draws the figure.
"""

import importlib
import pkgutil
from collections.abc import Callable
from types import ModuleType

from matplotlib.figure import Figure

from byheart.components.plot.frame import ChartData


def _import_modules() -> dict[str, ModuleType]:
    modules = {name: importlib.import_module(f"{__name__}.{name}") for _, name, _ in pkgutil.iter_modules(__path__)}
    return dict(sorted(modules.items(), key=lambda item: item[1].POSITION))


MODULES = _import_modules()
"""The charts' modules by name, sorted by `POSITION`."""
CHARTS: dict[str, Callable[[ChartData], Figure]] = {name: module.draw for name, module in MODULES.items()}
"""The function that draws each chart, by the name of its files."""
