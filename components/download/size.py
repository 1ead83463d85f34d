"""The limits of a file's size and of the number of books."""

from byheart.contracts.errors import BookError

MOST_BYTES = 100_000_000
"""A quarter more than the most bytes of 20 million characters, which have 4 bytes each in UTF-32."""
MOST_BOOKS = 10_000
"""A run writes a folder for each."""


def check_size(size_bytes: int, address: str) -> None:
    """Refuse a file that is too large.

    Raises:
        BookError: it has more than `MOST_BYTES`.
    """
    if size_bytes > MOST_BYTES:
        raise BookError(f"{address} must have at most {MOST_BYTES:,} bytes, found more: divide it into books")


def check_count(count: int, where: str) -> None:
    """Refuse more books than a run may have.

    Raises:
        BookError: there are more than `MOST_BOOKS`.
    """
    if count > MOST_BOOKS:
        raise BookError(
            f"{where} must have at most {MOST_BOOKS:,} books, found more: divide them among several runs",
            parameter="books",
        )
