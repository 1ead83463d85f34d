"""A model that cannot be had is refused in one line that says what to do, and before its weights are fetched."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from huggingface_hub import close_session, constants

from byheart.components.download.model import bring_model
from byheart.components.download.tokenizer import bring_tokenizer
from byheart.contracts.errors import ModelError
from tests.conftest import ROOT
from tests.disks import need_disks
from tests.download.fixtures import Clock
from tests.download.toy import NAME, WANTED, asked_for, sent_by_cdn, toy
from tests.hub import Fault, HubServer, Repository
from tests.models.test_folder import INDEX, SHARDS

PLACES = "HF_TOKEN or the secret hf-token"
"""Where a token may come from."""


def refusal(model: str, store: Path, *, may_pass: bool = False) -> str:
    """The message by which it ends; no model is left in the store."""
    with pytest.raises(ModelError) as caught:
        bring_model(model, str(store))
    message = str(caught.value)
    assert caught.value.may_pass == may_pass
    parameter = {"store": "store", "model": "model", "HF_TOKEN": "", "HF_ENDPOINT": ""}
    assert caught.value.parameter == parameter.get(message.split()[0], caught.value.parameter)
    assert "\n" not in message
    assert not list(store.rglob("manifest.json"))
    return message


@pytest.fixture
def gated(hub: HubServer, files: dict[str, bytes]) -> Repository:
    hub.add_token("hf_stranger")
    hub.add_token("hf_friend", access=[NAME])
    return hub.add_repo(NAME, files, gated=True)


@pytest.mark.usefixtures("gated")
def test_gated_model_without_a_token_names_the_page_of_its_licence(hub: HubServer, tmp_path: Path) -> None:
    assert refusal(NAME, tmp_path) == (
        f"model {NAME} needs an account that has accepted its licence, found no token in HF_TOKEN or the secret "
        f"hf-token: accept it at {hub.endpoint}/{NAME} and set one of the two to a token of that account"
    )


@pytest.mark.usefixtures("gated")
def test_gated_model_with_a_strangers_token_says_so(
    hub: HubServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_stranger")
    message = refusal(NAME, tmp_path)
    assert f"found a token of another account in {PLACES}: accept it at {hub.endpoint}/{NAME} and" in message
    assert "hf_stranger" not in message
    assert sent_by_cdn(hub) == 0


@pytest.mark.usefixtures("gated")
@pytest.mark.parametrize("place", ["variable", "file"])
def test_gated_model_is_fetched_with_a_token_that_the_cdn_never_sees(
    place: str, hub: HubServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if place == "variable":
        monkeypatch.setenv("HF_TOKEN", "hf_friend")
    else:  # as an editor leaves it
        Path(constants.HF_TOKEN_PATH).write_text("hf_friend\n", encoding="utf-8")
    assert bring_model(NAME, str(tmp_path / "store")).commit
    assert {call.authorized for call in hub.calls if call.origin == "cdn"} == {False}
    assert {call.authorized for call in hub.calls if "/resolve/" in call.url} == {True}


@pytest.mark.usefixtures("repository", "no_proxies")
@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("SSL_CERT_FILE", "/nope", "SSL_CERT_FILE must name certificates that are there, found no /nope: name others"),
        ("ALL_PROXY", "socks5h://proxy:1080", "ALL_PROXY must name a proxy at http://, found one at socks5h://: name"),
    ],
)
def test_variable_of_the_network_that_is_at_fault_is_named(
    name: str, value: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)
    close_session()  # the next request reads the variables anew
    try:
        assert said in refusal(NAME, tmp_path)
    finally:
        close_session()


@pytest.mark.usefixtures("repository")
def test_token_that_nobody_gave_out_is_named_by_its_variable(
    hub: HubServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_wrong")
    assert refusal(NAME, tmp_path) == (
        f"{PLACES} must be a valid token, found one that {hub.endpoint} refuses: set it anew, or remove it"
    )


@pytest.mark.usefixtures("repository")
def test_token_of_other_characters_is_refused_unseen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_ä")
    assert refusal(NAME, tmp_path) == (
        f"{PLACES} must be a token, found characters that no token has: set it anew, or remove it"
    )


@pytest.mark.usefixtures("gated")
def test_token_that_may_not_read_the_repository_is_refused(
    hub: HubServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_friend")
    hub.faults.add(Fault(status=403, url="/resolve/", times=0))
    assert f"{PLACES} must be allowed to read {hub.endpoint}/{NAME}, found one that is not" in refusal(NAME, tmp_path)


@pytest.mark.parametrize("name", [NAME, "org/none", "org/na--me"])
def test_repository_that_is_private_or_not_there_is_named(
    name: str, hub: HubServer, files: dict[str, bytes], tmp_path: Path, clock: Clock
) -> None:
    hub.add_repo(NAME, files, private=True)
    assert refusal(name, tmp_path) == (
        f"model must be a folder, or a repository on the Hub that may be read, found no folder '{name}' and no "
        f"{hub.endpoint}/{name}: check it, and {PLACES} if the repository is private"
    )
    assert clock.slept == []


@pytest.mark.usefixtures("repository")
@pytest.mark.parametrize("revision", ["none", "f" * 40, "abcdef1"])
def test_unknown_revision_is_named(revision: str, hub: HubServer, tmp_path: Path) -> None:
    assert refusal(f"{NAME}@{revision}", tmp_path) == (
        f"model must have a branch, a tag or a commit of {NAME} behind its @, found no '{revision}': see "
        f"{hub.endpoint}/{NAME}/commits/main"
    )
    assert set(asked_for(hub)) == {"model"}


Change = Callable[[dict[str, bytes]], object]


def keep(*names: str) -> Change:
    """Only these files are there."""
    return lambda files: [files.pop(name) for name in [*files] if name not in names]


def without(name: str) -> Change:
    """That file is not there."""
    return lambda files: files.pop(name)


def config(**changes: object) -> Change:
    """Another config.json, with weights as they were."""
    return lambda files: files.update({"config.json": toy(embed=64, **changes)["config.json"]})


BAD = {
    "only-pickle": (
        keep("config.json", "tokenizer.json", "pytorch_model.bin"),
        "found only pytorch_model.bin, which is pickle and can run code: convert or fetch",
    ),
    "no-weights": (keep("config.json", "tokenizer.json"), "must hold model.safetensors or"),
    "no-tokenizer": (without("tokenizer.json"), f"{NAME} must hold tokenizer.json, which gives character offsets"),
    "no-config": (without("config.json"), "model must be a folder with config.json, found none, but .gitattributes at"),
    "family": (config(model_type="mamba"), "found 'mamba', which has"),
    "shape": (config(intermediate_size=16), "config.json is of another model"),
    "layers": (config(num_hidden_layers=3), "missing is model.layers.2."),
    "shard-missing": (without(SHARDS[1]), f"must hold {SHARDS[1]}, which {INDEX} names, found none"),
    "shard-damaged": (lambda files: files.update({SHARDS[1]: files[SHARDS[1]][:-1]}), "found damage"),
}


@pytest.mark.parametrize(("change", "said"), BAD.values(), ids=BAD)
def test_repository_that_cannot_be_used_is_refused_before_a_weight_is_fetched(
    change: Change, said: str, hub: HubServer, tmp_path: Path
) -> None:
    files = toy(embed=512)
    change(files)
    hub.add_repo(NAME, files)
    assert said in refusal(NAME, tmp_path)
    assert {call.range for call in hub.calls if call.origin == "cdn"} <= {"bytes=0-262143"}
    assert not any(path.is_file() for path in tmp_path.rglob("*.safetensors"))


def test_unknown_family_is_refused_before_the_cdn_is_asked(hub: HubServer, tmp_path: Path) -> None:
    hub.add_repo(NAME, toy(model_type="mamba"))
    refusal(NAME, tmp_path)
    assert not any(call.origin == "cdn" for call in hub.calls)


@pytest.mark.usefixtures("repository")
def test_store_without_room_is_refused_before_a_weight_is_fetched(
    hub: HubServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("byheart.store.local.LocalStore.free_bytes", lambda _: 40_000)
    message = refusal(NAME, tmp_path)
    assert "store must have 0.2 MB free for org/toy, found 0.0 MB at " in message
    assert message.endswith("make room or choose another store")
    assert all(call.range for call in hub.calls if call.origin == "cdn")


def test_room_that_an_earlier_attempt_has_taken_is_not_asked_for_again(
    hub: HubServer, files: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, clock: Clock
) -> None:
    hub.add_repo(NAME, files)
    hub.faults.add(Fault(kind="cut", url="^/cdn/", nth=3, times=2))
    hub.faults.add(Fault(status=403, url="^/cdn/", nth=5, times=0))
    refusal(NAME, tmp_path, may_pass=True)
    assert sum(clock.slept) > 500
    hub.faults.clear()
    assert any(path.stat().st_size for path in tmp_path.rglob(".byheart-*.growing"))
    taken = sum(path.stat().st_size for path in tmp_path.rglob("*") if path.is_file() and "models" in path.parts)
    free = sum(len(files[name]) for name in WANTED) - taken
    monkeypatch.setattr("byheart.store.local.LocalStore.free_bytes", lambda _: free)
    bring_model(NAME, str(tmp_path))


FILL = """
from byheart.store.local import LocalStore
LocalStore.free_bytes = lambda self: None  # another has filled the disk in the meantime
from byheart.contracts.progress import stage
from byheart.components.download import transfer
from byheart.components.download.model import bring_model
from byheart.components.download.tokenizer import bring_tokenizer
transfer.PIECE_BYTES = 4096
with stage("download"):
    bring_model("org/toy", "{store}")
