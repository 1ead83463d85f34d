import io
import multiprocessing
from pathlib import Path

import pytest
from google.api_core import exceptions
from google.auth.credentials import AnonymousCredentials
from google.auth.exceptions import InvalidOperation
from google.cloud.storage import Bucket, Client, transfer_manager

from tests.gcs import Access, GcsServer


def test_bucket_is_created_found_listed_and_deleted(client: Client) -> None:
    client.create_bucket("more")
    assert client.get_bucket("more").name == "more"
    assert [bucket.name for bucket in client.list_buckets()] == ["more", "parts"]
    with pytest.raises(exceptions.Conflict):
        client.create_bucket("more")
    client.get_bucket("more").delete()
    assert client.lookup_bucket("more") is None


def test_bucket_that_is_not_there_is_said_as_the_service_says_it(client: Client) -> None:
    with pytest.raises(exceptions.NotFound, match=r"The specified bucket does not exist\."):
        client.get_bucket("none")
    with pytest.raises(exceptions.NotFound, match=r"The specified bucket does not exist\."):
        client.bucket("none").blob("a").upload_from_string(b"1")


def test_bucket_that_holds_an_object_is_not_deleted(bucket: Bucket) -> None:
    bucket.blob("a").upload_from_string(b"1")
    with pytest.raises(exceptions.Conflict, match="not empty"):
        bucket.delete()


def test_bucket_is_changed_under_a_growing_metageneration(client: Client) -> None:
    bucket = client.get_bucket("parts", if_metageneration_match=1)
    bucket.labels = {"run": "7"}
    bucket.patch(if_metageneration_match=1)
    assert (bucket.metageneration, client.get_bucket("parts").labels) == (2, {"run": "7"})
    for call in (bucket.patch, bucket.delete, bucket.reload):
        with pytest.raises(exceptions.PreconditionFailed):
            call(if_metageneration_match=1)
    with pytest.raises(exceptions.NotModified):
        bucket.reload(if_metageneration_not_match=2)


def test_object_comes_back_with_its_bytes_and_its_metadata(bucket: Bucket) -> None:
    blob = bucket.blob("a b/ü%?#.txt")
    blob.metadata = {"run": "7"}
    blob.upload_from_string("123456789", content_type="text/plain")
    found = bucket.get_blob("a b/ü%?#.txt")
    assert found.download_as_bytes() == b"123456789"
    assert (found.size, found.content_type, found.metadata) == (9, "text/plain", {"run": "7"})
    assert found.crc32c == "4waSgw=="  # 0xE3069283, the check value of CRC-32C
    assert found.md5_hash == "JfnnlDI7RTiF9RgfG2JNCw=="
    assert (found.generation, found.metageneration) == (blob.generation, 1)


def test_object_that_is_not_there_is_missed_by_every_call(bucket: Bucket) -> None:
    blob = bucket.blob("none")
    assert not blob.exists()
    assert bucket.get_blob("none") is None
    for call in (blob.download_as_bytes, blob.delete, blob.reload, blob.patch):
        with pytest.raises(exceptions.NotFound, match="No such object: parts/none"):
            call()


def test_generation_grows_with_every_write_and_names_the_one_that_is_there(bucket: Bucket) -> None:
    blob = bucket.blob("a")
    generations = []
    for number in range(5):
        blob.upload_from_string(bytes([number]))
        generations.append(blob.generation)
    assert generations == sorted(set(generations))
    assert bucket.blob("a", generation=generations[-1]).download_as_bytes() == b"\4"
    assert not bucket.blob("a", generation=generations[0]).exists()


def test_metadata_is_changed_under_a_growing_metageneration(bucket: Bucket) -> None:
    blob = bucket.blob("a")
    blob.upload_from_string(b"1")
    generation = blob.generation
    blob.metadata = {"k": "v", "other": "w"}
    blob.patch()
    blob.metadata = {"k": None}
    blob.patch(if_metageneration_match=2)
    assert (blob.generation, blob.metageneration, blob.metadata) == (generation, 3, {"other": "w"})
    with pytest.raises(exceptions.PreconditionFailed):
        blob.patch(if_metageneration_match=2)
    blob.content_type = "text/plain"
    blob.update()
    found = bucket.get_blob("a")
    assert (found.metageneration, found.content_type) == (4, "text/plain")


