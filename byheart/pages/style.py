"""The style of a page: the colours, what all pages share, and the page's own files."""

from collections.abc import Iterable
from pathlib import Path

from byheart.pages.assembly import join_styles
from byheart.pages.colours import render_properties

_SHARED = Path(__file__).parent / "base.css"


def render_style(files: Iterable[Path]) -> str:
    """The content of a page's inline `<style>`: the shared style, and then these files in order."""
    return f"{render_properties()}\n{join_styles([_SHARED, *files])}"
