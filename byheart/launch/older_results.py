"""Lists the results of a byheart from before 0.1.0, which wrote no SHA256SUMS, by the names that it used."""

import dataclasses
from pathlib import Path
from typing import Any

from byheart.contracts.errors import DamagedError
from byheart.contracts.json_files import read_json
from byheart.measures.provenance import PROVENANCE
from byheart.measures.results import BOOK_FILES, RUN_FILES

_CHARTS = ("coverage", "extraction_rates", "heat_map", "p_z_histogram")
_FILES = (*BOOK_FILES, *(f"{chart}.{suffix}" for chart in _CHARTS for suffix in ("png", "svg")))


@dataclasses.dataclass(frozen=True, kw_only=True)
class _AnyProvenance:
    """The fields that every version of provenance.json has."""

    contract_version: int
    books: dict[str, Any]


def list_older_results(out: Path) -> list[str]:
    """The names of the files in `out` that such a run wrote; empty if none did."""
    try:
        books = read_json(out / PROVENANCE, _AnyProvenance).books
    except (OSError, DamagedError):
        return []
    names = ["log.txt", *RUN_FILES, *(f"{book}/{file}" for book in books if "/" not in book for file in _FILES)]
    return [name for name in names if (out / name).is_file()]
