"""What a store holds, as one."""

from datetime import timedelta
from pathlib import Path

import pytest

from byheart.contracts.errors import SettingsError, StoreError
from byheart.holdings.contents import KeptModel, choose_models, list_contents, read_model_titles
from byheart.holdings.remove import choose_older, remove
from byheart.scores.store import ScoreStore
from byheart.store import open_store
from tests.holdings.shelf import ABOUT, MODEL, OTHER, WEIGHTS, A, B, add_model, everything, fill


def test_contents_name_and_count_all_that_is_there(address: str) -> None:
    store = fill(address)
    contents = list_contents(store)
    assert {held.address for held in contents.scores} == {A, B}
    assert {model.title: model.is_whole for model in contents.models} == {
        f"org/small@{'1' * 40}": True,
        f"org/other@{'2' * 40}": False,
    }
    assert [stored.name.partition("/")[0] for stored in contents.leftovers] == ["compiled"], "of an older release"
    assert [len(group.objects) for group in contents.runs] == [1]
    assert contents.size_bytes == sum(map(len, everything(store).values()))
    assert len(contents.hashes) == 1


def test_programs_of_an_older_release_are_listed_whatever_their_names_and_no_more_than_removed(address: str) -> None:
    store = open_store(address)
    names = [f"compiled/TPU-jax-1/{name}" for name in ("jit_score-cache", "folder/in/it-cache", "folder/-atime")]
    for name in names:
        store.create(name, b"native code")
    contents = list_contents(store)
    assert {stored.name for stored in contents.leftovers} == set(names)
    remove(store, choose_older(contents, timedelta(0)))
    assert list_contents(store).size_bytes == 0


def test_finished_parts_open_pieces_and_orphans_are_told_apart(address: str) -> None:
    store = fill(address)
    part = f"scores/{A}/small/part-00000"
    store.create(f"{part}.pieces/0000000-0000001-late.parquet", b"a piece of a finished part")
    held = ScoreStore(store).find("a")
    assert [stored.name for stored in held.finished] == [f"{part}.parquet"]
    assert [stored.name.split("/")[3] for stored in held.open_pieces] == ["part-00001.pieces"] * 2
    assert [stored.name.split("/")[3:5] for stored in held.orphans] == [
        ["part-00000.pieces", "0000000-0000001-late.parquet"],
        ["part-00002.pieces", "forced"],
    ]


def test_model_that_is_being_brought_takes_the_room_of_what_is_there(address: str) -> None:
    store = open_store(address)
    with store.grow(f"models/{MODEL}/model.safetensors", 10) as growing:
        assert growing
        growing.append(b"ten bytes.")
    [model] = list_contents(store).models
    assert (model.size_bytes, model.is_whole, len(model.leftovers)) == (10, False, 1)


def test_store_with_nothing_holds_nothing(address: str) -> None:
    contents = list_contents(open_store(address))
    assert (contents.scores, contents.models, contents.size_bytes) == ([], [], 0)


def test_place_with_other_things_is_no_store(address: str) -> None:
    open_store(address).create("photos/cat.jpg", b"a cat")
    with pytest.raises(
        StoreError, match=r"must be one that byheart has written to.* found neither .* at .*(shelf|prefix)"
    ):
        list_contents(open_store(address))


@pytest.mark.usefixtures("server")
def test_bucket_that_is_not_there_is_named() -> None:
    with pytest.raises(StoreError, match="found no gs://nowhere: create it"):
        list_contents(open_store("gs://nowhere/byheart"))


MIRRORED = f"hub-mirror.example-0123abcd--org--mirrored@{'6' * 40}"
"""A model that another hub gave."""


