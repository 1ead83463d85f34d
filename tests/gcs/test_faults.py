"""What goes wrong looks to Google's own client as it does with the service."""

import os
import re
import time

import pytest
from google.api_core import exceptions
from google.cloud.storage import Bucket
from google.cloud.storage.exceptions import DataCorruption
from google.cloud.storage.retry import DEFAULT_RETRY

from tests.gcs import Fault, GcsServer
from tests.servers.faults import STATUSES, Kind

QUICK = DEFAULT_RETRY.with_delay(initial=0.01, maximum=0.05).with_timeout(20)
"""What the client retries by default, only sooner."""
RESETS: list[Kind] = ["reset_before", "reset_halfway", "reset_after"]


@pytest.mark.parametrize(
    "fault",
    [Fault(status=status) for status in STATUSES] + [Fault(kind=kind) for kind in RESETS],
    ids=lambda fault: f"{fault.kind}-{fault.status}",
)
def test_client_asks_again_until_it_gets_over_what_is_done_before_anything_is(
    server: GcsServer, bucket: Bucket, fault: Fault
) -> None:
    blob = bucket.blob("a")
    calls = (
        lambda: blob.upload_from_string(b"12", if_generation_match=0, retry=QUICK),
        lambda: blob.download_as_bytes(start=1, end=1, retry=QUICK),
        lambda: blob.exists(retry=QUICK),
        lambda: [found.name for found in bucket.list_blobs(retry=QUICK)],
        lambda: blob.delete(retry=QUICK),
    )
    for call in calls:
        server.faults.add(fault)
        call()
    assert [call.fault for call in server.calls] == [fault.kind, None] * len(calls)


def test_lost_reply_of_a_write_that_may_be_done_once_looks_as_if_another_had_been_first(
    server: GcsServer, bucket: Bucket
) -> None:
    server.faults.add(Fault(kind="lost_reply", method="POST"))
    with pytest.raises(exceptions.PreconditionFailed):
        bucket.blob("a").upload_from_string(b"mine", if_generation_match=0, retry=QUICK)
    assert [(call.method, call.status, call.fault) for call in server.calls] == [
        ("POST", None, "lost_reply"),
        ("POST", 412, None),
    ]
    assert bucket.blob("a").download_as_bytes() == b"mine"
    server.faults.add(Fault(kind="lost_reply", method="DELETE"))
    with pytest.raises(exceptions.NotFound):
        bucket.blob("a").delete(retry=QUICK)


def test_reply_that_is_late_comes_when_it_was_said_to(server: GcsServer, bucket: Bucket) -> None:
    bucket.blob("a").upload_from_string(b"1")
    server.faults.add(Fault(kind="delay", seconds=0.3))
    began = time.monotonic()
    assert bucket.blob("a").download_as_bytes() == b"1"
    assert time.monotonic() - began > 0.3
    server.faults.add(Fault(kind="delay", seconds=5))
    with pytest.raises(OSError, match="Read timed out"):
        bucket.blob("a").download_as_bytes(timeout=0.2, retry=None)


def test_chunk_that_breaks_halfway_is_kept_in_part_and_sent_again_in_full(server: GcsServer, bucket: Bucket) -> None:
    data = os.urandom(9_000_000)
    server.faults.add(Fault(kind="reset_halfway", method="PUT"))
    bucket.blob("a").upload_from_string(data, if_generation_match=0, retry=QUICK)
    assert [call.received_bytes for call in server.calls][1:] == [4_500_000, 9_000_000]
    assert bucket.blob("a").download_as_bytes() == data


def test_service_that_keeps_less_than_it_was_sent_says_so(server: GcsServer, bucket: Bucket) -> None:
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
    assert re.fullmatch(r"bytes=[1-9]\d*-", second.range or "")


def test_download_that_is_corrupted_has_another_checksum(server: GcsServer, bucket: Bucket) -> None:
    bucket.blob("a").upload_from_string(b"123")
    server.faults.add(Fault(kind="corrupt"))
    with pytest.raises(DataCorruption, match="Checksum mismatch"):
        bucket.blob("a").download_as_bytes(retry=QUICK)


def test_quota_is_a_refusal_with_its_own_reason(server: GcsServer, bucket: Bucket) -> None:
    server.faults.add(Fault(status=403, reason="quotaExceeded"))
    with pytest.raises(exceptions.Forbidden) as caught:
        bucket.blob("b").reload(retry=QUICK)
    assert caught.value.errors[0]["reason"] == "quotaExceeded"
