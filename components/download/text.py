"""Decoding a file's bytes to text, and refusing texts that cannot be measured."""

import codecs

from byheart.contracts.errors import BookError

MOST_CHARACTERS = 20_000_000
"""Twice the longest novel (Proust's, 9.6 million); a longer text is a corpus, which should be divided into books."""

_MARKS = {
    codecs.BOM_UTF8: ("utf-8", "UTF-8"),
    codecs.BOM_UTF16_LE: ("utf-16", "UTF-16"),
    codecs.BOM_UTF16_BE: ("utf-16", "UTF-16"),
}
"""Byte order marks, each with the name of its codecs and of its encoding; UTF-32's begins like UTF-16's."""


def decode(data: bytes, encoding: str, name: str) -> str:
    """The text of `data`, without a byte order mark and with its own line ends.

    Args:
        encoding: a name from `find_codec`.
        name: the file's name in messages.

    Raises:
        BookError: the data is in another encoding, is no text, or is empty or too long.
    """
    shown = "UTF-8" if encoding in ("utf-8", "utf-8-sig") else encoding
    for mark, (family, announced) in _MARKS.items():
        if data.startswith(mark) and not encoding.startswith((family, "utf-32" if family == "utf-16" else family)):
            raise BookError(
                f"{name} must be {shown} text, found {announced} (bytes 0x{mark.hex()} at offset 0): convert it, or "
                f"declare encoding={family}"
            )
    try:
        text = data.decode(encoding).removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        found = f"byte 0x{data[error.start]:02x} at offset {error.start:,}"
        raise BookError(f"{name} must be {shown} text, found {found}: {_advise_encoding(data)}") from None
    except UnicodeError as error:
        raise BookError(f"{name} must be {shown} text, found: {error}: convert it, or declare its encoding") from None
    _check(text, data, name)
    return text


def check_not_empty(text: str, name: str) -> None:
    """Refuse a text of nothing but white space.

    Raises:
        BookError: the text is such.
    """
    if not text.strip():
        raise BookError(f"{name} must hold text, found none: name another file")


def _check(text: str, data: bytes, name: str) -> None:
    if "\0" in text:
        remedy = _advise_encoding(data) if _guess_utf_16(data) else "convert it to UTF-8 or name another file"
        raise BookError(
            f"{name} must be text, found a NUL byte at offset {data.index(0):,}, as in binary files and in UTF-16: "
            f"{remedy}"
        )
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise BookError(
            f"{name} must be text, found half a surrogate pair at character {error.start:,}: convert it to UTF-8"
        ) from None
    if len(text) > MOST_CHARACTERS:
        raise BookError(
            f"{name} must have at most {MOST_CHARACTERS:,} characters, found {len(text):,}: divide it into books"
        )
    check_not_empty(text, name)


def _advise_encoding(data: bytes) -> str:
    """What to do about bytes that are in another encoding than the one declared."""
    if guess := _guess_utf_16(data):
        return f"convert it, or declare encoding={guess}, as every second byte suggests"
    return "convert it, or declare its encoding, such as encoding=latin-1"


def _guess_utf_16(data: bytes) -> str | None:
    """The UTF-16 that a text without a byte order mark is in: most of its letters have 0 as one of their two bytes."""
    start = data[:4096]
    first, second = (start[parity::2].count(0) / max(1, len(start) // 2) for parity in (0, 1))
    if first > 0.5 > 0.1 > second:
        return "utf-16-be"
    return "utf-16-le" if second > 0.5 > 0.1 > first else None
