"""Compares files of results with the same files made again, and says in which field they differ."""

import base64
import csv
import gzip
import hashlib
import io
import itertools
import json
import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from byheart.contracts import parquet

ROUNDING = 1e-12
"""Relative: numbers that are nearer count as equal, since processors round the last digits of a logarithm otherwise."""
_MOST_UNPACKED_BYTES = 2**28
"""A page of 8 MB may say that it holds thousands of times more."""
_PICTURES = (".png", ".svg")
_EMBEDDED = re.compile(r"data:image/png;base64,[A-Za-z0-9+/=]*")
"""A picture in report.html or summary.md."""
_BLOB = re.compile(r'(<script type="application/x-byheart"[^>]*>)([A-Za-z0-9+/=]*)')
"""The packed data of a text in report.html."""


def is_picture(name: str) -> bool:
    """Whether a file is a chart."""
    return name.endswith(_PICTURES)


def compare_files(name: str, folder: Path, again: Path, *, with_pictures: bool) -> list[str]:
    """A clause for each difference between `folder/name` and `again/name`.

    Args:
        with_pictures: whether pictures, and those in pages, must be equal.
    """
    if not (folder / name).is_file():
        return [f"{name} is missing"]
    old, new = (folder / name).read_bytes(), (again / name).read_bytes()
    if old == new or (is_picture(name) and not with_pictures):
        return []
    try:
        differences = list(_find_differences(name, old, new, with_pictures=with_pictures))
    except Exception as error:  # noqa: BLE001  a changed file can fail to be read in any way
        return [f"{name} cannot be read ({type(error).__name__})"]
    return [f"{name}{clause}" for clause in differences]


def _find_differences(name: str, old: bytes, new: bytes, *, with_pictures: bool) -> Iterator[str]:
    suffix = Path(name).suffix
    if suffix == ".json":
        yield from _compare_json(old, new)
    elif suffix == ".csv":
        yield from _compare_values("", _read_csv(old), _read_csv(new))
    elif suffix == ".parquet":
        yield from _compare_parquet(name, old, new)
    elif suffix in (".html", ".md") and not with_pictures:
        if _unpack(old.decode()) != _unpack(new.decode()):
            yield ": its text is another"
    elif is_picture(name):
        yield " is not the picture that the scores give"
    else:
        lines = itertools.zip_longest(old.decode().split("\n"), new.decode().split("\n"))
        yield next(f", line {number}" for number, (one, other) in enumerate(lines, 1) if one != other)


def _unpack(page: str) -> str:
    """A page without pictures, and with the hash of its unpacked data, which other versions of zlib pack otherwise."""

    def name_content(blob: re.Match[str]) -> str:
        with gzip.open(io.BytesIO(base64.b64decode(blob[2]))) as file:
            data = file.read(_MOST_UNPACKED_BYTES + 1)
        if len(data) > _MOST_UNPACKED_BYTES:
            raise ValueError("more than any text's data")
        return blob[1] + hashlib.sha256(data).hexdigest()

    return _BLOB.sub(name_content, _EMBEDDED.sub("", page))


def _compare_json(old: bytes, new: bytes) -> Iterator[str]:
    before, after = json.loads(old), json.loads(new)
    differences = list(_compare_values("", before, after))
    yield from differences
    if not differences and json.dumps(before) == json.dumps(after):
        yield ": its layout is another"


def _compare_parquet(name: str, old: bytes, new: bytes) -> Iterator[str]:
    (columns, note), (columns_again, note_again) = (parquet.from_bytes(data, name=name) for data in (old, new))
    yield from _compare_values(" metadata", note, note_again)
    if columns.keys() != columns_again.keys():
        yield ": its columns are others"
        return
    for column, values in columns.items():
        again = columns_again[column]
        if values.shape != again.shape or values.dtype != again.dtype:
            yield f", {column}: another shape or type"
        elif values.dtype.kind == "f":
            with np.errstate(invalid="ignore"):
                same = (values == again) | (np.abs(values - again) <= ROUNDING * np.abs(again))
            same |= np.isnan(values) & np.isnan(again)
            yield from _name_row(column, same)
        else:
            yield from _name_row(column, values == again)


def _name_row(column: str, same: np.ndarray) -> Iterator[str]:
    if not same.all():
        row = int(np.argwhere(~same)[0][0])
        yield f", {column} of row {row:,}"


def _compare_values(path: str, old: Any, new: Any) -> Iterator[str]:
    """The paths of the values that differ, each with both."""
    if isinstance(old, dict) and isinstance(new, dict):
        for key in dict.fromkeys([*new, *old]):
            if key in old and key in new:
                yield from _compare_values(f"{path} {key}", old[key], new[key])
            else:
                yield f",{path} {key}: {'missing' if key in new else 'should not be there'}"
    elif isinstance(old, list) and isinstance(new, list):
        if len(old) != len(new):
            yield f",{path}: {len(old):,} items instead of {len(new):,}"
        for index, (one, other) in enumerate(zip(old, new, strict=False)):
            yield from _compare_values(f"{path} {index}", one, other)
    elif type(old) is not type(new) or not _is_same(old, new):
        yield f",{path}: {_shorten(old)} instead of {_shorten(new)}"


def _is_same(old: Any, new: Any) -> bool:
    if isinstance(old, float):
        return old == new or math.isclose(old, new, rel_tol=ROUNDING, abs_tol=0)
    return old == new


def _shorten(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 40 else f"{text[:40]}…"


def _read_csv(data: bytes) -> list[dict[str, Any]]:
    """The rows of a table; cells that are numbers become numbers."""
    csv.field_size_limit(2**31 - 1)
    text = data.decode()
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    return [{key: _parse_cell(cell) for key, cell in row.items()} for row in rows]


def _parse_cell(cell: Any) -> Any:
    if isinstance(cell, str) and re.fullmatch(r"-?\d+\.\d+(e-?\d+)?", cell):
        return float(cell)
    return cell
