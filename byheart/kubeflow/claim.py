"""Submits at most one run for a run file's content: a process claims it in the store before, and records the run after.

    runs/DIGEST/attempt-0000.json   the process that is about to submit, created once
    runs/DIGEST/submitted.json      the run, created once; after that, nothing is submitted

Only the process that creates the next attempt may submit. It sends its request within a quarter of `patience_seconds`
or not at all, and waits another quarter for the answer. A process that sees the attempt of another waits for the
record. If there is none `patience_seconds` after it first saw the attempt, the other process was killed or lost its
answer. Then it asks the cluster for a run of that name. If there is one, it records it; if not, it creates the next
attempt, asks the cluster once more, and submits a run.

So there is one run, however many processes try and whenever they are killed, if the cluster shows the run at most three
quarters of `patience_seconds` after the last look at the clock. Kubeflow itself would take a second run of the same
name.
"""

import json
import re
import socket
import time
from collections.abc import Callable
from datetime import UTC, datetime

from byheart.contracts.errors import ByheartError, StoreError
from byheart.store import Store

_ATTEMPT = re.compile(r"/attempt-(\d{4,9})\.json$")
_RUN_ID = re.compile(r"[\w.-]{1,100}")


def submit_once(
    store: Store,
    digest: str,
    *,
    find: Callable[[], str | None],
    submit: Callable[[float], str],
    patience_seconds: float,
) -> tuple[str, bool]:
    """Submit the run of a content, unless it was submitted; return its id, and whether this process submitted it.

    Args:
        digest: of the content.
        find: asks the cluster for a run of this content, and returns its id.
        submit: submits a run, waits at most the seconds it is given for the answer, and returns the id.
        patience_seconds: how long to wait for the attempt of another process; equal in all processes.

    Raises:
        ByheartError: `find` or `submit` raised it, or this process was held up for too long before it could submit.
    """
    seen, since = -1, 0.0
    while True:
        if submitted := find_submitted(store, digest):
            return submitted, False
        names = (stored.name for stored in store.list(f"{_name_folder(digest)}attempt-"))
        latest = max((int(match[1]) for name in names if (match := _ATTEMPT.search(name))), default=-1)
        if latest != seen:
            seen, since = latest, time.monotonic()
            print("another attempt to submit this run was begun: waiting for its result", flush=True)
        if seen >= 0 and time.monotonic() - since < patience_seconds:
            time.sleep(min(1.0, patience_seconds / 10))
            continue
        if seen >= 0 and (run_id := find()):
            return _record_run(store, digest, run_id), False
        began = time.monotonic()
        about = {"by": socket.gethostname(), "at": datetime.now(UTC).isoformat(timespec="seconds")}
        if not store.create(f"{_name_folder(digest)}attempt-{latest + 1:04}.json", _to_json(about)):
            continue
        if seen >= 0 and (run_id := find()):
            return _record_run(store, digest, run_id), False
        if time.monotonic() - began > patience_seconds / 4:
            raise ByheartError(
                f"a run must be submitted within {patience_seconds / 4:.0f} s of its claim, found this process held up "
                "for longer: run again",
                may_pass=True,
            )
        return _record_run(store, digest, submit(patience_seconds / 4)), True


def find_submitted(store: Store, digest: str) -> str | None:
    """The id of the recorded run of a content; None without a record.

    Raises:
        StoreError: the record is damaged.
    """
    name = _name_record(digest)
    if not store.exists(name):
        return None
    try:
        run_id = json.loads(store.read(name))["run_id"]
    except (ValueError, TypeError, KeyError, RecursionError):
        run_id = None
    if not isinstance(run_id, str) or not _RUN_ID.fullmatch(run_id):
        raise StoreError(
            f"{store.locate(name)} must be the record of a submitted run, found a damaged one: see in Kubeflow whether "
            "the run is there, remove the record, and submit again"
        )
    return run_id


def _record_run(store: Store, digest: str, run_id: str) -> str:
    """Record the run, unless another process did, and return its id."""
    store.create(
        _name_record(digest), _to_json({"run_id": run_id, "at": datetime.now(UTC).isoformat(timespec="seconds")})
    )
    return run_id


def _name_folder(digest: str) -> str:
    return f"runs/{digest}/"


def _name_record(digest: str) -> str:
    return f"{_name_folder(digest)}submitted.json"


def _to_json(value: dict[str, str]) -> bytes:
    return f"{json.dumps(value)}\n".encode()
