"""Lists of sources: a file that names a source in each line, with options that override the settings for its books.

# what we read in spring
soap.txt      title="The Soap Winter" chapters='Part [IVX]+'
'old one.txt' encoding=latin-1
gs://shelf/novels/*.txt
9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08  unseen.txt
"""

import dataclasses
import posixpath
import re
import shlex
from collections.abc import Callable
from typing import Any
from urllib.parse import quote, urljoin

from byheart.components.download.chapters import compile_heading_pattern
from byheart.components.download.size import MOST_BOOKS, check_count
from byheart.contracts.books import BookList, Refused
from byheart.contracts.encodings import find_codec
from byheart.contracts.errors import BookError, SettingsError

LIST = "@"
"""Prefix of a list file."""


_MOST_LINES, _MOST_OF_A_LINE = 10 * MOST_BOOKS, 8_192
"""The most lines, those without a book too, and characters of a line: more than two paths have."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Source:
    """A file, a folder or a glob, and what a list says of its books; None leaves an option to the settings."""

    source: str
    role: str
    title: str | None = None
    encoding: str | None = None
    chapters: str | None = None
    sha256: str | None = None
    """What the SHA-256 of the file must be, in small letters; None if the list does not say."""
    listed_in: BookList | None = None


def parse_list(text: str, address: str, role: str) -> list[Source | Refused]:
    """The sources that a list names, in its order; a line that cannot be read becomes a refused source.

    Lines are split as in a shell: quotes keep spaces in a word, and `#` begins a comment. A SHA-256 may stand before a
    source, as `sha256sum` prints it.

    Args:
        address: the list's address; names in the list are relative to its folder.

    Raises:
        BookError: the list names no source, or more than a run may have.
    """
    entries: list[Source | Refused] = []
    lines = text.removeprefix("\ufeff").splitlines()
    if len(lines) > _MOST_LINES:
        raise BookError(f"{address} must have at most {_MOST_LINES:,} lines, found {len(lines):,}: divide it")
    for number, line in enumerate(lines, 1):
        check_count(len(entries), address)
        where = f"{address}, line {number}"
        try:
            words = _split_words(line)
            if words:
                entries.append(_parse_source(words, address, role))
        except (BookError, SettingsError) as error:
            entries.append(Refused(source=where, role=role, why=f"{where}: {error}"))
    check_count(len(entries), address)
    if not entries:
        raise BookError(f"{address} must list at least one book, found none: write one a line")
    return entries


def _split_words(line: str) -> list[str]:
    if len(line) > _MOST_OF_A_LINE:
        raise BookError(f"a line must have at most {_MOST_OF_A_LINE:,} characters, found {len(line):,}: mend it")
    try:
        return shlex.split(line, comments=True)
    except ValueError as error:
        raise BookError(f"a line must be shell words, found: {error}: mend the quotes") from None


def _parse_source(words: list[str], address: str, role: str) -> Source:
    sha256 = words.pop(0).lower() if len(words) > 1 and re.fullmatch("[0-9a-fA-F]{64}", words[0]) else None
    name, *rest = words
    if sha256:
        name = name.removeprefix("*")  # by which sha256sum says that it read bytes
    if not name:
        raise BookError("a book must have a name, found '': give it one")
    if name.startswith(LIST):
        raise BookError(f"a list must name books, found the list {name}: write its lines here, or name both lists")
    options: dict[str, Any] = {}
    for word in rest:
        key, equals, value = word.partition("=")
        if not equals or key not in _CHECKS:
            raise BookError(
                f"what follows a book must be one of {', '.join(_CHECKS)} with = and a value, found {word!r}: write it "
                "so, and quote what holds spaces"
            )
        if key in options:
            raise BookError(f"{key} must be given once, found it twice: leave one out")
        _CHECKS[key](value)
        options[key] = value
    return Source(source=_make_absolute(name, address), role=role, sha256=sha256, **options)


def _check_title(title: str) -> None:
    if not title.strip():
        raise BookError("title must not be empty, found '': give one or leave it out")


_CHECKS: dict[str, Callable[[str], object]] = {
    "title": _check_title,
    "encoding": find_codec,
    "chapters": compile_heading_pattern,
}
"""The options of a list, each with the function that refuses bad values."""


def _make_absolute(name: str, address: str) -> str:
    """The address of a source that the list at `address` names.

    Raises:
        BookError: a list elsewhere names a local file, or a name leaves the list's bucket.
    """
    if "://" in name:
        return name
    if "://" not in address:
        return posixpath.join(posixpath.dirname(address), name)
    if name.startswith("/"):
        raise BookError(
            f"a list at {address.partition('://')[0]}:// must name no file here, found {name}: bring it there"
        )
    if not address.startswith("gs://"):
        return urljoin(address, quote(name))
    bucket, _, path = address.removeprefix("gs://").partition("/")
    path = posixpath.normpath(posixpath.join(posixpath.dirname(path), name))
    if path.startswith(".."):
        raise BookError(f"a name in a list must stay in its bucket, found {name}: write its whole address")
    return f"gs://{bucket}/{path}"
