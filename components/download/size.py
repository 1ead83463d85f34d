"""How large a file may be."""

from byheart.contracts.errors import BookError

MOST_BYTES = 100_000_000
"""What 20 million characters can take in any encoding (4 bytes each in UTF-32), and a quarter more."""


def check_size(size_bytes: int, address: str) -> None:
    """Refuse a file that is too large, or has come to be while it is read.

    Raises:
        BookError: it is.
    """
    if size_bytes > MOST_BYTES:
        raise BookError(f"{address} must have at most {MOST_BYTES:,} bytes, found more: divide it into books")
