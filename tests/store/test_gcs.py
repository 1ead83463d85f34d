"""A store on gs:// against a server that fails in every way a network can."""

import dataclasses
import errno
import io
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests
from google.api_core import exceptions
from google.auth.compute_engine import Credentials, _metadata
from google.auth.credentials import AnonymousCredentials
from google.auth.exceptions import DefaultCredentialsError, RefreshError, TransportError
from google.auth.transport.requests import Request

from byheart.contracts.errors import StoreError
from byheart.store import open_store
from byheart.store.gcs import GcsStore
from byheart.store.gcs_errors import RAISED, find_cause
from tests.gcs import Fault, GcsServer
from tests.gcs.objects import Access
from tests.servers.faults import Kind

ADDRESS = "gs://shelf/prefix"
PASSING = [Fault(status=429), Fault(status=503), Fault(kind="reset_halfway"), Fault(kind="lost_reply")]


@pytest.mark.parametrize("fault", PASSING, ids=lambda fault: f"{fault.kind}-{fault.status}")
def test_calls_get_over_a_fault_that_passes(server: GcsServer, fault: Fault) -> None:
    store = open_store(ADDRESS)
    calls: dict[str, Callable[[], object]] = {
        "create": lambda: store.create("a", b"first"),
        "range": lambda: store.read_range("a", 1, 3),
        "list": lambda: [stored.name for stored in store.list()],
        "delete": lambda: store.delete("a"),
    }
    came = {}
    for name, call in calls.items():
        rule = server.faults.add(fault)
        came[name] = call()
        assert rule.injected == 1, name
        server.faults.clear()
    assert came == {"create": True, "range": b"ir", "list": ["a"], "delete": None}
    assert not store.exists("a")


@pytest.mark.usefixtures("server")
def test_many_threads_keep_their_connections(caplog: pytest.LogCaptureFixture) -> None:
    store = open_store(ADDRESS)
    with ThreadPoolExecutor(40) as pool, caplog.at_level("WARNING", "urllib3"):
        assert all(pool.map(lambda number: store.create(f"{number}", b"bytes"), range(200)))
    assert not caplog.records, "the pool of connections would be full"


def test_create_tells_its_own_lost_reply_from_another_writer(server: GcsServer) -> None:
    server.faults.add(Fault(kind="lost_reply", method="POST"))
    assert open_store(ADDRESS).create("a", b"mine")
    server.faults.add(Fault(kind="lost_reply", method="POST"))
    assert not open_store(ADDRESS).create("a", b"theirs")
    assert open_store(ADDRESS).read("a") == b"mine"


@pytest.mark.parametrize("faults", [["cut"], ["corrupt"], ["cut", "corrupt"]], ids="-then-".join)
def test_damage_on_the_way_is_read_again(server: GcsServer, faults: list[Kind]) -> None:
    store = open_store(ADDRESS)
    store.create("a", b"x" * 100_000)
    rules = [server.faults.add(Fault(kind=kind, nth=nth)) for nth, kind in enumerate(faults, 1)]
    assert store.read("a") == b"x" * 100_000
    assert [rule.injected for rule in rules] == [1] * len(faults)


def test_damage_that_does_not_pass_is_refused(server: GcsServer) -> None:
    store = open_store(ADDRESS)
    store.create("a", b"x" * 100_000)
    server.faults.add(Fault(kind="corrupt", times=0))
    with pytest.raises(StoreError, match="do not match its checksum") as caught:
        store.read("a")
    assert caught.value.may_pass


def test_upload_of_which_the_server_keeps_less_begins_again(server: GcsServer) -> None:
    rule = server.faults.add(Fault(kind="keep_half"))
    assert open_store(ADDRESS).create("a", bytes(20 * 2**20))
    assert rule.injected == 1
    assert len(open_store(ADDRESS).read("a")) == 20 * 2**20


@pytest.mark.parametrize(
    ("access", "fault", "said", "may_pass"),
    [
        (Access.READ_ONLY, None, r"not permitted \(.*\): grant roles/storage.objectUser", False),
        (Access.FORBIDDEN, None, r"not permitted", False),
        (Access.UNAUTHORIZED, None, r"no valid credentials \(.*\): run `gcloud auth", False),
        (Access.OPEN, Fault(status=403, reason="quotaExceeded"), r".*quota", True),
        (Access.OPEN, Fault(status=403, reason="rateLimitExceeded"), r".*quota", True),
        (Access.OPEN, Fault(status=400), r"BadRequest: .*: check the address, and what the account may do", False),
    ],
)
def test_what_does_not_pass_is_said_in_one_message(
    server: GcsServer, access: Access, fault: Fault | None, said: str, may_pass: bool
) -> None:
    server.storage.create_bucket("shut", access)
    if fault:
        server.faults.add(dataclasses.replace(fault, times=0))
    store = open_store("gs://shut")
    for action, call in {"write": lambda: store.create("a", b""), "find": lambda: store.exists("a")}.items():
        if action == "find" and access == Access.READ_ONLY:
            continue
        with pytest.raises(StoreError, match=f"cannot {action} gs://shut/a: {said}") as caught:
            call()
        assert caught.value.may_pass == may_pass


