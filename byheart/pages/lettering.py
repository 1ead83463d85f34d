"""Fonts for titles of any script: matplotlib's own, and where it lacks letters, installed ones that have them."""

import contextlib
import unicodedata
import warnings
from collections.abc import Callable, Iterable, Iterator
from functools import cache

import matplotlib as mpl
from matplotlib import font_manager
from matplotlib.ft2font import FT2Font

_OWN = "DejaVu Sans"
"""It comes with matplotlib."""
_BOXES = ("LastResort", "AdobeBlank", "Adobe Blank")
"""In the file names of fonts that draw a box, or nothing, for every letter."""
_MOST_SHOWN = 10
"""Of the letters that no font has."""


@contextlib.contextmanager
def choose_fonts(texts: Iterable[str], tell: Callable[[str], None]) -> Iterator[None]:
    """Draw figures with fonts that have the letters of these texts; a line says which letters no font here has.

    Args:
        tell: called with that line.
    """
    families, missing = find_fonts(texts)
    if missing:
        shown = "".join(sorted(missing)[:_MOST_SHOWN]) + "…" * (len(missing) > _MOST_SHOWN)
        tell(
            f"no font installed here has {len(missing):,} letter{'s' * (len(missing) > 1)} of the titles ({shown}): "
            "pictures show boxes for them, pages and tables do not; install a font that has them where the results "
            "are plotted, such as Noto Sans CJK"
        )
    with mpl.rc_context({"font.family": families}), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing from font")  # said above, once
        yield


def find_fonts(texts: Iterable[str]) -> tuple[list[str], set[str]]:
    """The families to draw these texts with, matplotlib's own first, and the letters that none of them has."""
    missing = {letter for letter in set().union(*texts) if unicodedata.category(letter)[0] not in "CZ"}
    missing -= _read_letters(font_manager.findfont(_OWN))
    families = [_OWN]
    if not missing:
        return families, missing
    # Of the files themselves: matplotlib's list of fonts may be older than one that was installed for this.
    paths = sorted(path for path in font_manager.findSystemFonts() if not any(name in path for name in _BOXES))
    while paths:
        best = max(paths, key=lambda path: (len(missing & _read_letters(path)), "Regular" in path))
        found = missing & _read_letters(best)
        if not found:
            break
        if not any(font.fname == best for font in font_manager.fontManager.ttflist):
            font_manager.fontManager.addfont(best)
        families.append(FT2Font(best).family_name)
        missing -= found
    return families, missing


@cache
def _read_letters(path: str) -> frozenset[str]:
    """The letters that a font has; none if it cannot be read, or has pictures of them in one size only."""
    try:
        font = FT2Font(path)
        return frozenset(map(chr, font.get_charmap())) if font.scalable else frozenset()
    except (OSError, RuntimeError, ValueError):
        return frozenset()
