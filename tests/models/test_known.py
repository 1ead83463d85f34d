"""The models that have a short name are at revisions that mean one thing, and where there is an accelerator."""

import re
from pathlib import Path

import pytest

from byheart.contracts.errors import SettingsError
from byheart.machines.accelerators import ONE_HOST
from byheart.models.address import HubAddress
from byheart.models.known import KNOWN, KnownModel, read_rows

PUBLISHED = {"meta-llama/Llama-3.1-8B": "d04e592", "meta-llama/Llama-3.1-70B": "d4cd2f9"}
"""The commits under which the method's authors have published numbers."""


@pytest.mark.parametrize("model", KNOWN.values(), ids=KNOWN)
def test_row_can_be_used(model: KnownModel) -> None:
    assert re.fullmatch(r"[\w.-]+/[\w.-]+", model.repository)
    assert model.revision == PUBLISHED.get(model.repository, "main")
    assert model.accelerator in ("", *ONE_HOST)


def test_every_repository_has_one_name() -> None:
    assert len({model.repository for model in KNOWN.values()}) == len(KNOWN)
    assert PUBLISHED.keys() <= {model.repository for model in KNOWN.values()}


@pytest.mark.parametrize("name", KNOWN)
def test_short_name_is_no_path(name: str) -> None:
    assert re.fullmatch(r"[a-z0-9.-]+", name)


ROWS = """\
good: {repository: org/good, revision: 0012345}
typo: {repositry: org/typo}
twice: {repository: org/one}
twice: {repository: org/two}
list: [org/list]
empty: {repository: }
no: {repository: org/no}
"""


def test_broken_row_harms_that_row_only() -> None:
    rows, broken = read_rows(ROWS)
    assert rows == {
        "good": KnownModel(repository="org/good", revision="0012345"),
        "no": KnownModel(repository="org/no"),
    }
    assert broken == {
        "typo": "models.yaml:2: typo must have fields of repository, revision, accelerator, found 'repositry': "
        "remove it",
        "twice": "models.yaml:4: twice must be there once, found it again: remove one",
        "list": "models.yaml:5: list must be {repository: ORGANISATION/NAME}, found another thing: write it so",
        "empty": "models.yaml:6: empty must have a text as repository, found another thing: write one",
    }


def test_broken_row_is_refused_with_its_line_where_it_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("byheart.models.known._BROKEN", read_rows(ROWS)[1])
    with pytest.raises(SettingsError, match=r"models.yaml:2: typo must have fields"):
        HubAddress.parse("typo@main")
    assert HubAddress.parse("org/typo")


def test_file_that_is_no_yaml_leaves_repositories_and_folders(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    rows, broken = read_rows("good: {repository: org/good\nother: x: y\n")
    assert (rows, [*broken]) == ({}, [""])
    monkeypatch.setattr("byheart.models.known._BROKEN", broken)
    with pytest.raises(SettingsError, match=r"models.yaml:2: must be YAML"):
        HubAddress.parse("good")
    assert HubAddress.parse("org/name")
    assert HubAddress.parse(str(tmp_path)) is None
