"""The script of report.html: its modules in the order in which each finds what it needs."""

from pathlib import Path

import byheart.pages
from byheart.pages.assembly import join_modules

SHARED = Path(byheart.pages.__file__).parent / "js"
OWN = Path(__file__).parent / "js"
_SHARED_MODULES = ("blobs", "words", "characters", "table")
_MODULES = (
    # Numbers, text, and how elements are made.
    *("elements", "thresholds", "passages", "search", "book", "bars", "paragraphs", "address", "colouring", "slips"),
    # Parts of the page.
    *("texts", "heights", "column", "pointing", "overlays", "strip"),
    *("staircase", "tokens", "inspector", "csv", "passage_list", "bar", "says", "search_box", "keys"),
    # The whole.
    *("reader", "app"),
)


def list_modules() -> list[Path]:
    """The files of the page's modules, in order."""
    return [*(SHARED / f"{name}.mjs" for name in _SHARED_MODULES), *(OWN / f"{name}.mjs" for name in _MODULES)]


def render_script() -> str:
    """The content of the page's inline `<script type="module">`."""
    return join_modules(list_modules())
