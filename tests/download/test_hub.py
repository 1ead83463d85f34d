"""Bytes come from the Hub as they are there, whatever happens on their way, or the Hub is given up in words."""

import json
import re
import time
from collections.abc import Callable

import httpx2
import pytest
from huggingface_hub import constants

from byheart.components.download.hub import HubRepository
from byheart.contracts.errors import ModelError
from tests.download.fixtures import Clock
from tests.download.toy import asked_for
from tests.hub import Fault, HubServer, Repository
from tests.hub.messages import answer_file
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
