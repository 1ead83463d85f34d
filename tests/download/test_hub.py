"""Bytes come from the Hub as they are there, whatever happens on their way, or the Hub is given up in words."""

import json
import re
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress

import httpx2
import pytest
from huggingface_hub import constants, hf_raise_for_status

from byheart.components.download.fetch import name_folder
from byheart.components.download.hub import HubRepository
from byheart.contracts.errors import ModelError
from tests.download.fixtures import Clock
from tests.download.toy import asked_for
from tests.hub import Fault, HubServer, Repository
from tests.hub.messages import answer_file, answer_json
from tests.servers.faults import STATUSES

NAME = "org/name"
SMALL, LARGE = "config.json", "model.safetensors"
WEIGHTS = bytes(range(256)) * 4000


@pytest.fixture
def repository(hub: HubServer) -> Repository:
    return hub.add_repo(NAME, {SMALL: b"{}" * 500, LARGE: WEIGHTS, "empty.txt": b"", "empty.bin": b""})


def refusal(call: Callable[[], object]) -> str:
    with pytest.raises(ModelError) as caught:
        call()
    message = str(caught.value)
    assert "\n" not in message
    assert "X-Amz" not in message
    return message


def test_repository_says_of_its_files_what_the_hub_says(repository: Repository, hub: HubServer) -> None:
    found = HubRepository(NAME, "main")
    commit = repository.branches["main"]
    assert (found.repository, found.commit) == (NAME, commit)
    assert {name: file.size_bytes for name, file in found.files.items()} == {
        SMALL: 1000, LARGE: len(WEIGHTS), "empty.txt": 0, "empty.bin": 0,
    }  # fmt: skip
    assert [stored.name for stored in found.list()] == [SMALL, "empty.bin", "empty.txt", LARGE]
    assert [stored.name for stored in found.list("empty")] == ["empty.bin", "empty.txt"]
    assert found.find("none") is None
    assert found.locate(LARGE) == f"{hub.endpoint}/{NAME}/blob/{commit}/{LARGE}"


@pytest.mark.usefixtures("repository")
@pytest.mark.parametrize(("start", "stop"), [(0, 10), (0, 1), (500, 999), (999, 1000), (7, 7), (0, 1000)])
def test_range_holds_its_bytes(start: int, stop: int) -> None:
    found = HubRepository(NAME, "main")
    assert found.read_range(SMALL, start, stop) == (b"{}" * 500)[start:stop]
    assert found.read_range(LARGE, start, stop) == WEIGHTS[start:stop]


@pytest.mark.usefixtures("repository")
def test_empty_files_are_read_without_a_call(hub: HubServer) -> None:
    found = HubRepository(NAME, "main")
    hub.calls.clear()
    assert (found.read("empty.txt"), found.read("empty.bin")) == (b"", b"")
    assert hub.calls == []


FAULTS = [
    *(Fault(status=status, times=3) for status in STATUSES),
    *(Fault(status=status, times=3, url="^/cdn/") for status in (401, 403, 404, 410)),  # a link that has expired
    Fault(kind="reset_before", times=3),
    Fault(kind="reset_halfway", times=3),
    Fault(kind="lost_reply", times=3),
    Fault(kind="cut", times=5),
    Fault(kind="delay", times=1, seconds=0.1),
]


@pytest.mark.usefixtures("repository")
@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: f"{fault.kind}-{fault.status}")
def test_what_passes_is_got_over(fault: Fault, hub: HubServer, clock: Clock) -> None:
    switched = hub.faults.add(fault)
    found = HubRepository(NAME, "main")
    assert found.read(SMALL) == b"{}" * 500
    assert found.read_range(LARGE, 1000, 900_000) == WEIGHTS[1000:900_000]
    assert found.read(LARGE) == WEIGHTS
    assert switched.injected == fault.times
    assert sum(clock.slept) <= 40