@pytest.mark.parametrize(
    ("error", "may_pass"),
    [
        (exceptions.ServiceUnavailable("busy"), True),
        (exceptions.InternalServerError("busy"), True),
        (exceptions.RetryError("no answer in time", None), True),
        (exceptions.PreconditionFailed("another was first"), False),
        (requests.ConnectionError("reset"), True),
        (TransportError("no way to the token's server"), True),
        (DefaultCredentialsError("none"), False),
        (OSError(errno.ENOSPC, "full"), False),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_googles_libraries_raise_may_pass_or_is_refused_for_good(error: Exception, may_pass: bool) -> None:
    assert isinstance(error, RAISED)
    assert find_cause(error).may_pass == may_pass


@pytest.mark.parametrize(("answers", "may_pass"), [(False, True), (True, False)])
def test_pod_whose_metadata_server_is_not_up_yet_may_sign_in_later_and_one_without_an_account_not(
    answers: bool, may_pass: bool, server: GcsServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("time.sleep", lambda _: None)  # google-auth tries five times
    monkeypatch.setattr(
        _metadata, "_GCE_METADATA_HOST", server.address.partition("//")[2] if answers else "127.0.0.1:9"
    )
    with pytest.raises(RefreshError, match="Status: 501" if answers else "unavailable") as caught:
        Credentials().refresh(Request())
    assert find_cause(caught.value).may_pass == may_pass


def test_account_that_may_use_objects_alone_needs_no_more(server: GcsServer) -> None:
    server.storage.create_bucket("lent", Access.OBJECTS_ONLY)
    store = open_store("gs://lent/x")
    store.check_writable()
    assert store.find("a") is None
    assert store.create("a", b"1")
    store.delete("a")
    store.delete("a")
    with pytest.raises(StoreError, match="cannot read gs://lent/x/a: there is none"):
        store.read("a")


def test_bucket_that_is_not_there_is_named(server: GcsServer) -> None:
    assert server.address
    for attempt in (
        lambda: open_store("gs://nowhere/x").create("a", b""),
        lambda: open_store("gs://nowhere/x").read("a"),
        lambda: list(open_store("gs://nowhere/x").list()),
        lambda: open_store("gs://nowhere/x").check_writable(),
    ):
        with pytest.raises(StoreError, match="found no gs://nowhere: create it") as caught:
            attempt()
        assert (caught.value.parameter, caught.value.may_pass) == ("store", False)


def test_account_that_cannot_be_found_is_said_with_what_to_do(
    monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    monkeypatch.delenv("STORAGE_EMULATOR_HOST", raising=False)
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path_factory.mktemp("none") / "key.json"))
    with pytest.raises(StoreError, match=r"cannot find gs://shelf/a: no valid credentials .*gcloud auth"):
        open_store("gs://shelf").exists("a")


def test_account_without_a_project_may_use_objects(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("GOOGLE_CLOUD_PROJECT", "GCLOUD_PROJECT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("google.auth.default", lambda *_, **__: (AnonymousCredentials(), None))
    monkeypatch.delenv("STORAGE_EMULATOR_HOST", raising=False)  # with it, the client asks for no account
    store = open_store("gs://shelf")
    assert isinstance(store, GcsStore)
    assert store._client.bucket("shelf").name == "shelf"


def test_bucket_whose_reader_pays_is_called_so() -> None:
    error = exceptions.BadRequest("GET https://x: Bucket is a requester pays bucket but no user project provided.")
    cause = find_cause(error)
    assert "requester pays" in cause.found
    assert "--billing-project=PROJECT" in cause.remedy
    assert not cause.may_pass


def test_certificates_that_are_not_there_are_named_by_their_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/nope")
    cause = find_cause(OSError("Could not find a suitable TLS CA certificate bundle, invalid path: /nope"))
    assert cause.remedy.startswith("REQUESTS_CA_BUNDLE must name certificates that are there, found no /nope")


@pytest.mark.parametrize("status", [400, 403])
def test_address_of_an_upload_that_is_refused_half_way_opens_nothing_for_a_reader_of_the_log(
    server: GcsServer, status: int
) -> None:
    rule = server.faults.add(Fault(method="PUT", url="upload_id=", status=status, times=0))
    with pytest.raises(StoreError) as caught:
        open_store("gs://shelf").replace("a", io.BytesIO(bytes(9 * 2**20)))
    assert rule.injected
    assert "cannot write gs://shelf/a: " in str(caught.value)
    assert "upload_id" not in str(caught.value)
