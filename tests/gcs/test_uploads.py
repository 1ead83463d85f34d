import base64
import io
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import google_crc32c
import pytest
from google.api_core import exceptions
from google.cloud.storage import Bucket, Client, transfer_manager
from google.cloud.storage.exceptions import DataCorruption

from tests.gcs import Fault, GcsServer

QUANTUM = 256 * 1024


@pytest.fixture
def place(server: GcsServer) -> str:
    """Where uploads to the bucket go."""
    return f"{server.address}/upload/storage/v1/b/parts/o"


def start(client: Client, place: str, name: str, query: str = "", **fields: str) -> Any:
    return client._http.post(f"{place}?uploadType=resumable{query}", json={"name": name, **fields})


def send(client: Client, session: str, data: bytes, where: str) -> Any:
    return client._http.put(session, data=data, headers={"Content-Range": f"bytes {where}"})


def test_simple_upload_takes_its_name_and_type_from_the_request(client: Client, bucket: Bucket, place: str) -> None:
    url = f"{place}?uploadType=media&name=a/b&ifGenerationMatch=0"
    assert [client._http.post(url, data=b"1", headers={"Content-Type": "x/y"}).status_code for _ in "12"] == [200, 412]
    found = bucket.get_blob("a/b")
    assert (found.download_as_bytes(), found.content_type) == (b"1", "x/y")


def test_small_object_goes_up_in_one_multipart_call(server: GcsServer, bucket: Bucket) -> None:
    data = b"\r\n--===\r\n\r\n" + os.urandom(10_000)
    bucket.blob("a").upload_from_string(data, if_generation_match=0)
    assert [call.url for call in server.calls] == [
        "/upload/storage/v1/b/parts/o?uploadType=multipart&ifGenerationMatch=0"
    ]
    assert bucket.blob("a").download_as_bytes() == data


def test_large_object_goes_up_in_a_session_of_one_chunk(server: GcsServer, bucket: Bucket) -> None:
    data = os.urandom(20_000_000)
    bucket.blob("a").upload_from_string(data, if_generation_match=0)
    assert [(call.method, call.status, call.received_bytes) for call in server.calls][1:] == [("PUT", 200, len(data))]
    assert bucket.blob("a").download_as_bytes() == data


@pytest.mark.parametrize("size", [0, 1, QUANTUM, 3 * QUANTUM, 3 * QUANTUM + 1])
def test_object_goes_up_in_several_chunks(server: GcsServer, bucket: Bucket, size: int) -> None:
    data = os.urandom(size)
    bucket.blob("a", chunk_size=QUANTUM).upload_from_file(io.BytesIO(data), if_generation_match=0)
    statuses = [call.status for call in server.calls if call.method == "PUT"]
    assert statuses == [308] * (size // QUANTUM) + [200]
    assert bucket.blob("a").download_as_bytes() == data


def test_file_that_is_written_piece_by_piece_is_an_upload_in_chunks(bucket: Bucket) -> None:
    with bucket.blob("a", chunk_size=QUANTUM).open("wb", if_generation_match=0, ignore_flush=True) as file:
        for _ in range(5):
            file.write(b"x" * 100_000)
    assert bucket.blob("a").download_as_bytes() == b"x" * 500_000


def test_session_says_how_much_has_come_and_passes_over_what_comes_again(
    client: Client, bucket: Bucket, place: str
) -> None:
    data = os.urandom(2 * QUANTUM + 5)
    session = start(client, place, "a").headers["Location"]
    nothing = send(client, session, b"", "*/*")
    assert (nothing.status_code, nothing.headers.get("Range")) == (308, None)
    for _ in range(2):
        kept = send(client, session, data[:QUANTUM], f"0-{QUANTUM - 1}/*")
        assert (kept.status_code, kept.headers["Range"]) == (308, f"bytes=0-{QUANTUM - 1}")
    assert send(client, session, b"", f"*/{len(data)}").headers["Range"] == f"bytes=0-{QUANTUM - 1}"
    assert send(client, session, data[:100], "0-99/*").status_code == 400
    assert send(client, session, data[-5:], f"{2 * QUANTUM}-{2 * QUANTUM + 4}/{len(data)}").status_code == 400
    done = send(client, session, data, f"0-{len(data) - 1}/{len(data)}")
    assert (done.status_code, done.json()["size"]) == (200, str(len(data)))
    assert send(client, session, b"", "*/*").json() == done.json()
    assert bucket.blob("a").download_as_bytes() == data


def test_session_that_is_cancelled_takes_nothing_more(client: Client, bucket: Bucket, place: str) -> None:
    session = start(client, place, "a").headers["Location"]
    assert client._http.delete(session).status_code == 499
    assert send(client, session, b"1", "0-0/1").status_code == 410
    assert send(client, session + "0", b"1", "0-0/1").status_code == 404
    assert not bucket.blob("a").exists()


def test_precondition_of_a_session_is_held_at_its_start_and_again_at_its_end(
    client: Client, bucket: Bucket, place: str
) -> None:
    once = "&ifGenerationMatch=0"
    sessions = [start(client, place, "a", once).headers["Location"] for _ in range(8)]
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda number: send(client, sessions[number], b"%d" % number, "0-0/1"), range(8)))
    statuses = [answer.status_code for answer in answers]
    assert sorted(statuses) == [200] + [412] * 7
    assert bucket.blob("a").download_as_bytes() == b"%d" % statuses.index(200)
    assert start(client, place, "a", once).status_code == 412


