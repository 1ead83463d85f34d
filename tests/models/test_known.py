"""The models that have a short name are at revisions that mean one thing, and where there is an accelerator."""

import re
from pathlib import Path

import pytest

from byheart.contracts.errors import SettingsError
from byheart.machines.accelerators import ONE_HOST
from byheart.models.address import HubAddress
from byheart.models.families import FAMILIES, find_family
from byheart.models.known import KNOWN, KnownModel, read_rows
from byheart.models.parameters import count_parameters
from tests.models.published import PUBLISHED as CONFIGS

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


def shorten(name: str) -> str:
    """A model's name in lower case, without what says that it is a base model."""
    return re.sub(r"(-hf|-base|-pt|-instruct)+$", "", name.lower())


PUBLISHED_CONFIGS = {shorten(name): config for name, config in CONFIGS.items()}
SIZED = {
    name: PUBLISHED_CONFIGS[shorten(model.repository.partition("/")[2])]
    for name, model in KNOWN.items()
    if shorten(model.repository.partition("/")[2]) in PUBLISHED_CONFIGS
}
"""Rows whose config.json and number of parameters are known here."""
WITHOUT_ROW = {
    "deepseek_v3": "its commit is not looked up yet",
    "glm4": "a chat model",
    "gpt_oss": "its commit is not looked up yet",
    "gptj": "pickle",
    "ministral3": "published with what sees",
    "nemotron": "pickle",
}
"""Families of whose models here none has a row, and why; a text model has that of the model around it."""


def test_every_family_has_a_row_whose_size_is_published() -> None:
    found = {config["model_type"] for config, _ in SIZED.values()}
    assert {name for name in FAMILIES.keys() - found if name.removesuffix("_text") not in found} == WITHOUT_ROW.keys()


@pytest.mark.parametrize("name", SIZED)
def test_size_in_a_name_is_that_of_the_model(name: str) -> None:
    """To a third, since what is called 2b has 2.6 billion; of experts, all or those for a token may be meant."""
    _, count = SIZED[name]
    sizes = [float(size) * {"b": 1e9, "m": 1e6}[unit] for size, unit in re.findall(r"-([\d.]+)([bm])\b", name)]
    assert not sizes or count == pytest.approx(max(sizes), rel=1 / 3)


PYTHIA = {
    "pythia-70m": (512, 8, 6, 50304, 70_426_624),
    "pythia-160m": (768, 12, 12, 50304, 162_322_944),
    "pythia-410m": (1024, 16, 24, 50304, 405_334_016),
    "pythia-1b": (2048, 8, 16, 50304, 1_011_781_632),
    "pythia-1.4b": (2048, 16, 24, 50304, 1_414_647_808),
    "pythia-2.8b": (2560, 32, 32, 50304, 2_775_208_960),
    "pythia-6.9b": (4096, 32, 32, 50432, 6_857_302_016),
    "pythia-12b": (5120, 40, 36, 50688, 11_846_072_320),
}
"""Width, heads, layers and rows of the vocabulary of each, and its parameters as the suite's page has them."""


@pytest.mark.parametrize("name", PYTHIA)
def test_pythia_has_as_many_parameters_as_its_page_says(name: str) -> None:
    width, heads, layers, vocab, count = PYTHIA[name]
    assert KNOWN[name].repository == f"EleutherAI/{name}"
    config = CONFIGS["pythia-6.9b"][0] | {"hidden_size": width, "intermediate_size": 4 * width, "vocab_size": vocab}
    config |= {"num_attention_heads": heads, "num_hidden_layers": layers}
    family = find_family(config)
    assert count_parameters(family.describe_parameters(family.parse_config(config))) == count


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
