"""One run for one content: a claim in the store before a run is submitted, and a record of the run after it.

    runs/DIGEST/attempt-0000.json   who is about to submit, created once
    runs/DIGEST/submitted.json      the run, created once; where it is, nothing more is ever done

Whoever creates the next attempt may submit, and none else. It asks within a quarter of `patience_seconds` or not at
all, and waits as long for the answer. Whoever finds an attempt of another waits for its record; where there is none
`patience_seconds` after the attempt was seen, its owner has been ended, or has lost its answer. Then the cluster is
asked for a run of that name. If there is one, it is recorded; if not, the next attempt is created, the cluster is asked
once more, and a run submitted.

So there is one run, however many try and wherever they are killed, if at most three quarters of `patience_seconds`
pass from the last look at the clock until the cluster shows the run. Kubeflow itself would take a second run of the
same name.
"""

import json
import socket
import time
from collections.abc import Callable
from datetime import UTC, datetime

from byheart.contracts.errors import ByheartError
from byheart.store import Store


def submit_once(
    store: Store,
    digest: str,
    *,
    find: Callable[[], str | None],
    submit: Callable[[float], str],
    patience_seconds: float,
) -> tuple[str, bool]:
    """The id of the one run of a content, and whether it was submitted here.

    Args:
        digest: the content's.
        find: asks the cluster for a run of this content.
        submit: submits one, and waits so many seconds for an answer.
        patience_seconds: how long the attempt of another is waited for; the same for all.

    Raises:
        ByheartError: what `find` and `submit` raise, or this process was held up: the next attempt goes on from there.
    """
    seen, since = "", 0.0
    while True:
        if submitted := find_submitted(store, digest):
            return submitted, False
        attempts = [stored.name for stored in store.list(f"{_folder(digest)}attempt-")]
        latest = max(attempts, default="")
        if latest != seen:
            seen, since = latest, time.monotonic()
            print("another attempt to submit this run was begun: waiting for what comes of it", flush=True)
        if seen and time.monotonic() - since < patience_seconds:
            time.sleep(min(1.0, patience_seconds / 10))
            continue
        if seen and (found := find()):
            return _keep(store, digest, found), False
        began = time.monotonic()
        about = {"by": socket.gethostname(), "at": datetime.now(UTC).isoformat(timespec="seconds")}
        if not store.create(f"{_folder(digest)}attempt-{len(attempts):04}.json", _json(about)):
            continue
        if seen and (found := find()):
            return _keep(store, digest, found), False
        if time.monotonic() - began > patience_seconds / 4:
            raise ByheartError(
                f"a run must be submitted within {patience_seconds / 4:.0f} s of its claim, found this process held up "
                "for longer: run again",
                may_pass=True,
            )
        return _keep(store, digest, submit(patience_seconds / 4)), True


def find_submitted(store: Store, digest: str) -> str | None:
    """The id of the run of a content, None where none is recorded."""
    name = _record(digest)
    return str(json.loads(store.read(name))["run_id"]) if store.exists(name) else None


def _keep(store: Store, digest: str, run_id: str) -> str:
    """Record the run, unless another has."""
    store.create(_record(digest), _json({"run_id": run_id, "at": datetime.now(UTC).isoformat(timespec="seconds")}))
    return run_id


def _folder(digest: str) -> str:
    return f"runs/{digest}/"


def _record(digest: str) -> str:
    return f"{_folder(digest)}submitted.json"


def _json(value: dict[str, str]) -> bytes:
    return f"{json.dumps(value)}\n".encode()
