"""Names of text encodings."""

import codecs

from byheart.contracts.errors import SettingsError


def codec_name(encoding: str) -> str:
    """Python's own name of an encoding: `iso8859-1` for latin-1.

    Raises:
        SettingsError: Python has no text codec of that name.
    """
    try:
        b"a".decode(encoding)  # codecs.lookup knows hex and zip, too
    except UnicodeError:
        pass  # as UTF-16 says of one byte
    except (LookupError, ValueError):
        raise SettingsError(
            f"encoding must be one that Python knows, found {encoding!r}: name one, such as utf-8, latin-1 or cp1252",
            parameter="encoding",
        ) from None
    return codecs.lookup(encoding).name