"""


def test_disk_that_is_full_in_the_middle_is_named(hub: HubServer, tmp_path: Path) -> None:
    need_disks()
    hub.add_repo(NAME, toy(embed=512))
    (tmp_path / "disk").mkdir()
    script = f'mount -t tmpfs -o size=1m tmpfs {tmp_path}/disk && exec "$0" "$@"'
    code = FILL.format(store=tmp_path / "disk" / "store")
    command = ["unshare", "-rm", "sh", "-c", script, sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT, timeout=60)
    assert done.returncode == 1, done.stderr
    assert done.stderr == ""
    said = json.loads(done.stdout.splitlines()[-1])
    assert (said["severity"], said["stage"]) == ("ERROR", "download")
    assert said["message"].startswith(f"cannot write {tmp_path}/disk/store/models/hub-127.0.0.1-")
    assert "No space left on device: make room or permit it, and run again" in said["message"]


def test_hub_that_may_not_be_asked_is_needed_only_for_what_is_not_there(
    hub: HubServer, repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, clock: Clock
) -> None:
    whole = tmp_path / "whole"
    found = bring_model(NAME, str(whole))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    hub.calls.clear()
    message = refusal(NAME, tmp_path / "empty")
    assert message == f"{hub.endpoint} must be asked for {NAME}, found HF_HUB_OFFLINE set: unset it"
    assert bring_model(f"{NAME}@{repository.branches['main']}", str(whole)) == found
    assert (hub.calls, clock.slept) == ([], [])


@pytest.mark.usefixtures("hub")
@pytest.mark.parametrize("endpoint", ["huggingface.co", "ftp://hub"])
def test_endpoint_that_is_no_address_is_named(
    endpoint: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, clock: Clock
) -> None:
    monkeypatch.setattr(constants, "ENDPOINT", endpoint)
    assert f"HF_ENDPOINT must be an address such as https://huggingface.co, found '{endpoint}'" in refusal(
        NAME, tmp_path
    )
    assert clock.slept == []


@pytest.mark.usefixtures("repository")
def test_address_that_is_not_of_a_hub_is_named(hub: HubServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.rmtree(tmp_path / "hf", ignore_errors=True)
    monkeypatch.setattr(constants, "ENDPOINT", f"{hub.endpoint}/elsewhere")
    assert f"{hub.endpoint}/elsewhere must answer for {NAME}, which is no folder here, found status 404: " in refusal(
        NAME, tmp_path
    )


@pytest.mark.usefixtures("repository")
def test_hub_that_tells_no_sizes_and_no_hashes_is_named(hub: HubServer, tmp_path: Path) -> None:
    hub.repositories.tells_blobs = False
    count = len(toy())
    assert refusal(NAME, tmp_path) == (
        f"{hub.endpoint} must tell the sizes and hashes of the files of {NAME}, found {count} of {count} without: name "
        f"another Hub by HF_ENDPOINT, or fetch the files with `hf download {NAME} --local-dir FOLDER` and name FOLDER"
    )


@pytest.mark.parametrize("is_offline", [False, True])
def test_model_in_the_store_is_named_by_its_commits_while_the_hub_is_away(
    is_offline: bool, repository: Repository, hub: HubServer, tmp_path: Path, clock: Clock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    found = bring_model(NAME, str(tmp_path))
    tokenizer = bring_tokenizer(NAME, str(tmp_path))
    hub.__exit__()
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", is_offline)
    with pytest.raises(ModelError) as caught:
        bring_model(NAME, str(tmp_path))
    assert caught.value.message.endswith(f", or name what the store has: {NAME}@{repository.branches['main']}")
    assert bring_model(caught.value.message.rpartition(": ")[2], str(tmp_path)) == found
    with pytest.raises(ModelError, match=f"or name what the store has: {NAME}@{found.commit}"):
        bring_tokenizer(NAME, str(tmp_path))
    assert bring_tokenizer(f"{NAME}@{found.commit}", str(tmp_path)) == tokenizer
    assert bool(clock.slept) != is_offline
