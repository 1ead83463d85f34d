"""Parsers of finished results, which may come from anybody: a study, a colleague, an archive."""

import functools
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from random import Random

from byheart.measures.comparison.comparison import compare_models
from byheart.measures.comparison.models import name_models
from byheart.measures.comparison.rows import list_rows
from byheart.measures.results import Results
from tests.fuzz.changed import change_bytes, change_json
from tests.fuzz.files import change_parquet
from tests.fuzz.parser import Parser, may_refuse
from tests.measures import toy
from tests.measures.comparison.runs import draw_p_z, write_run

_CHANGES = {".json": change_json, ".parquet": change_parquet}


@functools.cache
def _write_honest() -> tuple[Path, tempfile.TemporaryDirectory[str]]:
    """The results of a book and a control, and what keeps their folder."""
    kept = tempfile.TemporaryDirectory(prefix="byheart-results-")
    folder = Path(kept.name) / "honest"
    book = toy.make_book(draw_p_z(0)[:20], stride=200, name="toy", sample=4)
    write_run(folder, [book, toy.make_book([1e-9, 1e-5], name="unseen", role="control")])
    return folder, kept


@functools.cache
def _list_files() -> Sequence[bytes]:
    """Each file of the results, behind its name and a line break."""
    folder, _ = _write_honest()
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return [f"{path.relative_to(folder)}\n".encode() + path.read_bytes() for path in files]


def _change_file(data: bytes, random: Random) -> bytes:
    name, line, content = data.partition(b"\n")
    change = _CHANGES.get(Path(name.decode()).suffix, change_bytes)
    return name + line + change(content, random)


def _read_results(data: bytes, folder: Path) -> object:
    honest, _ = _write_honest()
    name, _, content = data.partition(b"\n")
    changed = folder / "changed"
    shutil.copytree(honest, changed)
    if not (file := changed / name.decode(errors="replace")).is_file():
        return None  # an input that was made smaller has lost its name
    file.write_bytes(content)
    with may_refuse():
        addresses = [str(honest), str(changed)]
        list(list_rows(compare_models(name_models([Results.open(a) for a in addresses], addresses), None)))
    results = Results.open(str(changed))
    results.read_pieces()
    for book in results.books:
        for read in (
            book.read_passages, book.read_windows, book.read_spans, book.read_control_sample, book.read_calibration,
            book.read_text, book.read_chapters,
        ):  # fmt: skip
            with may_refuse():
                read()
    return results


PARSERS = (Parser(name="results", valid=_list_files, change=_change_file, read=_read_results),)
