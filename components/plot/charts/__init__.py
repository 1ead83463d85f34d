"""The charts of a book: each module of this folder is one, and no other place knows of it.

Its name is that of the chart's files, its docstring the chart's section in docs/outputs/charts.md (`python -m docs`
writes it), `PLACE` where it stands among the others, and `draw` draws it.
"""

import importlib
import pkgutil
from collections.abc import Callable
from types import ModuleType

from matplotlib.figure import Figure

from byheart.components.plot.frame import Subject


def _modules() -> dict[str, ModuleType]:
    found = {name: importlib.import_module(f"{__name__}.{name}") for _, name, _ in pkgutil.iter_modules(__path__)}
    return dict(sorted(found.items(), key=lambda item: item[1].PLACE))


MODULES = _modules()
"""Every chart's module by its name, in their order."""
CHARTS: dict[str, Callable[[Subject], Figure]] = {name: module.draw for name, module in MODULES.items()}
"""What draws each chart, by the name of its files."""