def test_every_precondition_is_held_against_the_object_that_is_there(bucket: Bucket) -> None:
    blob = bucket.blob("a")
    with pytest.raises(exceptions.PreconditionFailed):
        blob.upload_from_string(b"1", if_generation_match=1)
    with pytest.raises(exceptions.PreconditionFailed):
        blob.upload_from_string(b"1", if_generation_not_match=0)
    blob.upload_from_string(b"1", if_generation_match=0)
    now = blob.generation
    for refused in (
        {"if_generation_match": 0},
        {"if_generation_match": now - 1},
        {"if_generation_not_match": now},
        {"if_metageneration_match": 2},
    ):
        with pytest.raises(exceptions.PreconditionFailed, match="pre-conditions you specified did not hold"):
            blob.upload_from_string(b"2", **refused)
        if "if_generation_not_match" not in refused and refused != {"if_generation_match": 0}:
            for read in (blob.download_as_bytes, blob.reload, blob.exists):
                with pytest.raises(exceptions.PreconditionFailed):
                    read(**refused)
    for delete in ({"if_generation_match": now - 1}, {"if_generation_not_match": now}, {"if_metageneration_match": 2}):
        with pytest.raises(exceptions.PreconditionFailed):
            blob.delete(**delete)
    assert blob.download_as_bytes(if_generation_match=now, if_metageneration_match=1) == b"1"
    blob.upload_from_string(b"2", if_generation_match=now, if_metageneration_match=1)
    blob.delete(if_generation_match=blob.generation)
    assert not blob.exists()


def test_read_that_wants_anything_but_this_generation_is_not_modified(bucket: Bucket) -> None:
    blob = bucket.blob("a")
    blob.upload_from_string(b"1")
    for unwanted in ({"if_generation_not_match": blob.generation}, {"if_metageneration_not_match": 1}):
        for read in (blob.download_as_bytes, blob.reload):
            with pytest.raises(exceptions.NotModified):
                read(**unwanted)
    blob.reload(if_generation_not_match=1, if_metageneration_not_match=2)


def test_list_is_read_page_by_page_in_the_order_of_names(server: GcsServer, client: Client, bucket: Bucket) -> None:
    server.storage.page_size = 3
    names = sorted([f"p/{number}" for number in range(8)] + ["p/é", "p/Z"], key=str.encode)
    for name in reversed(names):
        bucket.blob(name).upload_from_string(b"")
    server.calls.clear()
    assert [blob.name for blob in client.list_blobs("parts")] == names
    assert [call.status for call in server.calls] == [200] * 4
    assert sum("pageToken" in call.url for call in server.calls) == 3
    server.calls.clear()
    assert [blob.name for blob in client.list_blobs("parts", max_results=5)] == names[:5]
    assert [blob.name for blob in client.list_blobs("parts", page_size=2)] == names
    assert len(server.calls) == 2 + 5
    blobs = client.list_blobs("parts", fields="items(name),nextPageToken")
    assert [(blob.name, blob.size) for blob in blobs] == [(name, None) for name in names]


def test_list_is_narrowed_by_prefix_offsets_and_delimiter(server: GcsServer, client: Client, bucket: Bucket) -> None:
    server.storage.page_size = 2
    for name in ("a", "b/1", "b/2", "b/c/3", "b/c/4", "b/d/5", "e"):
        bucket.blob(name).upload_from_string(b"")

    def listed(**how: str) -> tuple[list[str], set[str]]:
        found = client.list_blobs("parts", **how)
        return [blob.name for blob in found], found.prefixes

    assert listed(prefix="b/c") == (["b/c/3", "b/c/4"], set())
    assert listed(start_offset="b/2", end_offset="e") == (["b/2", "b/c/3", "b/c/4", "b/d/5"], set())
    assert listed(delimiter="/") == (["a", "e"], {"b/"})
    assert listed(prefix="b/", delimiter="/") == (["b/1", "b/2"], {"b/c/", "b/d/"})
    assert listed(prefix="none") == ([], set())


DATA = bytes(range(256))


@pytest.mark.parametrize(
    ("wanted", "start", "stop"),
    [
        ("bytes=0-0", 0, 1),
        ("bytes=10-19", 10, 20),
        ("bytes=250-", 250, 256),
        ("bytes=-6", 250, 256),
        ("bytes=250-999", 250, 256),
        ("bytes=-999", 0, 256),
    ],
)
def test_range_is_answered_with_its_bytes(client: Client, bucket: Bucket, wanted: str, start: int, stop: int) -> None:
    bucket.blob("a").upload_from_string(DATA)
    for place in ("/download/storage/v1", "/storage/v1"):
        url = f"{client._connection.API_BASE_URL}{place}/b/parts/o/a?alt=media"
        answer = client._http.get(url, headers={"Range": wanted})
        assert (answer.status_code, answer.content) == (206, DATA[start:stop])
        assert answer.headers["Content-Range"] == f"bytes {start}-{stop - 1}/256"
        assert answer.headers["X-Goog-Stored-Content-Length"] == "256"


def test_client_reads_ranges_by_its_own_words(bucket: Bucket) -> None:
    blob = bucket.blob("a")
    blob.upload_from_string(DATA)
    assert blob.download_as_bytes(start=3, end=5) == DATA[3:6]
    assert blob.download_as_bytes(start=250) == DATA[250:]
    assert blob.download_as_bytes(end=4) == DATA[:5]
    with pytest.raises(exceptions.RequestRangeNotSatisfiable):
        blob.download_as_bytes(start=256)
    with blob.open("rb", chunk_size=100) as file:
        file.seek(200)
        assert file.read() == DATA[200:]


