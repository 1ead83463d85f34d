"""Finds and reads books, prepares their texts, and refuses those that cannot be measured."""

import functools
import hashlib
import itertools
import re
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import replace
from pathlib import PurePosixPath
from typing import TypeVar
from urllib.parse import unquote, urlsplit

from byheart.components.download.chapters import compile_heading_pattern, find_chapters
from byheart.components.download.controls import refuse_books_as_controls
from byheart.components.download.gutenberg import find_gutenberg
from byheart.components.download.libraries import Libraries
from byheart.components.download.lists import LIST, Source, parse_list
from byheart.components.download.memory import Allowance, KeptTexts
from byheart.components.download.other_formats import check_is_text
from byheart.components.download.size import check_count
from byheart.components.download.text import check_not_empty, decode
from byheart.components.download.text_report import report_on
from byheart.components.download.unwrap import unwrap
from byheart.contracts.books import BOOK, CONTROL, Book, BookList, Origin, Refused, check_some_left
from byheart.contracts.encodings import find_codec
from byheart.contracts.errors import BookError
from byheart.contracts.foreign import spell_out, strip_address
from byheart.contracts.only import select_characters
from byheart.contracts.setting_groups import TextSettings

MOST_TEXT_BYTES = 4_000_000_000
"""Memory of all texts, which a run keeps: half of the download pod's. A character takes 1, 2 or 4 bytes."""
READERS = 8
"""Files that are read at once: enough to hide a network's latency, and not too many for a server."""
_KEPT_NAMES = ("unfinished", "failed", "SHA256SUMS")
"""Other names without a dot in the folder of the results."""
_NAME_BYTES = 120
"""The most bytes of a book's name, which becomes a folder's and a file's; file systems take 255 bytes."""

_AT_WORK = Allowance(20_000_000)
"""Bytes of the files that are prepared at once: each takes up to 130 times as many, if its lines are short."""

_Result = TypeVar("_Result")


def read_books_from(
    sources: Sequence[str], controls: Sequence[str], text: TextSettings, only: str = ""
) -> tuple[list[Book], list[Refused]]:
    """The books at `sources`, then those at `controls`, in their order; and those of both that are refused.

    A source is a file, a folder, which means its `.txt` files, a glob, or `@LIST`, a file that lists sources.

    Args:
        controls: sources of books in the role of control.
        only: the part of each book to measure; a book that lacks it is refused.

    Raises:
        BookError: no source is named, all books of `sources` are refused, or there are more than `MOST_BOOKS`.
        SettingsError: `text.chapters` is no regular expression.
    """
    if not sources or not all(sources):
        raise BookError(
            "books must name at least one text file or folder, found an empty list or name: name a book",
            parameter="books",
        )
    compile_heading_pattern(text.chapters)
    libraries = Libraries()

    kept = KeptTexts(MOST_TEXT_BYTES)

    def read(file: Source) -> list[Book]:
        book = read_book(libraries, text, file)
        select_characters(book, only)
        kept.add(book.text, book.source)
        return [book]

    named = [Source(source=source, role=BOOK) for source in sources]
    named += [Source(source=source, role=CONTROL) for source in controls]
    with ThreadPoolExecutor(READERS) as pool:
        files = find_files(libraries, pool, named)
        outcomes = map_sources(pool, files, read)
    read_books = refuse_books_as_controls([book for book in outcomes if isinstance(book, Book)])
    books = [book for book in read_books if isinstance(book, Book)]
    refused = [book for book in (*outcomes, *read_books) if isinstance(book, Refused)]
    check_some_left((book.role for book in books), refused)
    return _make_names_unique(books), refused


def find_files(libraries: Libraries, pool: Executor, sources: Iterable[Source]) -> list[Source | Refused]:
    """The files of all sources, those of lists included, in their order; and the sources that are refused.

    Raises:
        BookError: there are more than `MOST_BOOKS`.
    """
    listed = map_sources(pool, sources, functools.partial(_expand_list, libraries))
    files = map_sources(pool, listed, functools.partial(_expand_source, libraries))
    count = sum(isinstance(file, Source) for file in files)
    check_count(count, "a run")
    return files


def map_sources(
    pool: Executor, items: Iterable[Source | Refused], step: Callable[[Source], Sequence[_Result | Refused]]
) -> list[_Result | Refused]:
    """The results of `step` for each source, in their order; a source for which it raises BookError is refused."""

    def apply(item: Source | Refused) -> Sequence[_Result | Refused]:
        if isinstance(item, Refused):
            return [item]
        try:
            return step(item)
        except BookError as error:
            source = spell_out(strip_address(item.source))
            return [Refused(source=source, role=item.role, why=error.message, may_pass=error.may_pass)]

    return list(itertools.chain.from_iterable(pool.map(apply, items)))


