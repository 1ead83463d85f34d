"""What k8s/README.md says of machines is in the table of accelerators, and its messages are those that are raised."""

import ast
import dataclasses
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from byheart.components.download.bucket import Buckets
from byheart.components.download.https import Https
from byheart.components.download.model import bring_model
from byheart.components.extract.devices import Surroundings, check_devices
from byheart.contracts.errors import ByheartError
from byheart.machines.accelerators import ONE_HOST, find_accelerator
from byheart.machines.layout import find_smallest_slice
from byheart.models.known import KNOWN
from byheart.store import open_store
from tests.conftest import ROOT
from tests.download.conftest import Shelf
from tests.download.toy import NAME
from tests.extract.test_devices import SEEN, some
from tests.gcs import GcsServer
from tests.gcs.objects import Access
from tests.hub import Fault, HubServer
from tests.k8s.conftest import K8S, read
from tests.machines.test_layout import choose
from tests.models.known_shapes import CONFIGS, workload

README = (K8S / "README.md").read_text(encoding="utf-8")


def read_rows(heading: str) -> list[list[str]]:
    """The cells of the table whose first column has such a heading, or begins with it."""
    (table,) = re.findall(rf"^\| {heading}\b.*\n\|[-|]+\n((?:\|.*\n)+)", README, re.MULTILINE)
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in table.splitlines()]


MESSAGES = [row[0].strip("`") for row in read_rows("message \\| what it means, beside")]
(RESUMED,) = (one for one in MESSAGES if one.endswith("scored already"))
"""What is said in good order."""


def matches(shown: str, message: str) -> bool:
    """Whether a row of the table is of that message."""
    return bool(re.fullmatch(".*".join(re.escape(part) for part in shown.split("…")), message))


def test_table_of_machines_is_that_of_the_accelerators() -> None:
    tpus = [one for one in ONE_HOST.values() if one.is_tpu]
    assert read_rows("accelerator") == [
        [one.name, one.machine, one.generation.label, one.topology, str(one.chips)] for one in tpus
    ]


def test_node_pools_are_of_the_machine_that_their_names_say() -> None:
    commands = re.findall(r"gcloud container node-pools create (?:.*\\\n)*.*", README)
    assert len(commands) == 3
    for command in commands:
        (name,) = re.findall(r"create (\S+)", command)
        assert f"--machine-type={find_accelerator(name.removesuffix('-spot')).machine} " in command
        assert ("--spot " in command) == name.endswith("-spot")


def test_automatic_accelerator_that_is_named_is_that_of_the_model() -> None:
    ((accelerator, model),) = re.findall(r"whatever pools there are: `(\S+)` for (\S+)\. ", README)
    assert KNOWN[model].accelerator == ""
    smallest = find_smallest_slice(workload(model))
    assert smallest is not None
    assert smallest.name == accelerator


def test_variables_of_the_commands_are_set_in_the_first_step() -> None:
    first, *later = re.findall(r"^```sh.*\n([^`]+)^```", README, re.MULTILINE)
    exports = "".join(re.findall(r"^export (.*)\n", first, re.MULTILINE))
    used = set(re.findall(r"\$([A-Z]+)", "".join(later)))
    assert used == {"PROJECT", "ZONE", "REGION", "BUCKET", "NUMBER"}
    assert not {name for name in used if f"{name}=" not in exports}


def test_quota_that_is_explained_is_the_one_that_is_applied() -> None:
    name = read(K8S / "base" / "quota.yaml")["metadata"]["name"]
    assert f"`exceeded quota: {name}`" in README


def test_all_that_is_applied_can_be_taken_down() -> None:
    applied = re.findall(r"^kubectl (?:apply|replace)(?: --server-side| --force)? --\w+ (\S+)", README, re.MULTILINE)
    deleted = re.findall(r"`kubectl delete --\w+ ([^\s`]+)[^`]*`", README)
    assert len(applied) == 8
    assert sorted(applied) == sorted(deleted)