def test_download_says_what_it_is_in_its_headers(client: Client, bucket: Bucket) -> None:
    blob = bucket.blob("a")
    blob.upload_from_string(b"123456789")
    headers = client._http.get(f"{client._connection.API_BASE_URL}/download/storage/v1/b/parts/o/a?alt=media").headers
    assert headers["X-Goog-Hash"] == "crc32c=4waSgw==,md5=JfnnlDI7RTiF9RgfG2JNCw=="
    assert headers["X-Goog-Generation"] == str(blob.generation)
    assert headers["X-Goog-Metageneration"] == "1"
    assert headers["Content-Length"] == headers["X-Goog-Stored-Content-Length"] == "9"
    assert headers["ETag"] == blob.etag


def test_chunks_are_downloaded_side_by_side(bucket: Bucket, tmp_path: Path) -> None:
    data = DATA * 4096
    blob = bucket.blob("a")
    blob.upload_from_string(data)
    workers = {"worker_type": transfer_manager.THREAD, "max_workers": 4}
    transfer_manager.download_chunks_concurrently(blob, str(tmp_path / "a"), chunk_size=100_000, **workers)
    assert (tmp_path / "a").read_bytes() == data


def test_object_is_copied_and_composed_under_preconditions(bucket: Bucket) -> None:
    first, second, both = bucket.blob("1"), bucket.blob("2"), bucket.blob("12")
    first.upload_from_string(b"one", content_type="text/plain")
    second.upload_from_string(b"two")
    both.compose([first, second], if_generation_match=0)
    assert both.download_as_bytes() == b"onetwo"
    assert (both.component_count, both.md5_hash) == (2, None)
    with pytest.raises(exceptions.PreconditionFailed):
        both.compose([first], if_generation_match=0)
    with pytest.raises(exceptions.PreconditionFailed):
        both.compose([first], if_source_generation_match=[first.generation - 1])
    copy = bucket.blob("copy")
    assert copy.rewrite(first, if_generation_match=0) == (None, 3, 3)
    assert (copy.download_as_bytes(), copy.content_type) == (b"one", "text/plain")
    with pytest.raises(exceptions.PreconditionFailed):
        copy.rewrite(second, if_source_generation_match=second.generation - 1)
    assert bucket.copy_blob(second, bucket, "again").download_as_bytes() == b"two"


def _race(number: int, barrier: object) -> bool:
    client = Client(project="test", credentials=AnonymousCredentials())
    barrier.wait()  # type: ignore[attr-defined]
    try:
        client.bucket("parts").blob("0").upload_from_string(bytes([number]) * 100_000, if_generation_match=0)
    except exceptions.PreconditionFailed:
        return False
    return True


def test_of_eight_processes_that_create_one_object_one_wins(server: GcsServer, bucket: Bucket) -> None:
    context = multiprocessing.get_context("spawn")
    with context.Manager() as manager, context.Pool(8) as pool:
        barrier = manager.Barrier(8)
        won = pool.starmap(_race, [(number, barrier) for number in range(8)])
    assert sum(won) == 1
    assert sorted(call.status or 0 for call in server.calls) == [200] + [412] * 7
    assert bucket.blob("0").download_as_bytes() == bytes([won.index(True)]) * 100_000


def test_bucket_that_may_only_be_read_refuses_writes(server: GcsServer, bucket: Bucket) -> None:
    blob = bucket.blob("a")
    blob.upload_from_string(b"1")
    server.storage.access["parts"] = Access.READ_ONLY
    assert blob.download_as_bytes() == b"1"
    for write in (lambda: blob.upload_from_string(b"2"), blob.delete, blob.patch, lambda: blob.compose([blob])):
        with pytest.raises(exceptions.Forbidden, match=r"Permission 'storage\.objects\.\w+' denied on resource"):
            write()
    with pytest.raises(exceptions.Forbidden, match=r"storage\.objects\.create"):
        blob.upload_from_file(io.BytesIO(b"2"))  # resumable, for its size is not given


def test_bucket_that_is_forbidden_refuses_everything(server: GcsServer, client: Client, bucket: Bucket) -> None:
    server.storage.access["parts"] = Access.FORBIDDEN
    blob = bucket.blob("a")
    for call in (blob.exists, blob.download_as_bytes, bucket.reload, lambda: list(client.list_blobs("parts"))):
        with pytest.raises(exceptions.Forbidden, match="does not have storage"):
            call()


def test_anonymous_caller_who_is_not_let_in_cannot_renew_its_credentials(server: GcsServer, bucket: Bucket) -> None:
    server.storage.access["parts"] = Access.UNAUTHORIZED
    with pytest.raises(InvalidOperation, match="Anonymous credentials cannot be refreshed"):
        bucket.blob("a").exists()
    assert [call.status for call in server.calls] == [401]