@pytest.mark.parametrize(
    ("name", "chosen"),
    [
        ("org/small", [MODEL]),
        ("org--small", [MODEL]),
        (f"models/{MODEL}", [MODEL]),
        (f"org/small@{'1' * 8}", [MODEL]),
        ("org/twice", [f"org--twice@{'3' * 40}", f"org--twice@{'4' * 40}"]),
        ("smollm2-135m", [f"HuggingFaceTB--SmolLM2-135M@{'5' * 40}"]),
        ("org/mirrored", [MIRRORED]),
        ("org/mirr", [MIRRORED]),
        ("hub-mirror.example-0123abcd/org--mirrored", [MIRRORED]),
    ],
)
def test_models_are_chosen_by_name(tmp_path: Path, name: str, chosen: list[str]) -> None:
    store = fill(str(tmp_path))
    twice = [f"org--twice@{commit * 40}" for commit in "34"]
    for other in (*twice, f"HuggingFaceTB--SmolLM2-135M@{'5' * 40}", MIRRORED):
        add_model(store, other, b"weights")
    assert [model.name for model in choose_models(list_contents(store).models, [name, name])] == chosen


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("org/", r"must be the only one that begins with 'org/', found org/other@2+, org/small@1+: give more"),
        ("org/large", r"found no 'org/large'; there: org/other@2+, org/small@1+: choose"),
    ],
)
def test_model_that_is_not_there_is_refused_with_those_that_are(tmp_path: Path, name: str, said: str) -> None:
    with pytest.raises(StoreError, match=said):
        choose_models(list_contents(fill(str(tmp_path))).models, [name])


@pytest.mark.parametrize(
    ("beginnings", "said"),
    [
        (["zz"], r"must begin with 'zz', found none of the 3 at .*: `byheart store list` names them"),
        (["aaab"], r"must begin with 'aaab', found none of the 3 at .*, the nearest is a{32}: "),
        (["a"], r"the only one that begins with 'a', found 2: a{32}, ac{31}: give more of it"),
    ],
)
def test_address_that_is_unclear_is_refused_with_what_is_there(
    tmp_path: Path, beginnings: list[str], said: str
) -> None:
    store = fill(str(tmp_path))
    store.create(f"scores/a{'c' * 31}/about.json", b"{}")
    with pytest.raises(StoreError, match=said):
        ScoreStore(store).choose(beginnings)


def test_addresses_are_chosen_once_each_and_however_they_are_pasted(tmp_path: Path) -> None:
    scores = ScoreStore(fill(str(tmp_path)))
    assert [held.address for held in scores.choose(["b", "aa", f"scores/{A}/"])] == [B, A]
    with pytest.raises(SettingsError, match="an address must be given, found none"):
        scores.choose([""])
    with pytest.raises(StoreError, match="found no scores there yet"):
        ScoreStore(open_store(str(tmp_path / "empty"))).choose(["a"])


def test_description_that_is_damaged_says_nothing(address: str) -> None:
    store = fill(address)
    store.create(f"scores/{B}/about.json", b'{"what": ')
    scores = ScoreStore(store)
    assert scores.read_abouts([*scores.choose(["b"]), *scores.choose(["a"])])[0] == {}
    assert read_model_titles(scores.read_about(scores.find("a"))) == [f"org/small@{'1' * 40}"]
    assert read_model_titles({}) == [""]
    assert read_model_titles({**ABOUT, "model": {"source": "folder", "commit": None}}) == [""]
    adapted = {"source": "org/poet", "commit": "2" * 40, "adapter": {"base": "org/small", "base_commit": "1" * 40}}
    assert read_model_titles({"model": adapted}) == [f"adapter/org--poet@{'2' * 40}", f"org/small@{'1' * 40}"]
    assert KeptModel(name=f"adapter--org--poet@{'2' * 40}", objects=[]).title == f"adapter/org--poet@{'2' * 40}"


def test_model_whose_files_are_not_as_the_manifest_says_is_no_whole_one(address: str) -> None:
    store = fill(address)
    store.replace(f"models/{MODEL}/model.safetensors", WEIGHTS[:-1])
    [model] = choose_models(list_contents(store).models, ["org/small"])
    with pytest.raises(
        StoreError, match=f"must have {len(WEIGHTS):,} bytes, found {len(WEIGHTS) - 1:,}: fetch it again"
    ):
        model.list_files(store)
    store.replace(f"models/{MODEL}/manifest.json", b"{")
    with pytest.raises(StoreError, match=r"must have a readable manifest.json, found a damaged one"):
        model.list_files(store)
    assert OTHER not in model.name