def _make_printable(text: str) -> str:
    """`text`, with the bytes of a file's name that are not UTF-8 written as escapes."""
    return text.encode(errors="backslashreplace").decode()


def _expand_list(libraries: Libraries, source: Source) -> list[Source | Refused]:
    if not source.source.startswith(LIST):
        return [source]
    address = source.source.removeprefix(LIST)
    if not address:
        raise BookError("a list must be named behind its @, found none: name one, such as @books/list.txt")
    data = libraries.choose(address).read(address)
    listed_in = BookList(source=strip_address(address), sha256=hashlib.sha256(data).hexdigest())
    entries = parse_list(decode(data, "utf-8", address), address, source.role)
    return [replace(entry, listed_in=listed_in) if isinstance(entry, Source) else entry for entry in entries]


def _expand_source(libraries: Libraries, source: Source) -> list[Source]:
    addresses = libraries.choose(source.source).find(source.source)
    if source.sha256 and len(addresses) > 1:
        raise BookError(
            f"{source.source} must be one file, since its list gives one SHA-256, found {len(addresses):,}: write a "
            "line for each"
        )
    return [replace(source, source=address) for address in addresses]


def read_book(libraries: Libraries, settings: TextSettings, source: Source) -> Book:
    """The book in a file, with its text as it will be measured.

    Raises:
        BookError: the file cannot be read, is another than its list says, or its text cannot be measured.
    """
    address = source.source
    if _make_printable(address) != address:
        raise BookError(f"{address} must have a name in UTF-8, found other bytes: rename it")
    data = libraries.choose(address).read(address)
    sha256 = hashlib.sha256(data).hexdigest()
    if source.sha256 and source.sha256 != sha256:
        raise BookError(
            f"{address} must have the SHA-256 {source.sha256}, as its list says, found {sha256}: bring back the file "
            "that was listed"
        )
    with _AT_WORK.take(len(data)):
        return _prepare(data, sha256, settings, source)


def _prepare(data: bytes, sha256: str, settings: TextSettings, source: Source) -> Book:
    """The book of a file's bytes."""
    address = strip_address(source.source)
    check_is_text(data, address)
    encoding = find_codec(source.encoding or settings.encoding)
    whole = decode(data, encoding, address)
    gutenberg = find_gutenberg(whole)
    front, back = (gutenberg.front, gutenberg.back) if gutenberg and settings.gutenberg == "cut" else (0, 0)
    text = whole[front : len(whole) - back]
    check_not_empty(text, address)
    joined = 0
    if settings.unwrap:
        text, joined = unwrap(text)
    origin = Origin(
        file_bytes=len(data),
        file_sha256=sha256,
        encoding=encoding,
        gutenberg={"keep": "kept", "cut": "cut"}[settings.gutenberg] if gutenberg else "none",
        cut_front=front,
        cut_back=back,
        joined_lines=joined,
        listed_in=source.listed_in,
        gutenberg_headers=gutenberg.headers if gutenberg else 0,
        gutenberg_footers=gutenberg.footers if gutenberg else 0,
        chapters=source.chapters or settings.chapters,
    )
    stem = _read_stem(address)
    return Book(
        name=_make_safe_name(stem),
        source=address,
        text=text,
        role=source.role,
        title=source.title or (gutenberg and gutenberg.title) or stem,
        chapters=find_chapters(text, origin.chapters),
        origin=origin,
        report=report_on(text),
    )


def _read_stem(address: str) -> str:
    """The name of the file at `address`, without its extension."""
    path = unquote(urlsplit(address).path) if address.startswith("https://") else address
    return PurePosixPath(path).stem


def _make_safe_name(stem: str) -> str:
    """A book's name, from its file's: safe in every file system, and without a dot, unlike the files of a run."""
    words = re.sub(r"[^\w-]+", "-", unicodedata.normalize("NFC", stem)).strip("-")
    return words.encode()[:_NAME_BYTES].decode(errors="ignore").strip("-") or "book"


def _make_names_unique(books: Sequence[Book]) -> list[Book]:
    """The books, with numbers appended to equal names; a Mac ignores the case of letters, and so does this."""
    names = {name.casefold() for name in _KEPT_NAMES}
    numbers: dict[str, int] = {}
    renamed = []
    for book in books:
        name, stem = book.name, book.name.casefold()
        while name.casefold() in names:
            numbers[stem] = numbers.get(stem, 1) + 1
            name = f"{book.name}-{numbers[stem]}"
        names.add(name.casefold())
        renamed.append(replace(book, name=name))
    return renamed
