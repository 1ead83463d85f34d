import io
import os
import re
import time
import uuid
from pathlib import Path

import pytest
from google.api_core import exceptions
from google.auth.credentials import AnonymousCredentials
from google.cloud.storage import Blob, Bucket, Client, transfer_manager
from google.cloud.storage.exceptions import DataCorruption
from google.cloud.storage.retry import DEFAULT_RETRY

from tests.gcs import Fault, Faults, GcsServer
from tests.servers.faults import STATUSES, Kind

QUANTUM = 256 * 1024
QUICK = DEFAULT_RETRY.with_delay(initial=0.01, maximum=0.05).with_timeout(20)
"""What the client retries by default, only sooner."""

RESETS: list[Kind] = ["reset_before", "reset_halfway", "reset_after"]
BEFORE = [Fault(status=status) for status in STATUSES] + [Fault(kind=kind) for kind in RESETS]
"""Faults before which nothing is done."""


def named(fault: Fault) -> str:
    return str(fault.status) if fault.kind == "status" else fault.kind


@pytest.mark.parametrize("fault", BEFORE, ids=named)
def test_client_asks_again_until_it_gets_over_the_fault(server: GcsServer, bucket: Bucket, fault: Fault) -> None:
    blob = bucket.blob("a")
    struck = 0
    for call in (
        lambda: blob.upload_from_string(b"12", if_generation_match=0, retry=QUICK),
        lambda: blob.download_as_bytes(retry=QUICK),
        lambda: blob.download_as_bytes(start=1, end=1, retry=QUICK),
        lambda: blob.exists(retry=QUICK),
        lambda: [found.name for found in bucket.list_blobs(retry=QUICK)],
        lambda: blob.delete(retry=QUICK),
    ):
        rule = server.faults.add(fault)
        call()
        struck += rule.injected
    assert struck == 6
    assert [call.fault for call in server.calls] == [fault.kind, None] * 6


def test_client_gets_over_a_fault_without_being_told_how(server: GcsServer, bucket: Bucket) -> None:
    server.faults.add(Fault(status=503))
    bucket.blob("a").upload_from_string(b"1")
    assert [call.status for call in server.calls] == [503, 200]
    assert (DEFAULT_RETRY.timeout, DEFAULT_RETRY._initial, DEFAULT_RETRY._maximum) == (120.0, 1.0, 60.0)


def test_fault_that_does_not_pass_ends_in_a_retry_error_when_the_time_is_up(server: GcsServer, bucket: Bucket) -> None:
    server.faults.add(Fault(times=0))
    with pytest.raises(exceptions.RetryError, match="503"):
        bucket.blob("a").upload_from_string(b"1", retry=QUICK.with_timeout(0.3))
    assert len(server.calls) > 3


def test_lost_reply_of_a_create_once_upload_looks_as_if_another_had_been_first(
    server: GcsServer, bucket: Bucket
) -> None:
    server.faults.add(Fault(kind="lost_reply"))
    with pytest.raises(exceptions.PreconditionFailed):
        bucket.blob("a").upload_from_string(b"mine", if_generation_match=0, retry=QUICK)
    assert [(call.method, call.status, call.fault) for call in server.calls] == [
        ("POST", None, "lost_reply"),
        ("POST", 412, None),
    ]
    assert bucket.blob("a").download_as_bytes() == b"mine"


def create_once(bucket: Bucket, name: str, data: bytes) -> bool:
    """Whether this call created the object: its mark, in the object's metadata, tells it from another's."""
    blob: Blob = bucket.blob(name)
    blob.metadata = {"writer": uuid.uuid4().hex}
    mark = dict(blob.metadata)
    try:
        blob.upload_from_string(data, if_generation_match=0, retry=QUICK)
    except exceptions.PreconditionFailed:
        return bool(bucket.get_blob(name, retry=QUICK).metadata == mark)
    return True


def test_writer_tells_its_own_lost_reply_from_another_writer_by_a_mark(server: GcsServer, bucket: Bucket) -> None:
    server.faults.add(Fault(kind="lost_reply"))
    assert create_once(bucket, "a", b"mine")
    assert not create_once(bucket, "a", b"mine")


