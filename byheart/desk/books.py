"""How long the books of a run are: its own sources and files, without a text of a bucket being read."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from byheart.components.download.books import READERS, each, find_files, read_book
from byheart.components.download.bucket import Buckets
from byheart.components.download.libraries import Libraries
from byheart.components.download.lists import Source
from byheart.contracts.books import BOOK, Refused, check_some_left
from byheart.contracts.errors import BookError
from byheart.contracts.settings import TextSettings


def count_characters(books: Sequence[str], text: TextSettings) -> tuple[list[int], list[Refused]]:
    """The characters of each book, in their order; and the books that cannot be counted.

    A local book is read as a run reads it. Of one at gs:// its bytes are taken, which are a few more.

    Args:
        books: as `download` takes them; those on the web are refused.

    Raises:
        BookError: none can be counted, although some are named.
    """
    libraries, buckets = Libraries(), Buckets()

    def lengths(file: Source) -> list[int]:
        if file.source.startswith("gs://"):
            if size_bytes := buckets.size_bytes(file.source):
                return [size_bytes]
            raise BookError(f"{file.source} must hold text, found none: name another file")
        if "://" in file.source:
            raise BookError(f"a plan counts local books and those at gs://, found {file.source}: bring it first")
        return [len(read_book(libraries, text, file).text)]

    with ThreadPoolExecutor(READERS) as pool:
        files = find_files(libraries, pool, [Source(source=book, role=BOOK) for book in books])
        counted = each(pool, files, lengths)
    refused = [book for book in counted if isinstance(book, Refused)]
    found = [length for length in counted if not isinstance(length, Refused)]
    if books:
        check_some_left([BOOK] * len(found), refused)
    return found, refused
