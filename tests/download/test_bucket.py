from collections.abc import Sequence

import pytest

from byheart.components.download.bucket import Buckets
from byheart.components.download.size import MOST_BYTES
from byheart.contracts.errors import BookError
from tests.gcs import GcsServer
from tests.gcs.objects import ANY, Content

NAMES = [
    "loose.txt", "novels/a.txt", "novels/b.TXT", "novels/notes.md", "novels/.hidden.txt", "novels/old/c.txt",
    "novels/old/.bin/d.txt", "novels-more/e.txt", "odd/[x].txt", "deep/one/two/f.txt",
]  # fmt: skip


def put(server: GcsServer, name: str, data: bytes) -> None:
    server.storage.put("shelf", name, Content.of(data), {}, ANY)


@pytest.fixture
def buckets(server: GcsServer) -> Buckets:
    for name in NAMES:
        put(server, name, f"the text of {name}".encode())
    return Buckets()


def found(buckets: Buckets, source: str) -> Sequence[str]:
    return [address.removeprefix("gs://shelf/") for address in buckets.find(f"gs://shelf{source}")]


@pytest.mark.parametrize(
    ("source", "names"),
    [
        ("/novels/a.txt", ["novels/a.txt"]),
        ("/novels/notes.md", ["novels/notes.md"]),
        ("/novels", ["novels/a.txt", "novels/b.TXT"]),
        ("/novels/", ["novels/a.txt", "novels/b.TXT"]),
        ("", ["loose.txt"]),
        ("/", ["loose.txt"]),
        ("/novels/*", ["novels/a.txt", "novels/b.TXT", "novels/notes.md"]),
        ("/novels/?.txt", ["novels/a.txt"]),
        ("/novels/**/*.txt", ["novels/a.txt", "novels/old/c.txt"]),
        ("/**/*.txt", [
            "deep/one/two/f.txt", "loose.txt", "novels-more/e.txt", "novels/a.txt", "novels/old/c.txt", "odd/[x].txt",
        ]),
        ("/novels*/[ae].txt", ["novels-more/e.txt", "novels/a.txt"]),
        ("/odd/[x].txt", ["odd/[x].txt"]),
    ],
)  # fmt: skip
def test_source_stands_for_objects(buckets: Buckets, source: str, names: list[str]) -> None:
    assert found(buckets, source) == names


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("gs://shelf/novel", "must be an object, or a folder that holds at least one .txt object, found none"),
        ("gs://shelf/deep", "at least one .txt object, found none: check the address"),
        ("gs://shelf/novels/*.pdf", "gs://shelf/novels/*.pdf must match at least one object, found none"),
        ("gs://shelf/a**.txt", "must be a glob, found: "),
        ("gs://nowhere/a.txt", "books must be in a bucket that exists, found no gs://nowhere"),
        ("gs://", "books must name a bucket, found gs://: give one"),
        ("gs:///a.txt", "books must name a bucket, found gs:///a.txt: give one"),
    ],
)
def test_source_that_stands_for_nothing_is_refused(buckets: Buckets, source: str, said: str) -> None:
    with pytest.raises(BookError) as caught:
        buckets.find(source)
    assert said in str(caught.value)
    assert not caught.value.may_pass
    assert caught.value.parameter == ("books" if "bucket" in said else "")


def test_object_is_read(buckets: Buckets) -> None:
    assert buckets.read("gs://shelf/odd/[x].txt") == b"the text of odd/[x].txt"


def test_object_that_is_gone_is_named(buckets: Buckets) -> None:
    with pytest.raises(BookError, match=r"found no gs://shelf/gone\.txt: check the address"):
        buckets.read("gs://shelf/gone.txt")


def test_object_that_is_too_large_is_not_read(buckets: Buckets, server: GcsServer) -> None:
    put(server, "large.txt", bytes(MOST_BYTES + 1))
    calls = len(server.calls)
    with pytest.raises(BookError, match="at most 100,000,000 bytes"):
        buckets.read("gs://shelf/large.txt")
    assert len(server.calls) == calls + 1, "a list"
