"""A claim ends with a run, whatever lies in the store where claims are."""

import pytest

from byheart.contracts.errors import StoreError
from byheart.kubeflow.claim import find_submitted, submit_once
from byheart.store import open_store


@pytest.mark.parametrize("attempts", [["0001"], ["0000", "0002"], ["0000", "x", "99999999999", "0007"]])
def test_attempts_with_a_gap_end_with_one_run(attempts: list[str], tmp_path: object) -> None:
    """As an rm that was killed leaves them."""
    store, submitted = open_store(str(tmp_path)), []
    for attempt in attempts:
        store.create(f"runs/d/attempt-{attempt}.json", b"{}")

    def submit(_: float) -> str:
        submitted.append("run-1")
        return "run-1"

    for is_new in (True, False):
        found = submit_once(store, "d", find=lambda: None, submit=submit, patience_seconds=0.1)
        assert found == ("run-1", is_new)
    assert submitted == ["run-1"]


@pytest.mark.parametrize(
    "record", [b"", b"{", b"[]", b"3", b"{}", b'{"run_id": 3}', b'{"run_id": "a/../\\u001b"}', b"[" * 100_000]
)
def test_record_that_is_damaged_is_said_in_a_sentence(record: bytes, tmp_path: object) -> None:
    store = open_store(str(tmp_path))
    store.create("runs/d/submitted.json", record)
    with pytest.raises(StoreError, match=r"submitted.json must be the record of a submitted run, found a damaged one"):
        find_submitted(store, "d")
