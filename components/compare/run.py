"""Compare: write what the results of several models say of the texts that they share."""

import shutil
from collections.abc import Sequence
from pathlib import Path

from byheart.components.compare.figure import list_names, write_figures
from byheart.components.compare.page import render_page
from byheart.components.compare.tables import make_csv, make_parquet
from byheart.contracts.errors import SettingsError
from byheart.contracts.progress import say
from byheart.measures.comparison.comparison import ModelComparison, compare_models
from byheart.measures.comparison.models import name_models
from byheart.measures.comparison.rows import list_rows
from byheart.measures.results import Results
from byheart.pages.lettering import choose_fonts
from byheart.store.file_errors import explained

PAGE, TABLE, CSV, FIGURES = "comparison.html", "comparison.parquet", "comparison.csv", ("figure.pdf", "figure.svg")
NARROW_FIGURES = ("figure-column.pdf", "figure-column.svg")
FILES = (PAGE, TABLE, CSV, *FIGURES, *NARROW_FIGURES)
"""All files of a comparison."""


def run(*, results: Sequence[str], out: str, reference: str = "") -> ModelComparison:
    """Write the files of a comparison into a folder, all of them or none; returns the comparison.

    Args:
        results: where the results of each model lie: folders, or addresses at gs://.
        out: the folder to write; it may be there.
        reference: where the results of a model lie that has seen neither books nor controls; empty for none.

    Raises:
        SettingsError: there are fewer than two results, one is named twice, or they share no book.
        DamagedError: an address has no results, or results of another version.
        StoreError: the folder cannot be written.
    """
    if len(results) < 2:
        found = ", ".join(results) or "none"
        raise SettingsError(f"results must be of two models at least, found {found}: name more", parameter="results")
    places = [address.rstrip("/") if "://" in address else str(Path(address).absolute()) for address in results]
    if twice := next((place for place in places if places.count(place) > 1), None):
        raise SettingsError(
            f"results must be another folder each time, found {twice} more than once: name it once", parameter="results"
        )
    addresses = [*results, *([reference] if reference and reference not in results else [])]
    opened = {address: Results.open(address) for address in addresses}
    named = name_models([opened[address] for address in addresses], addresses)
    baseline = named[addresses.index(reference)] if reference else None
    comparison = compare_models(named[: len(results)], baseline)
    folder, rows = Path(out), list(list_rows(comparison))
    with explained("write", folder), choose_fonts(list_names(comparison), say):
        folder.mkdir(parents=True, exist_ok=True)
        hidden = folder / ".comparison"
        shutil.rmtree(hidden, ignore_errors=True)
        hidden.mkdir()
        (hidden / CSV).write_text(make_csv(rows), encoding="utf-8")
        (hidden / TABLE).write_bytes(make_parquet(rows, comparison))
        (hidden / PAGE).write_text(render_page(comparison), encoding="utf-8")
        write_figures(comparison, [hidden / name for name in FIGURES], [hidden / name for name in NARROW_FIGURES])
        for name in FILES:
            (hidden / name).replace(folder / name)
        hidden.rmdir()
    return comparison