def test_lost_reply_of_a_delete_looks_as_if_there_had_been_nothing(server: GcsServer, bucket: Bucket) -> None:
    bucket.blob("a").upload_from_string(b"1")
    server.faults.add(Fault(kind="lost_reply", method="DELETE"))
    with pytest.raises(exceptions.NotFound):
        bucket.blob("a").delete(retry=QUICK)


def test_reply_that_comes_after_the_callers_patience_is_a_lost_one(server: GcsServer, bucket: Bucket) -> None:
    server.faults.add(Fault(kind="delay", seconds=5))
    began = time.monotonic()
    with pytest.raises(exceptions.PreconditionFailed):
        bucket.blob("a").upload_from_string(b"1", if_generation_match=0, timeout=0.2, retry=QUICK)
    assert time.monotonic() - began < 5
    server.faults.add(Fault(kind="delay", seconds=0.3))
    began = time.monotonic()
    assert bucket.blob("a").download_as_bytes() == b"1"
    assert time.monotonic() - began > 0.3
    server.faults.add(Fault(kind="delay", seconds=5))
    with pytest.raises(OSError, match="Read timed out"):
        bucket.blob("a").download_as_bytes(timeout=0.2, retry=None)


@pytest.mark.parametrize(
    "fault",
    [*BEFORE, Fault(kind="lost_reply")],
    ids=named,
)
@pytest.mark.parametrize("nth", [1, 2, 4], ids=["start", "middle", "last"])
def test_upload_in_chunks_gets_over_a_fault_wherever_it_strikes(
    server: GcsServer, bucket: Bucket, fault: Fault, nth: int
) -> None:
    data = os.urandom(2 * QUANTUM + 1000)
    rule = server.faults.add(Fault(**{**vars(fault), "nth": nth}))
    blob = bucket.blob("a", chunk_size=QUANTUM)
    blob.upload_from_file(io.BytesIO(data), if_generation_match=0, retry=QUICK)
    assert rule.injected == 1
    assert bucket.blob("a").download_as_bytes() == data


def test_chunk_that_breaks_halfway_is_kept_in_part_and_sent_again_in_full(server: GcsServer, bucket: Bucket) -> None:
    data = os.urandom(9_000_000)
    server.faults.add(Fault(kind="reset_halfway", method="PUT"))
    bucket.blob("a").upload_from_string(data, if_generation_match=0, retry=QUICK)
    assert [call.received_bytes for call in server.calls][1:] == [4_500_000, 9_000_000]
    assert bucket.blob("a").download_as_bytes() == data


def test_client_gives_up_when_the_service_keeps_less_than_it_sent(server: GcsServer, bucket: Bucket) -> None:
    server.faults.add(Fault(kind="keep_half"))
    with pytest.raises(ValueError, match="Stream is already exhausted"):
        bucket.blob("a").upload_from_string(os.urandom(9_000_000), if_generation_match=0, retry=QUICK)
    assert not bucket.blob("a").exists()


def test_download_that_is_cut_goes_on_where_it_broke_off(server: GcsServer, bucket: Bucket) -> None:
    data = os.urandom(1_000_000)
    bucket.blob("a").upload_from_string(data)
    server.calls.clear()
    server.faults.add(Fault(kind="cut"))
    assert bucket.blob("a").download_as_bytes(retry=QUICK) == data
    first, second = server.calls
    assert (first.status, first.fault, first.sent_bytes, second.status) == (200, "cut", 500_000, 206)
    assert f"generation={bucket.get_blob('a').generation}" in second.url
    assert re.fullmatch(r"bytes=[1-9]\d*-", second.range or "")


def test_download_that_is_corrupted_is_found_out_by_its_checksum_and_not_retried(
    server: GcsServer, bucket: Bucket
) -> None:
    bucket.blob("a").upload_from_string(b"123")
    server.calls.clear()
    server.faults.add(Fault(kind="corrupt"))
    with pytest.raises(DataCorruption, match="Checksum mismatch"):
        bucket.blob("a").download_as_bytes(retry=QUICK)
    assert len(server.calls) == 1


def test_corrupted_bytes_get_past_the_client_in_a_range_and_after_a_cut(server: GcsServer, bucket: Bucket) -> None:
    data = os.urandom(1_000_000)
    bucket.blob("a").upload_from_string(data)
    server.faults.add(Fault(kind="corrupt"))
    assert bucket.blob("a").download_as_bytes(start=1, end=9) != data[1:10]
    server.faults.clear()
    server.faults.add(Fault(kind="cut"))
    server.faults.add(Fault(kind="corrupt", nth=2))
    found = bucket.blob("a").download_as_bytes(retry=QUICK)
    assert len(found) == len(data)
    assert found != data


