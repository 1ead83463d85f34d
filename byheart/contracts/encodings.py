"""Names of text encodings."""

import codecs

from byheart.contracts.errors import SettingsError


def find_codec(encoding: str) -> str:
    """Python's own name of an encoding: `iso8859-1` for latin-1.

    Raises:
        SettingsError: Python has no text codec of that name.
    """
    try:
        b"a".decode(encoding)  # codecs.lookup would accept hex and zip, which are no text codecs
    except UnicodeError:
        pass  # a text codec that needs more than one byte, such as UTF-16
    except (LookupError, ValueError):
        raise SettingsError(
            f"encoding must be one that Python knows, found {encoding!r}: name one, such as utf-8, latin-1 or cp1252",
            parameter="encoding",
        ) from None
    return codecs.lookup(encoding).name
