"""Joins the files of a page's scripts and styles, which lie beside the code that renders it.

Each script is an ES module, so that tests can import it by itself. A page holds them joined into one: lines that begin
with `import ` are dropped, and the word `export ` where a line begins with it. So an import stands on one line and
renames nothing, nothing is exported as default, and the top-level names of all files of a page are different.
"""

import re
from collections.abc import Callable, Iterable
from pathlib import Path

_IMPORT = re.compile(r"^import .*\n?", re.MULTILINE)
_EXPORT = re.compile(r"^export (?!default)", re.MULTILINE)
_ENDS_ELEMENT = re.compile(r"</(script|style)|<!--", re.IGNORECASE)


def join_modules(files: Iterable[Path]) -> str:
    """The ES modules in these files, in this order, as the content of one inline `<script type="module">`."""
    return _join(files, lambda text: _EXPORT.sub("", _IMPORT.sub("", text)))


def join_styles(files: Iterable[Path]) -> str:
    """The style sheets in these files, in this order, as the content of one inline `<style>`."""
    return _join(files, lambda text: text)


def _join(files: Iterable[Path], change: Callable[[str], str]) -> str:
    texts = {file.name: change(file.read_text(encoding="utf-8")).strip() for file in files}
    for name, text in texts.items():
        if found := _ENDS_ELEMENT.search(text):
            raise ValueError(f"{name} must not hold {found[0]!r}, which ends an inline element: write it in two parts")
    return "\n\n".join(texts.values()) + "\n"