def test_chunks_that_are_downloaded_side_by_side_are_checked_as_a_whole(
    server: GcsServer, bucket: Bucket, tmp_path: Path
) -> None:
    bucket.blob("a").upload_from_string(os.urandom(1_000_000))
    server.faults.add(Fault(kind="corrupt", nth=2))
    workers = {"worker_type": transfer_manager.THREAD, "max_workers": 2}
    with pytest.raises(DataCorruption):
        transfer_manager.download_chunks_concurrently(
            bucket.blob("a"), str(tmp_path / "a"), chunk_size=400_000, **workers
        )


def test_quota_is_an_error_of_its_own_and_only_429_is_retried(server: GcsServer, bucket: Bucket) -> None:
    server.faults.add(Fault(status=429, times=2))
    bucket.blob("a").upload_from_string(b"1", if_generation_match=0, retry=QUICK)
    assert [call.status for call in server.calls] == [429, 429, 200]
    server.faults.add(Fault(status=403, reason="rateLimitExceeded"))
    with pytest.raises(exceptions.Forbidden, match="Rate Limit Exceeded"):
        bucket.blob("b").exists(retry=QUICK)
    server.faults.add(Fault(status=403, reason="quotaExceeded"))
    with pytest.raises(exceptions.Forbidden) as caught:
        bucket.blob("b").reload(retry=QUICK)
    assert caught.value.errors[0]["reason"] == "quotaExceeded"


def test_fault_strikes_the_calls_it_is_about_and_counts_them(server: GcsServer, bucket: Bucket) -> None:
    rule = server.faults.add(Fault(status=403, method="GET", url=r"/o/b\?", nth=2, times=2))
    outcomes = []
    for name in "abbabbb":
        try:
            outcomes.append(bucket.blob(name).exists())
        except exceptions.Forbidden:
            outcomes.append(None)
    assert outcomes == [False, False, None, False, None, False, False]
    assert (rule.matched, rule.injected) == (5, 2)
    with pytest.raises(ValueError, match="kind must be one of"):
        Fault(kind="none")  # type: ignore[arg-type]


def test_what_a_seed_draws_can_be_drawn_again() -> None:
    def struck(seed: int) -> list[str]:
        faults = Faults(seed)
        faults.storm(0.3)
        found = (faults.strike("GET", "/a?alt=media", is_download=True) for _ in range(1000))
        return ["" if fault is None else named(fault) for fault in found]

    assert struck(1) == struck(1) != struck(2)
    assert 0.2 < sum(map(bool, struck(1))) / 1000 < 0.35
    assert len(set(struck(1))) == 1 + 6 + 5


def test_store_survives_a_storm(server: GcsServer, bucket: Bucket) -> None:
    server.storage.page_size = 7
    server.faults.storm(0.3)
    objects = {f"part-{number:02}": os.urandom(1000 * number) for number in range(40)}
    assert all(create_once(bucket, name, data) for name, data in objects.items())
    assert not any(create_once(bucket, name, b"") for name in objects)
    assert [blob.name for blob in bucket.list_blobs(retry=QUICK)] == list(objects)
    assert {name: bucket.blob(name).download_as_bytes(retry=QUICK) for name in objects} == objects
    assert len([call for call in server.calls if call.fault]) > 30


def test_client_asks_for_the_bucket_behind_its_callers_back(
    server: GcsServer, monkeypatch: pytest.MonkeyPatch, bucket: Bucket
) -> None:
    bucket.blob("a").exists()
    assert len(server.calls) == 1
    monkeypatch.delenv("DISABLE_GCS_PYTHON_CLIENT_OTEL_BUCKET_METADATA")
    client = Client(project="test", credentials=AnonymousCredentials())
    client.bucket("parts").blob("a").exists()
    until = time.monotonic() + 5
    while len(server.calls) < 3 and time.monotonic() < until:
        time.sleep(0.01)
    assert "/storage/v1/b/parts?projection=noAcl&prettyPrint=false" in [call.url for call in server.calls]
    client.close()
