"""Removal by name and by age."""

import dataclasses
import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from byheart.contracts.errors import SettingsError, StoreError
from byheart.holdings.contents import Contents, choose_models, list_contents
from byheart.holdings.remove import Removal, choose_older, parse_age, remove
from byheart.scores.catalogue import StoredScores
from byheart.scores.store import Reuse, ScoreStore
from byheart.store import Store, open_store
from byheart.store.local import LocalStore
from byheart.store.stored import Stored
from tests.holdings.shelf import MODEL, OTHER, A, B, everything, fill
from tests.scores.test_store import PARTS, KilledError, computed

DAY = timedelta(days=1)


@pytest.mark.parametrize(("text", "age"), [("30d", 30 * DAY), ("2w", 14 * DAY), ("12h", DAY / 2), (" 1d ", DAY)])
def test_age_is_hours_days_or_weeks(text: str, age: timedelta) -> None:
    assert parse_age(text) == age


@pytest.mark.parametrize("text", ["", "30", "d", "3m", "-1d", "1.5d", "1d2h", "999999w"])
def test_age_that_is_unclear_is_refused(text: str) -> None:
    with pytest.raises(SettingsError, match=r"as 12h, 30d or 2w, found '.*': write it so") as caught:
        parse_age(text)
    assert caught.value.parameter == "older_than"


def aged(contents: Contents, is_old: Callable[[Stored], bool]) -> Contents:
    """The contents, of which some have not been changed for ten days, the others for an hour."""

    def age(objects: list[Stored]) -> list[Stored]:
        now = datetime.now(UTC)
        return [
            dataclasses.replace(stored, created=now - (10 * DAY if is_old(stored) else DAY / 24)) for stored in objects
        ]

    return Contents(
        scores=[StoredScores(address=held.address, objects=age(held.objects)) for held in contents.scores],
        models=[dataclasses.replace(model, objects=age(model.objects)) for model in contents.models],
        runs=[dataclasses.replace(group, objects=age(group.objects)) for group in contents.runs],
        registered=age(contents.registered),
        hashes=age(contents.hashes),
        leftovers=age(contents.leftovers),
    )


def test_by_age_go_scores_and_leftovers_and_no_models_or_records(tmp_path: Path) -> None:
    store = fill(str(tmp_path))
    for folder in ("scores", f"models/{OTHER}"):
        (tmp_path / folder / ".byheart-1234.tmp").write_bytes(b"left by a kill")
    removal = choose_older(aged(list_contents(store), lambda _: True), 9 * DAY)
    remove(store, removal)
    left = everything(store)
    assert {name.split("/")[0] for name in left} == {"models", "runs", "registered", "hashes"}
    assert f"models/{MODEL}/manifest.json" in left
    assert not any(".byheart-" in name for name in left)


def test_by_age_nothing_young_goes(address: str) -> None:
    removal = choose_older(aged(list_contents(fill(address)), lambda _: False), 9 * DAY)
    assert removal.objects == []


def test_address_of_which_anything_is_young_stays(address: str) -> None:
    contents = aged(list_contents(fill(address)), lambda stored: "0000050" not in stored.name)
    removal = choose_older(contents, 9 * DAY)
    assert [held.address for held in removal.scores] == [B]


def test_pieces_of_an_abandoned_forced_run_go_from_an_address_that_stays(address: str) -> None:
    """They stay there for good else: no other run reads them, and none finishes their part."""
    store = fill(address)
    removal = choose_older(aged(list_contents(store), lambda stored: "forced" in stored.name), 9 * DAY)
    before = everything(store)
    remove(store, removal)
    gone = before.keys() - everything(store).keys()
    assert [name.split("/")[1:5] for name in gone] == [[A, "small", "part-00002.pieces", "forced"]]
    assert (removal.size_bytes, removal.scores) == (sum(len(before[name]) for name in gone), [])


def test_forced_run_that_still_writes_keeps_its_old_pieces(address: str) -> None:
    store = fill(address)
    ScoreStore(store).write(PARTS[1], computed(range(60, 64)), Reuse(run="forced"))
    contents = aged(list_contents(store), lambda stored: "part-00002.pieces/forced" in stored.name)
    assert choose_older(contents, 9 * DAY).objects == []


def test_old_pieces_that_a_run_would_go_on_from_stay_beside_what_is_young(address: str) -> None:
    contents = aged(list_contents(fill(address)), lambda stored: ".pieces/" in stored.name)
    assert [piece.name.split("/")[4] for piece in choose_older(contents, 9 * DAY).objects] == ["forced"]


def test_what_is_chosen_by_name_goes_whole_and_nothing_else(address: str) -> None:
    store = fill(address)
    contents = list_contents(store)
    before = everything(store)
    removal = Removal(scores=ScoreStore(store).choose(["a"]), models=choose_models(contents.models, ["org/other"]))
    remove(store, removal)
    assert before.keys() - everything(store).keys() == {name for name in before if A in name or OTHER in name}
    assert removal.size_bytes == sum(len(before[name]) for name in before.keys() - everything(store).keys())


def test_model_that_is_brought_in_part_goes_with_what_is_there_of_it(address: str) -> None:
    store = open_store(address)
    with store.grow(f"models/{MODEL}/model.safetensors", 10) as growing:
        assert growing
        growing.append(b"ten bytes.")
    remove(store, Removal(models=list_contents(store).models))
    assert everything(store) == {}


def test_only_what_was_written_in_the_last_minutes_may_be_written_right_now(tmp_path: Path) -> None:
    store = fill(str(tmp_path))
    scores = ScoreStore(store)
    assert Removal(scores=scores.choose(["b"])).is_recent
    old = (datetime.now(UTC) - timedelta(minutes=11)).timestamp()
    for path in (tmp_path / "scores" / B).rglob("*.parquet"):
        os.utime(path, (old, old))
    assert not Removal(scores=scores.choose(["b"])).is_recent
    assert not Removal().is_recent


def test_removal_that_is_killed_leaves_no_model_that_looks_whole(tmp_path: Path) -> None:
    class MortalStore(LocalStore):
        def delete(self, name: str) -> None:
            if name.endswith("model.safetensors"):
                raise KilledError
            super().delete(name)

    store: Store = fill(str(tmp_path))
    removal = Removal(
        scores=ScoreStore(store).choose(["a"]), models=choose_models(list_contents(store).models, ["org/small"])
    )
    with pytest.raises(KilledError):
        remove(MortalStore(str(tmp_path)), removal)
    assert not store.exists(f"models/{MODEL}/manifest.json")
    assert ScoreStore(store).read_about(ScoreStore(store).find("a"))["what"] == "windows"


def test_store_that_may_not_be_changed_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = fill(str(tmp_path))

    def refused(path: Path, missing_ok: bool = False) -> None:  # noqa: ARG001
        raise PermissionError(1, "Operation not permitted")  # what root is spared

    monkeypatch.setattr(Path, "unlink", refused)
    with pytest.raises(StoreError, match=r"cannot delete .*: Operation not permitted"):
        remove(store, Removal(scores=ScoreStore(store).choose(["b"])))
