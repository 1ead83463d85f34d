"""The stand-in answers Google's own client as the service does."""

import os
import re
import signal
import subprocess
import sys
import urllib.request
from typing import Any

import pytest
from google.api_core import exceptions
from google.cloud.storage import Bucket, Client

from tests.conftest import ROOT
from tests.gcs import GcsServer
from tests.gcs.uploads import QUANTUM_BYTES


def test_object_comes_back_with_its_bytes_and_its_metadata(bucket: Bucket) -> None:
    blob = bucket.blob("a b/ü%?#.txt")
    blob.metadata = {"run": "7"}
    blob.upload_from_string("123456789")
    found = bucket.get_blob("a b/ü%?#.txt")
    assert found.download_as_bytes() == b"123456789"
    assert (found.size, found.metadata, found.generation) == (9, {"run": "7"}, blob.generation)
    assert found.crc32c == "4waSgw=="  # 0xE3069283, the check value of CRC-32C


def test_generation_grows_with_every_write_and_names_the_one_that_is_there(bucket: Bucket) -> None:
    blob = bucket.blob("a")
    generations = []
    for number in range(5):
        blob.upload_from_string(bytes([number]))
        generations.append(blob.generation)
    assert generations == sorted(set(generations))
    assert bucket.blob("a", generation=generations[-1]).download_as_bytes() == b"\4"
    assert not bucket.blob("a", generation=generations[0]).exists()


def test_precondition_is_held_against_the_object_that_is_there(bucket: Bucket) -> None:
    blob = bucket.blob("a")
    with pytest.raises(exceptions.PreconditionFailed):
        blob.upload_from_string(b"1", if_generation_match=1)
    blob.upload_from_string(b"1", if_generation_match=0)
    now = blob.generation
    for refused in (0, now - 1):
        with pytest.raises(exceptions.PreconditionFailed, match="pre-conditions you specified did not hold"):
            blob.upload_from_string(b"2", if_generation_match=refused)
    with pytest.raises(exceptions.PreconditionFailed):
        blob.download_as_bytes(if_generation_match=now - 1)
    assert blob.download_as_bytes(if_generation_match=now) == b"1"


def start(client: Client, server: GcsServer, name: str, query: str = "", **fields: str) -> Any:
    url = f"{server.address}/upload/storage/v1/b/parts/o?uploadType=resumable{query}"
    return client._http.post(url, json={"name": name, **fields})


def send(client: Client, session: str, data: bytes, where: str, **headers: str) -> Any:
    return client._http.put(session, data=data, headers={"Content-Range": f"bytes {where}", **headers})


def test_session_says_how_much_has_come_and_passes_over_what_comes_again(
    client: Client, server: GcsServer, bucket: Bucket
) -> None:
    quantum, data = QUANTUM_BYTES, os.urandom(2 * QUANTUM_BYTES + 5)
    session = start(client, server, "a").headers["Location"]
    nothing = send(client, session, b"", "*/*")
    assert (nothing.status_code, nothing.headers.get("Range")) == (308, None)
    for _ in range(2):
        kept = send(client, session, data[:quantum], f"0-{quantum - 1}/*")
        assert (kept.status_code, kept.headers["Range"]) == (308, f"bytes=0-{quantum - 1}")
    assert send(client, session, b"", f"*/{len(data)}").headers["Range"] == f"bytes=0-{quantum - 1}"
    assert send(client, session, data[:100], "0-99/*").status_code == 400
    assert send(client, session, data[-5:], f"{2 * quantum}-{2 * quantum + 4}/{len(data)}").status_code == 400
    done = send(client, session, data, f"0-{len(data) - 1}/{len(data)}")
    assert (done.status_code, done.json()["size"]) == (200, str(len(data)))
    assert send(client, session, b"", "*/*").json() == done.json()
    assert bucket.blob("a").download_as_bytes() == data


def test_precondition_of_a_session_is_held_at_its_start_and_again_at_its_end(client: Client, server: GcsServer) -> None:
    once = "&ifGenerationMatch=0"
    sessions = [start(client, server, "a", once).headers["Location"] for _ in range(2)]
    assert [send(client, session, b"1", "0-0/1").status_code for session in sessions] == [200, 412]
    assert start(client, server, "a", once).status_code == 412


def test_content_that_has_another_checksum_is_not_stored(client: Client, server: GcsServer, bucket: Bucket) -> None:
    blob = bucket.blob("a")
    blob._properties["crc32c"] = "AAAAAA=="
    blob._changes.add("crc32c")
    with pytest.raises(exceptions.BadRequest, match="doesn't match calculated"):
        blob.upload_from_string(b"1", checksum=None)
    session = start(client, server, "a", crc32c="AAAAAA==").headers["Location"]
    assert send(client, session, b"1", "0-0/1").status_code == 400
    session = start(client, server, "a").headers["Location"]
    assert send(client, session, b"1", "0-0/1", **{"X-Goog-Hash": "crc32c=AAAAAA=="}).status_code == 400
    assert not bucket.blob("a").exists()


@pytest.mark.parametrize("end", ["close", "terminate"])
def test_server_in_another_process_serves_until_its_stdin_closes_or_it_is_told_to_end(end: str) -> None:
    command = [sys.executable, "-m", "tests.gcs", "--port", "0", "--bucket", "parts"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        address = process.stdout.readline().strip()
        assert re.fullmatch(r"http://127\.0\.0\.1:\d+", address)
        with urllib.request.urlopen(f"{address}/storage/v1/b/parts") as answer:
            assert answer.status == 200
        if end == "close":
            process.stdin.close()
        else:
            process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=10) == 0
