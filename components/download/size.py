"""The limit of a file's size."""

from byheart.contracts.errors import BookError

MOST_BYTES = 100_000_000
"""A quarter more than the most bytes of 20 million characters, which have 4 bytes each in UTF-32."""


def check_size(size_bytes: int, address: str) -> None:
    """Refuse a file that is too large.

    Raises:
        BookError: it has more than `MOST_BYTES`.
    """
    if size_bytes > MOST_BYTES:
        raise BookError(f"{address} must have at most {MOST_BYTES:,} bytes, found more: divide it into books")
