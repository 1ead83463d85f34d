"""Text that strangers wrote, made fit for messages, logs and terminals: no secrets, no control characters, no endless
values.

`ByheartError` and `say` pass all their text through `clean`, so that what raises or says need not.
"""

import re
import unicodedata

MOST_OF_A_VALUE = 300
"""Characters of a foreign value that a message quotes."""
MOST_OF_A_MESSAGE = 2_000
_KEPT = "\n\t\u200c\u200d"
"""Line breaks of a page, and the joiners of Persian and Hindi, which no terminal obeys."""
_ADDRESS = re.compile(r"""\b[A-Za-z][A-Za-z0-9+.-]{0,15}://[^\s'"<>]+""")
_ENDING = re.compile(r"[:,;.)\]}]*\Z")
"""What the sentence around an address ends it with."""
_LONG_WORD = re.compile(rf"\S{{{MOST_OF_A_VALUE + 1},}}")


def clean(text: str, most: int = MOST_OF_A_MESSAGE) -> str:
    """`text` without the secrets of addresses, with control characters spelled out, and long values shortened.

    Args:
        most: the most characters of all; the middle is left out of a longer text.
    """
    text = spell_out(strip_addresses(text))
    return shorten(_LONG_WORD.sub(lambda match: shorten(match[0]), text), most)


def spell_out(text: str, kept: str = _KEPT) -> str:
    """`text` with everything that a terminal might obey or hide written as an escape: ESC as `\\x1b`.

    Args:
        kept: characters that stay as they are although they cannot be printed.
    """
    if text.isprintable():
        return text
    return "".join(character if _is_harmless(character, kept) else _escape(character) for character in text)


def spell_out_line(text: str) -> str:
    """`text` on a single line, spelled out; so it may stand in XML too, which forbids control characters."""
    return spell_out(" ".join(text.split()))


def _is_harmless(character: str, kept: str) -> bool:
    return character.isprintable() or character in kept or unicodedata.category(character) == "Zs"


def _escape(character: str) -> str:
    return character.encode("unicode_escape").decode()


def shorten(text: str, most: int = MOST_OF_A_VALUE) -> str:
    """`text`, or its beginning and its end if it has more than `most` characters."""
    if len(text) <= most:
        return text
    left_out = f"... ({len(text):,} characters) ..."
    last = (most - len(left_out)) // 3
    return f"{text[: most - len(left_out) - last]}{left_out}{text[-last:]}"


def quote(value: object) -> str:
    """A foreign value as a message quotes it.

    The whole of a long list is written out first, so what is read of a file must have a bound of its own.
    """
    if isinstance(value, int) and value.bit_length() > 1_000:  # Python refuses to write thousands of digits
        return f"a number of {value.bit_length():,} bits"
    try:
        return shorten(repr(value))
    except (RecursionError, ValueError):
        return f"a {type(value).__name__} that cannot be written"


def strip_addresses(text: str) -> str:
    """`text` with each address in it as `strip_address` gives it."""
    return _ADDRESS.sub(_strip_match, text) if "://" in text else text


def _strip_match(match: re.Match[str]) -> str:
    ending = _ENDING.search(match[0])
    assert ending, "it may be empty"
    return strip_address(match[0][: ending.start()]) + ending[0]


def strip_address(address: str) -> str:
    """An address without user, password, query and fragment, where signatures stand; a local path is unchanged.

        https://user:a/b@host/x.txt?signature=c     https://host/x.txt

    A password may hold what ends a host, so after a colon that may begin one everything up to the last @ is left out.
    In names of objects at gs:// all characters are allowed, and stay.
    """
    scheme, separator, rest = address.partition("://")
    if not separator:
        return address
    place = _drop_user(scheme, rest)
    return f"{scheme}://{place if scheme == 'gs' else re.split('[?#]', place, maxsplit=1)[0]}"


def has_credentials(address: str) -> bool:
    """Whether an address holds a user, a password or a signature."""
    scheme, separator, rest = address.partition("://")
    return bool(separator) and (_drop_user(scheme, rest) != rest or (scheme != "gs" and bool(_SIGNED.search(rest))))


def _drop_user(scheme: str, rest: str) -> str:
    host = rest.partition("/")[0] if scheme == "gs" else re.split(r"[/?#]", rest, maxsplit=1)[0]
    if "@" in host:
        return rest.removeprefix(host.rpartition("@")[0]).removeprefix("@")
    has_port = _PORT.match(rest)
    return rest.rpartition("@")[2] if ":" in host and not has_port and "@" in rest else rest


_PORT = re.compile(r"[^/?#]*:[0-9]*(/|\Z)")
_SIGNED = re.compile(
    r"[?&][^=&]*(?:signature|token|key|secret|password|credential|upload_id|sig)[^=&]*=", re.IGNORECASE
)
"""A parameter of a query that opens what is closed to others."""
