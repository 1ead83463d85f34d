"""The lengths of a run's books, from the sources that the run would read; texts in a bucket are not downloaded."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from byheart.components.download.books import READERS, find_files, map_sources, read_book
from byheart.components.download.bucket import Buckets
from byheart.components.download.libraries import Libraries
from byheart.components.download.lists import Source
from byheart.contracts.books import BOOK, Refused, check_some_left
from byheart.contracts.errors import BookError
from byheart.contracts.setting_groups import TextSettings


def count_characters(books: Sequence[str], text: TextSettings) -> tuple[list[int], list[Refused]]:
    """The number of characters of each book, in order, and the books that cannot be counted.

    A local book is read as a run reads it. A book at gs:// counts its bytes, which are slightly more.

    Args:
        books: sources as `download` takes them; those on the web are refused.

    Raises:
        BookError: books are named, and none can be counted.
    """
    libraries, buckets = Libraries(), Buckets()

    def count(file: Source) -> list[int]:
        if file.source.startswith("gs://"):
            if size_bytes := buckets.measure_bytes(file.source):
                return [size_bytes]
            raise BookError(f"{file.source} must hold text, found none: name another file")
        if "://" in file.source:
            raise BookError(f"a plan counts local books and those at gs://, found {file.source}: bring it first")
        return [len(read_book(libraries, text, file).text)]

    with ThreadPoolExecutor(READERS) as pool:
        files = find_files(libraries, pool, [Source(source=book, role=BOOK) for book in books])
        results = map_sources(pool, files, count)
    refused = [result for result in results if isinstance(result, Refused)]
    lengths = [result for result in results if not isinstance(result, Refused)]
    if books:
        check_some_left([BOOK] * len(lengths), refused)
    return lengths, refused
