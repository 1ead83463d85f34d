"""Recognising files that are no plain text by their first bytes, with the step that makes a text of them."""

import re
from typing import NamedTuple

from byheart.contracts.errors import BookError

_PANDOC = "make a text of it: pandoc -f {} -t plain --wrap=none FILE -o book.txt"
_PAGES = "make a text of it: {} FILE book.txt, and take out what the pages' heads, feet and hyphens leave in it"
_UNPACK = "unpack it: {} < FILE > book.txt"


class _Format(NamedTuple):
    name: str
    begins: re.Pattern[bytes]
    """Matches the file's first bytes."""
    remedy: str


def _begins(pattern: bytes) -> re.Pattern[bytes]:
    return re.compile(pattern, re.DOTALL | re.IGNORECASE)


_FORMATS = (
    _Format("an EPUB", _begins(rb"PK\x03\x04.{26}mimetypeapplication/epub\+zip"), _PANDOC.format("epub")),
    _Format("an ODT document", _begins(rb"PK\x03\x04.{26}mimetypeapplication/vnd\.oasis"), _PANDOC.format("odt")),
    _Format(
        "a Word document", _begins(rb"PK\x03\x04.{26}(?:\[Content_Types\]|_rels/|docProps/|word/)"),
        _PANDOC.format("docx"),
    ),
    _Format(
        "a ZIP archive, such as an EPUB or a Word document", _begins(rb"PK\x03\x04"),
        "see what it holds: unzip -l FILE; and make a text of that",
    ),
    _Format("a PDF", _begins(rb"\s*%PDF-\d"), _PAGES.format("pdftotext")),
    _Format("a PostScript file", _begins(rb"%!PS"), _PAGES.format("ps2ascii")),
    _Format("a DjVu file", _begins(rb"AT&TFORM"), _PAGES.format("djvutxt")),
    _Format("an RTF document", _begins(rb"\s*\{\\rtf\d"), _PANDOC.format("rtf")),
    _Format(
        "a web page (HTML)",
        _begins(rb"\s*(?:<\?xml[^>]*>\s*)?(?:<!--(?:(?!-->).)*-->\s*)*<(?:!doctype\s+html|html)\b"),
        _PANDOC.format("html"),
    ),
    _Format(
        "an old Word document", _begins(rb"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"), "save it as text in a word processor"
    ),
    _Format("a Kindle book", _begins(rb".{60}BOOKMOBI"), "save it as text with calibre"),
    _Format("a gzip archive", _begins(rb"\x1f\x8b\x08"), _UNPACK.format("gunzip")),
    _Format("a bzip2 archive", _begins(rb"BZh[1-9]1AY&SY"), _UNPACK.format("bunzip2")),
    _Format("an xz archive", _begins(rb"\xfd7zXZ\x00"), _UNPACK.format("unxz")),
    _Format("a Zstandard archive", _begins(rb"\x28\xb5\x2f\xfd"), _UNPACK.format("unzstd")),
    _Format("a 7z archive", _begins(rb"7z\xbc\xaf\x27\x1c"), "unpack it: 7z x FILE"),
    _Format(
        "a pointer of Git LFS", _begins(rb"version https://git-lfs\.github\.com/spec/"),
        "fetch the file that it stands for: git lfs pull",
    ),
    _Format("a picture", _begins(rb"\x89PNG\r\n|\xff\xd8\xff|II\*\x00|MM\x00\*"), "read it with a program for OCR"),
)  # fmt: skip
"""In the order in which they are tried."""
_FIRST_BYTES = 4_096


def check_is_text(data: bytes, name: str) -> None:
    """Refuse a file of another format, which may well be all letters, or decode in some encoding.

    Args:
        name: the file's, in messages.

    Raises:
        BookError: the data is in one of `_FORMATS`.
    """
    first = data[:_FIRST_BYTES].removeprefix(b"\xef\xbb\xbf")
    for form in _FORMATS:
        if form.begins.match(first):
            raise BookError(f"{name} must be plain text, found {form.name}: {form.remedy}")
