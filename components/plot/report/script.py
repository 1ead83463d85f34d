"""The script of report.html: the modules of its reader, and those that it shares with other pages."""

import graphlib
import re
from pathlib import Path

from byheart.pages.assembly import join_modules

_START = Path(__file__).parent / "js" / "app.mjs"
_IMPORT = re.compile(r'^import .* from "(.*)";$', re.MULTILINE)


def join_script() -> str:
    """The page's modules as one script, each after those that it imports."""
    graph: dict[Path, set[Path]] = {}
    waiting = [_START.resolve()]
    while waiting:
        path = waiting.pop()
        if path not in graph:
            graph[path] = {(path.parent / name).resolve() for name in _IMPORT.findall(path.read_text(encoding="utf-8"))}
            waiting += sorted(graph[path])
    return join_modules(graphlib.TopologicalSorter(graph).static_order())
