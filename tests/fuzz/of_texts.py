"""Parsers of what people write and what others may send: books, lists of books, run files, and what a run printed."""

import functools
import io
import tempfile
import zipfile
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path
from random import Random

from byheart.components.download.books import read_books_from
from byheart.components.download.lists import parse_list
from byheart.components.download.text import decode
from byheart.contracts.progress import parse_line
from byheart.contracts.setting_groups import TextSettings
from byheart.launch.compiled import Compiled, read_compiled
from byheart.launch.run_file import read_run_file
from byheart.models.known import read_rows
from byheart.verification.files import list_differences, list_other_files, read_sums
from tests.conftest import compiled
from tests.fuzz.changed import change_bytes, change_json
from tests.fuzz.parser import Parser

_BOOK = """The Project Gutenberg eBook of Soap

Title: The Soap
  Winter

*** START OF THE PROJECT GUTENBERG EBOOK SOAP ***\n
CHAPTER I. Which begins

It was a long\nwinter — and a wet one.\r\nSo they said.

CHAPTER II.\n\nNo one an-\nswered 1789 times.\n
*** END OF THE PROJECT GUTENBERG EBOOK SOAP ***\nLicence\n"""
_LIST = """\ufeff# what we read
soap.txt      title="The Soap Winter" chapters='Part [IVX]+'
'old one.txt' encoding=latin-1
gs://shelf/novels/*.txt
https://example.org/a%20b.txt encoding=utf-8 chapters=auto
9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08 *unseen.txt
"""
_RUN_FILE = """\
# to be cited
name: novels
experiment: "winter"
model: llama-3.1-8b
books:
  - gs://my-bucket/a.txt
  - https://example.org/b.txt
controls: [c.txt]
store: gs://my-bucket/byheart
settings: {cursor_inc: 50, bos: true, figsize: [8, 4], chapters: "Part [IVX]+$", mesh_shape: 1x2}
"""
_SUMS = "".join(f"{digit * 64}  {name}\n" for digit, name in [("0", "summary.json"), ("a", "a-book/statistics.json")])
_LINE = (
    b'    {"message": "5 / 9 slices", "severity": "INFO", "stage": "tokenize", "done": 5, "total": 9, '
    b'"unit": "slices", "seconds_left": 1.6, "time": "2026-01-31T12:00:00.000Z"}'
)
_CRATE = b'{"@graph": [{"@id": "x"}, {"@id": "./", "license": {"@id": "https://example.org/by"}}]}'
_ROWS = b"llama: {repository: org/name}\nother: {repository: org/b, revision: main, accelerator: cpu}\n"


def _words(*words: str) -> list[bytes]:
    return [word.encode("utf-8", "surrogatepass") for word in words]


_OF_TEXT = _words("\u2028", "\u202e", "\x1b[2J", "\r", "\x0c", "\x85", "\ud800", "\n" * 3_000, " " * 3_000,
    "*** END OF THE PROJECT GUTENBERG EBOOK X",
                  "*** START OF THIS PROJECT GUTENBERG EBOOK X", "*END*THE SMALL PRINT! *END*", "Title:",
                  "Title: \x1b", "CHAPTER 1",
                  "Chapter " * 1_000, "*** " * 1_000, "-\n", "\u00ad", "Ã©", "PK\x03\x04", "%PDF-1.4",
                  "<!DOCTYPE html>")  # fmt: skip
_OF_LISTS = _words("'", '"', "\\", "#", "title=", "title=''", "encoding=", "encoding=utf-7", "encoding=zip",
    "encoding=idna", "encoding=unicode_escape",
                   "chapters=(", "chapters=(a*)*b", "chapters=" + "(" * 500, "chapters=a{99999999999}",
                   "chapters=(?P<x>", "chapters=[[:alpha:]]", "chapters=\\N{x}",
                   "@list", "://", "gs://", "https://a:b@c/?token=d", "../" * 9, "/etc/passwd", "~", "\x1b[2J", "a=b",
                   "0" * 64, "*", "x" * 9_000)  # fmt: skip
_OF_YAML = _words("!!python/object/apply:os.system [x]", "!x ", "&a ", "*a", "&a [*a]", "<<: *a", "{", "[", "- ",
    "? ", ": ", "|", ">", "\t", "010", "1:30",
                  "2001-12-14", "2001-99-99", "0x1F", ".inf", ".nan", "!!binary ", "!!int x", "%YAML 1.9\n", "---\n",
                  "...\n", "\x85", "\u2028", "\x1b", "'", '"\\x1b"', '"\\U99999999"',
                  "measured: {}\n", "settings: x\n", "settings: {1: 2}\n", "true", "~", "1_0", "- " * 2_000,
                  "[" * 2_000, "{a: " * 2_000, "0b", "1e3", "=", "99999999999999999999-01-01")  # fmt: skip

_OF_SUMS = _words("../", "/", "\x1b", "a/../../b", "\0", "x" * 3_000, "\\", "  ", "\u2028")
_OF_LINES = _words("{", '{"message": ', '"done": ', "{" * 3_000, "[" * 3_000, "9" * 5_000, "1e999", "\\ud800", "null")