@pytest.mark.usefixtures("repository")
def test_stream_that_breaks_goes_on_where_it_broke(hub: HubServer, clock: Clock) -> None:
    found = HubRepository(NAME, "main")
    hub.calls.clear()
    hub.faults.add(Fault(kind="cut", times=2))
    assert found.read(LARGE) == WEIGHTS
    last = len(WEIGHTS) - 1
    ranges = [call.range for call in hub.calls if call.origin == "cdn"]
    assert ranges == [f"bytes={start}-{last}" for start in (0, (last + 1) // 2, (last + 1) * 3 // 4)]
    assert clock.slept == [1, 1]  # what has come makes it patient again


@pytest.mark.usefixtures("repository")
def test_link_that_has_expired_is_asked_for_anew(hub: HubServer, clock: Clock) -> None:
    hub.cdn.lifetime_seconds = -1
    found = HubRepository(NAME, "main")
    hub.calls.clear()
    message = refusal(lambda: found.read(LARGE))
    assert "found status 403 of a link that the Hub gave after " in message
    assert 500 < sum(clock.slept) <= 600
    assert set(asked_for(hub)) == {LARGE}
    assert 20 < len(asked_for(hub)) < 30  # after 1, 2, 4, 8, 16 and then each 30 s
    hub.cdn.lifetime_seconds = 60
    assert found.read(LARGE) == WEIGHTS


@pytest.mark.usefixtures("repository")
def test_hub_that_is_over_its_limits_is_left_alone_as_long_as_it_asks(hub: HubServer, clock: Clock) -> None:
    hub.faults.add(Fault(status=429, seconds=17, url="/api/models"))
    found = HubRepository(NAME, "main")
    assert clock.slept == [17]
    hub.faults.add(Fault(status=429, seconds=100, url="/resolve/", times=2))
    assert found.read(SMALL) == b"{}" * 500
    assert sum(clock.slept) == 17 + 100 + 100


@pytest.mark.usefixtures("repository")
def test_hub_that_asks_for_more_time_than_there_is_is_given_up_at_once(hub: HubServer, clock: Clock) -> None:
    hub.faults.add(Fault(status=429, seconds=200, url="/api/models", times=0))
    assert refusal(lambda: HubRepository(NAME, "main")) == (
        f"{hub.endpoint} must answer for {NAME}, which is no folder here, found status 429, to wait 200 s: check the "
        "network and run again"
    )
    assert clock.slept == []


@pytest.mark.usefixtures("repository")
@pytest.mark.parametrize(
    ("fault", "found"),
    [
        (Fault(status=500, times=0), "status 500"),
        (Fault(kind="reset_before", times=0), "RemoteProtocolError|ReadError"),
    ],
    ids=["status", "reset"],
)
def test_hub_that_does_not_come_back_is_given_up_in_words(
    fault: Fault, found: str, hub: HubServer, clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    repository = HubRepository(NAME, "main")
    hub.faults.add(fault)
    with pytest.raises(
        ModelError, match=rf"must answer for {NAME}, .* found ({found}) after 5 tries in 15 s: check the"
    ) as caught:
        HubRepository(NAME, "main")
    assert (caught.value.may_pass, caught.value.parameter) == (True, "")
    assert clock.slept == [1, 2, 4, 8]
    said = json.loads(capsys.readouterr().out)
    assert re.fullmatch(rf"{hub.endpoint}: ({found}), tried again for 30 s at most", said["message"])
    clock.slept.clear()
    with pytest.raises(ModelError, match=r" after \d\d tries in 5[789]\d s: check"):
        repository.read(LARGE)
    assert sum(clock.slept) < 600


def test_hub_that_is_gone_is_given_up_in_words(monkeypatch: pytest.MonkeyPatch, clock: Clock) -> None:
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    assert refusal(lambda: HubRepository(NAME, "main")) == (
        f"http://127.0.0.1:9 must answer for {NAME}, which is no folder here, found ConnectError after 5 tries in 15 "
        "s: check the network and run again"
    )
    assert clock.slept == [1, 2, 4, 8]


@pytest.mark.usefixtures("repository")
def test_hub_that_says_nothing_is_not_waited_for_without_end(
    hub: HubServer, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("byheart.components.download.hub._TIMEOUT", httpx2.Timeout(0.1))
    hub.faults.add(Fault(kind="delay", seconds=1, times=0))
    began = time.monotonic()
    assert "found ReadTimeout after 5 tries" in refusal(lambda: HubRepository(NAME, "main"))
    assert time.monotonic() - began < 5
    assert clock.slept


@pytest.mark.usefixtures("repository")
def test_server_that_knows_no_ranges_is_read_as_far_as_needed(
    hub: HubServer, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tests.hub.cdn.answer_file", lambda file, _, *others: answer_file(file, None, *others))
    found = HubRepository(NAME, "main")
    assert found.read_range(LARGE, 700_000, 700_010) == WEIGHTS[700_000:700_010]
    hub.bytes_per_second = 10_000_000
    assert found.read_range(LARGE, 0, 10) == WEIGHTS[:10]
    hub.faults.add(Fault(kind="cut", times=0))
    assert found.read_range(LARGE, 100, 300_000) == WEIGHTS[100:300_000]
    assert re.search(r"found \w+ after \d+ tries in 5\d\d s", refusal(lambda: found.read(LARGE)))
    assert sum(clock.slept) < 700


def answers(monkeypatch: pytest.MonkeyPatch, **told: object) -> None:
    """Have the Hub say of every repository what is told."""
    files = [{"rfilename": SMALL, "size": 2, "blobId": "0" * 40}]
    body = {"id": NAME, "sha": "a" * 40, "siblings": files} | told
    monkeypatch.setattr("tests.hub.server.ROUTES", [("GET", ".*", lambda *_: answer_json(body))])


@pytest.mark.usefixtures("hub")
@pytest.mark.parametrize("sha", [None, "/tmp/x", "a" * 39, "A" * 40, "a" * 40 + "\n", "\x1b]0;x\x07", 7])
def test_commit_that_is_none_is_refused(sha: object, monkeypatch: pytest.MonkeyPatch) -> None:
    answers(monkeypatch, sha=sha)
    said = refusal(lambda: HubRepository(NAME, "main"))
    assert "must name a commit of 40 digits, found " in said
    assert "\x1b" not in said


@pytest.mark.usefixtures("hub")
def test_commit_is_the_one_that_was_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    answers(monkeypatch)
    assert HubRepository(NAME, "a" * 40).commit == "a" * 40
    assert f"must have the commit {'b' * 40}, which was asked for" in refusal(lambda: HubRepository(NAME, "b" * 40))


@pytest.mark.usefixtures("hub")
@pytest.mark.parametrize("name", ["../../x", "a/b/c", "a//b", "", None, "org/na--me", "org/\x1b[2J"])
def test_repository_without_a_proper_name_is_refused(name: object, monkeypatch: pytest.MonkeyPatch) -> None:
    answers(monkeypatch, id=name)
    assert "must name the repository that was asked for, found " in refusal(lambda: HubRepository(NAME, "main"))


@pytest.mark.usefixtures("hub")
def test_repository_that_was_renamed_is_said(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    answers(monkeypatch, id="org/other")
    assert HubRepository(NAME, "main").repository == "org/other"
    assert f"calls {NAME} org/other: it is stored by that name" in capsys.readouterr().out


def test_every_hub_has_its_own_folders(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(constants, "ENDPOINT", "https://huggingface.co")
    monkeypatch.setattr(constants, "_HF_DEFAULT_ENDPOINT", "https://huggingface.co")
    assert name_folder(NAME, "c0ffee") == "models/org--name@c0ffee"
    folders = set()
    for endpoint in ("https://hub.example", "http://hub.example", "https://hub.example/a", "https://me:pw@hub.example"):
        monkeypatch.setattr(constants, "ENDPOINT", endpoint)
        folders.add(name_folder(NAME, "c0ffee"))
    assert len(folders) == 3, "a password makes no other Hub"
    assert all(re.fullmatch(r"models/hub-hub\.example-[0-9a-f]{8}--org--name@c0ffee", name) for name in folders)


def test_password_of_the_endpoint_stands_in_no_message(
    hub: HubServer, monkeypatch: pytest.MonkeyPatch, clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(constants, "ENDPOINT", hub.endpoint.replace("://", "://me:SECRET@"))
    hub.faults.add(Fault(status=500, times=0))
    assert f"{hub.endpoint} must answer for {NAME}" in refusal(lambda: HubRepository(NAME, "main"))
    assert clock.slept
    assert "SECRET" not in capsys.readouterr().out


@pytest.mark.usefixtures("hub")
def test_description_has_a_limit(monkeypatch: pytest.MonkeyPatch, clock: Clock) -> None:
    monkeypatch.setattr("byheart.components.download.hub_answers._MOST_ABOUT_A_MODEL", 10_000)
    answers(monkeypatch, author="x" * 100_000)
    assert "must answer for org/name" in refusal(lambda: HubRepository(NAME, "main"))
    assert clock.slept == []


@pytest.mark.usefixtures("hub")
def test_body_of_an_error_has_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[int] = []

    def explain(response: httpx2.Response) -> None:
        read.append(len(response.content))
        hf_raise_for_status(response)

    monkeypatch.setattr("byheart.components.download.hub_answers.hf_raise_for_status", explain)
    endless = answer_json("x" * 50_000_000, 404, {"X-Error-Code": "RepoNotFound"})
    monkeypatch.setattr("tests.hub.server.ROUTES", [("GET", ".*", lambda *_: endless)])
    assert "must be a folder, or a repository on the Hub" in refusal(lambda: HubRepository(NAME, "main"))
    assert read == [2**16]


@pytest.mark.parametrize(
    "begins",
    [b"HTTP/1.1 200 OK\r\nX-Slow: ", b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n"],
    ids=["header", "body"],
)
def test_description_that_drips_is_given_up_in_time(begins: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        is_done = threading.Event()

        def drip() -> None:
            connection, _ = listening.accept()
            with connection, suppress(OSError):
                connection.sendall(begins)
                while not is_done.wait(0.02):
                    connection.sendall(b"a")

        thread = threading.Thread(target=drip)
        thread.start()
        monkeypatch.setattr(constants, "ENDPOINT", f"http://127.0.0.1:{listening.getsockname()[1]}")
        try:
            said = refusal(lambda: HubRepository(NAME, "main", patience_seconds=(0.5, 0.5)))
        finally:
            is_done.set()
            thread.join()
    assert re.search(r"found (headers|an answer) that (were|was) unfinished after 0 s: check", said)


@pytest.mark.usefixtures("repository")
def test_file_that_drips_is_given_up_in_time(hub: HubServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.hub.server.BLOCK_BYTES", 100)
    found = HubRepository(NAME, "main", patience_seconds=(30, 0.5))
    hub.bytes_per_second = 2_000
    assert "found hardly any bytes" in refusal(lambda: found.read(LARGE))