def test_every_file_that_is_named_is_there() -> None:
    links = set(re.findall(r"\]\((?!https?:)([^)#]+)", README))
    paths = set(re.findall(r"(?<![\w/])k8s/[\w./-]+", README)) - {"k8s/runs"}
    assert len(links) > 10
    assert len(paths) >= 5
    assert not {link for link in links if not (K8S / link).exists()}
    assert not {path for path in paths if not (ROOT / path).exists()}


def read_message(attempt: Callable[[], object]) -> str:
    """By which message it ends."""
    with pytest.raises(ByheartError) as caught:
        attempt()
    return str(caught.value)


def find_shown(*messages: str) -> set[str]:
    """The rows of the table that are of these messages: one of each."""
    found = {message: [shown for shown in MESSAGES if matches(shown, message)] for message in messages}
    assert {message: len(rows) for message, rows in found.items()} == dict.fromkeys(messages, 1)
    return {rows[0] for rows in found.values()}


def list_model_errors() -> set[str]:
    too_deep = CONFIGS["llama-3.1-70b"] | {"num_hidden_layers": 800}
    return find_shown(
        read_message(lambda: choose("llama-3.1-70b", "v6e-1x1")),
        read_message(lambda: choose(too_deep, "v6e-2x4")),
    )


def list_bucket_errors(server: GcsServer) -> set[str]:
    server.storage.create_bucket("shut", Access.FORBIDDEN)
    server.storage.create_bucket("unknown", Access.UNAUTHORIZED)
    return find_shown(
        read_message(lambda: Buckets().find("gs://shelf/novels/*.txt")),
        read_message(lambda: Buckets().find("gs://shelf/novels")),
        read_message(lambda: Buckets().find("gs://nowhere/a.txt")),
        read_message(lambda: open_store("gs://shut").create("a", b"")),
        read_message(lambda: open_store("gs://unknown").create("a", b"")),
    )


def list_hub_errors(hub: HubServer, files: dict[str, bytes], store: str, monkeypatch: pytest.MonkeyPatch) -> set[str]:
    for token in ("hf_friend", "hf_stranger"):
        hub.add_token(token, access=[NAME] * (token == "hf_friend"))
    hub.add_repo(NAME, files, gated=True)

    def with_token(token: str, model: str = NAME) -> str:
        monkeypatch.setenv("HF_TOKEN", token)
        return read_message(lambda: bring_model(model, store))

    messages = [read_message(lambda: bring_model(NAME, store))]
    messages += [with_token("hf_stranger"), with_token("hf_wrong"), with_token("hf_friend", "org/none")]
    hub.faults.add(Fault(status=503, times=0))
    return find_shown(*messages, with_token("hf_friend"))


def list_device_errors(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    def found(count: int, kind: str, platform: str, **seen: object) -> str:
        around = dataclasses.replace(SEEN, **seen)  # type: ignore[arg-type]
        monkeypatch.setattr(Surroundings, "look", lambda: around)
        return read_message(lambda: check_devices(find_accelerator("v6e-2x4"), some(count, kind, platform)))

    return find_shown(
        found(1, "cpu", "cpu", files={}),
        found(1, "cpu", "cpu", has_libtpu=False),
        found(1, "cpu", "cpu"),
        found(4, "TPU v6 lite", "tpu", uid=0),
    )


@pytest.mark.usefixtures("clock")
def test_every_message_of_the_table_is_one_that_is_raised(
    server: GcsServer,
    hub: HubServer,
    files: dict[str, bytes],
    web: Shelf,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    raised = list_model_errors() | list_bucket_errors(server) | list_device_errors(monkeypatch)
    raised |= list_hub_errors(hub, files, str(tmp_path / "store"), monkeypatch)
    raised |= find_shown(read_message(lambda: Https(backoff_seconds=0.001).read(f"{web.address}/none.txt")))
    assert raised == set(MESSAGES) - {RESUMED}


def test_line_of_a_run_that_goes_on_is_one_that_extract_says() -> None:
    source = ast.parse((ROOT / "components" / "extract" / "run.py").read_text(encoding="utf-8"))
    texts = [node for node in ast.walk(source) if isinstance(node, ast.JoinedStr)]
    lines = [
        "".join(str(part.value) if isinstance(part, ast.Constant) else "7" for part in text.values) for text in texts
    ]
    assert [line for line in lines if matches(RESUMED, line)]