def test_content_that_has_another_checksum_is_not_stored(client: Client, bucket: Bucket, place: str) -> None:
    wrong = {"crc32c": "AAAAAA==", "md5Hash": "AAAAAAAAAAAAAAAAAAAAAA=="}
    for name, value in wrong.items():
        blob = bucket.blob("a")
        blob._properties[name] = value
        blob._changes.add(name)
        with pytest.raises(exceptions.BadRequest, match="doesn't match calculated"):
            blob.upload_from_string(b"1", checksum=None)
        session = start(client, place, "a", **{name: value}).headers["Location"]
        assert send(client, session, b"1", "0-0/1").status_code == 400
    session = start(client, place, "a").headers["Location"]
    headers = {"Content-Range": "bytes 0-0/1", "X-Goog-Hash": "crc32c=AAAAAA=="}
    assert client._http.put(session, data=b"1", headers=headers).status_code == 400
    assert not bucket.blob("a").exists()


def test_file_goes_up_in_parts_side_by_side(server: GcsServer, bucket: Bucket, tmp_path: Path) -> None:
    data = os.urandom(1_000_000)
    (tmp_path / "file").write_bytes(data)
    blob = bucket.blob("a/b")
    blob.metadata = {"run": "7"}
    server.faults.add(Fault(method="PUT", nth=2))
    workers = {"worker_type": transfer_manager.THREAD, "max_workers": 4}
    transfer_manager.upload_chunks_concurrently(str(tmp_path / "file"), blob, chunk_size=300_000, **workers)
    found = bucket.get_blob("a/b")
    assert found.download_as_bytes() == data
    assert (found.metadata, found.md5_hash) == ({"run": "7"}, None)
    assert found.crc32c == base64.b64encode(google_crc32c.value(data).to_bytes(4, "big")).decode()
    assert sum(call.method == "PUT" for call in server.calls) == 5


def test_upload_in_parts_that_fails_is_given_up(server: GcsServer, bucket: Bucket, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(os.urandom(100_000))
    server.faults.add(Fault(method="PUT", status=403))
    workers = {"worker_type": transfer_manager.THREAD, "max_workers": 1}
    with pytest.raises(Exception, match="403"):
        transfer_manager.upload_chunks_concurrently(str(tmp_path / "file"), bucket.blob("a"), **workers)
    assert [(call.method, call.status) for call in server.calls][-1] == ("DELETE", 204)
    assert not bucket.blob("a").exists()


def test_part_that_has_another_checksum_is_refused(client: Client, server: GcsServer, bucket: Bucket) -> None:
    from google.cloud.storage._media.requests import XMLMPUContainer, XMLMPUPart

    url = f"{server.address}/{bucket.name}/a"
    container = XMLMPUContainer(url, __file__)
    container.initiate(client._http, "text/plain")
    part = XMLMPUPart(url, container.upload_id, __file__, 0, 10, 1, headers={"X-Goog-Hash": "md5=AAAA"}, checksum=None)
    with pytest.raises(DataCorruption, match="BadDigest"):
        part.upload(client._http)
    container.register_part(1, '"none"')
    with pytest.raises(Exception, match="400"):
        container.finalize(client._http)