def _read_book(data: bytes, folder: Path) -> object:
    (folder / "book.txt").write_bytes(data)
    settings = TextSettings(
        encoding="utf-8" if len(data) % 3 else "utf-16",
        chapters="auto",
        gutenberg="cut",
        on_bad_book="skip",
        unwrap=bool(len(data) % 2),
    )
    return read_books_from([str(folder / "book.txt")], [], settings)


def _read_list(data: bytes, folder: Path) -> object:
    entries = parse_list(decode(data, "utf-8", "list.txt"), str(folder / "list.txt"), "book")
    entries += parse_list(decode(data, "utf-8", "list.txt"), "gs://shelf/lists/list.txt", "book")
    return entries


@functools.cache
def _compile() -> Compiled:
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "pipeline.yaml").write_text(compiled(), encoding="utf-8")
        return read_compiled(Path(folder) / "pipeline.yaml")


def _list_run_files() -> Sequence[bytes]:
    _compile()
    return [
        _RUN_FILE.encode(),
        b'{"name": "a", "model": ["b/c", "d"], "books": "e.txt", "settings": {"top_k": 20, "logits": "none"}}',
    ]


def _change_run_file(data: bytes, random: Random) -> bytes:
    """Changed as YAML, and as JSON, which is YAML too."""
    return change_json(data, random) if data.startswith(b"{") else change_bytes(data, random, _OF_YAML)


def _read_run_file(data: bytes, folder: Path) -> object:
    (folder / "run.yaml").write_bytes(data)
    return read_run_file(folder / "run.yaml", _compile()).run_name


def _read_sums(data: bytes, folder: Path) -> object:
    (folder / "SHA256SUMS").write_bytes(data)
    sums = read_sums(folder)
    return list_differences(folder, sums), list_other_files(folder, sums)


def _read_archive(data: bytes, folder: Path) -> object:
    archive = import_module("byheart.verification.archive")
    (folder / "archive.zip").write_bytes(data)
    with archive.open_archive(folder / "archive.zip") as content:
        return archive.read_verified(content)


@functools.cache
def _list_archives() -> Sequence[bytes]:
    _import_verification()
    archives = []
    for kind in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", kind) as archive:
            archive.writestr(
                "verification.json", '{"results_sha256": "a", "seed": 1, "windows": 2, "checks": {}, "rocrate": "1"}'
            )
            archive.writestr("a-book/text.txt", "text " * 20)
        archives.append(buffer.getvalue())
    return archives


def _import_verification() -> None:
    """Import what takes seconds, which other parsers save; matplotlib makes its folder of settings then, once."""
    import_module("byheart.launch.verify")


def _list_crates() -> Sequence[bytes]:
    _import_verification()
    return [_CRATE]


def _list_runs_of_results() -> Sequence[bytes]:
    _import_verification()
    return [_RUN_FILE.encode()]


def _with_words(*words: bytes) -> Callable[[bytes, Random], bytes]:
    return lambda data, random: change_bytes(data, random, words)


def _read_rows(data: bytes, folder: Path) -> object:  # noqa: ARG001 it needs none
    return read_rows(data.decode(errors="replace"))


def _read_line(data: bytes, folder: Path) -> object:  # noqa: ARG001 it needs none
    return parse_line(data.decode(errors="replace"))


def _read_licence(data: bytes, folder: Path) -> object:  # noqa: ARG001 it needs none
    return import_module("byheart.verification.crate").read_licence(data)


def _read_run_of_results(data: bytes, folder: Path) -> object:
    (folder / "run.yaml").write_bytes(data)
    return import_module("byheart.launch.verify")._recall(folder, "model")


PARSERS = (
    Parser(
        name="book",
        valid=lambda: [_BOOK.encode(), _BOOK.encode("utf-16")],
        change=_with_words(*_OF_TEXT),
        read=_read_book,
    ),
    Parser(name="book-list", valid=lambda: [_LIST.encode()], change=_with_words(*_OF_LISTS), read=_read_list),
    Parser(name="run-file", valid=_list_run_files, change=_change_run_file, read=_read_run_file),
    Parser(name="models.yaml", valid=lambda: [_ROWS], change=_with_words(*_OF_YAML), read=_read_rows),
    Parser(name="log-line", valid=lambda: [_LINE], change=_with_words(*_OF_LINES), read=_read_line),
    Parser(name="sums", valid=lambda: [_SUMS.encode()], change=_with_words(*_OF_SUMS), read=_read_sums),
    Parser(name="crate", valid=_list_crates, change=change_json, read=_read_licence),
    Parser(
        name="run-file-of-results",
        valid=_list_runs_of_results,
        change=_with_words(*_OF_YAML),
        read=_read_run_of_results,
    ),
    Parser(name="archive", valid=_list_archives, change=_with_words(*_OF_SUMS), read=_read_archive),
)
