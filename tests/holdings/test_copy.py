"""Copies between stores of both kinds, disturbed and not."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pytest

from byheart.contracts.errors import SettingsError, StoreError
from byheart.holdings.contents import list_contents
from byheart.holdings.copy import Copied, copy
from byheart.holdings.transfer import Outcome
from byheart.scores.logits import LogitsStore
from byheart.scores.store import Reuse, ScoreStore
from byheart.store import Store, open_store
from byheart.store.local import LocalStore
from tests.holdings.shelf import MODEL, PIECE_BYTES, WEIGHTS, A, B, add_model, everything, fill
from tests.scores.test_logits import arrays, kept
from tests.scores.test_store import PARTS, KilledError, computed

WEIGHTS_NAME = f"models/{MODEL}/model.safetensors"


def copy_all(source: Store, target: Store) -> Copied:
    contents = list_contents(source)
    return copy(source, target, contents.scores, [model for model in contents.models if model.is_whole])


def expected(source: Store) -> dict[str, bytes]:
    """What a copy has: scores without pieces of forced runs, and models that are whole."""
    of_model = everything(source, f"models/{MODEL}/")
    return {name: data for name, data in everything(source, "scores/").items() if "forced" not in name} | of_model


def test_copy_has_the_same_bytes_and_another_copies_nothing(pair: tuple[str, str]) -> None:
    source, target = fill(pair[0]), open_store(pair[1])
    copied = copy_all(source, target)
    assert everything(target) == expected(source)
    assert copied.size_bytes == sum(map(len, expected(source).values()))
    assert sorted(copied.list_names(Outcome.COPIED)) == sorted(expected(source))
    again = copy_all(source, target)
    assert (set(again.outcomes.values()), again.size_bytes) == ({Outcome.THERE}, 0)
    assert everything(target) == expected(source)


def test_logits_are_copied_but_those_that_are_damaged(pair: tuple[str, str]) -> None:
    source, target = fill(pair[0]), open_store(pair[1])
    logits = LogitsStore(source, kept("top2"))
    logits.begin(A, 90)
    logits.describe_computation(A, {"device": "cpu"})
    for window in (3, 41):
        logits.write(A, window, arrays(kept("top2"), window))
    folder = f"scores/{A}/logits-top2-float16/"
    damaged = f"{folder}logits.zarr/ids/c.41.0.0"
    source.replace(damaged, b"?" + source.read(damaged)[1:])
    copied = copy(source, target, ScoreStore(source).choose([A]))
    assert copied.list_names(Outcome.DAMAGED) == [damaged]
    held = everything(source, folder)
    assert len(held) == 3 + 1 + 4
    assert everything(target, folder) == {name: data for name, data in held.items() if name != damaged}
    (stored,) = ScoreStore(source).choose([A])
    assert [one.name for one in stored.logits] == sorted(held)
    assert (len(stored.finished), stored.pieces) == (1, 3)


def test_run_goes_on_from_a_copy(pair: tuple[str, str]) -> None:
    source, target = fill(pair[0]), open_store(pair[1])
    copy(source, target, ScoreStore(source).choose(["a"]))
    scores = ScoreStore(target)
    missing = scores.find_missing(PARTS, {}, Reuse())
    assert [one.windows.tolist() for one in missing] == [[*range(55, 80)], [*range(80, 90)], [*range(7)]]
    columns, _ = scores.read(A, 90, PARTS[0].kind, which=np.arange(55))
    assert columns["log_p_z"].tolist() == [*range(55)]


def test_large_object_goes_on_where_a_copy_was_ended(pair: tuple[str, str]) -> None:
    source, target = fill(pair[0]), open_store(pair[1])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(type(source), "read_range", ended_after(type(source).read_range, 2 * PIECE_BYTES))
        with pytest.raises(StoreError, match="the network is away"):
            copy_all(source, target)
    assert target.begun_bytes(WEIGHTS_NAME) == 2 * PIECE_BYTES
    assert not target.exists(f"models/{MODEL}/manifest.json")
    with target.grow(WEIGHTS_NAME, PIECE_BYTES) as growing:
        assert growing
        assert growing.pieces == 2
    copy_all(source, target)
    assert everything(target) == expected(source)


def ended_after(read_range: Any, size_bytes: int) -> Callable[[Store, str, int, int], bytes]:
    def read(store: Store, name: str, start: int, stop: int) -> bytes:
        if start >= size_bytes:
            raise StoreError("the network is away")
        return bytes(read_range(store, name, start, stop))

    return read


def test_pieces_of_another_object_are_not_gone_on_with(pair: tuple[str, str]) -> None:
    source, target = fill(pair[0]), open_store(pair[1])
    with target.grow(WEIGHTS_NAME, PIECE_BYTES) as growing:
        assert growing
        growing.append(WEIGHTS[:PIECE_BYTES])
        growing.append(bytes(PIECE_BYTES))
    assert copy_all(source, target).outcomes[WEIGHTS_NAME] is Outcome.COPIED
    assert everything(target) == expected(source)


def test_other_bytes_at_the_target_stay_and_are_told(pair: tuple[str, str]) -> None:
    source, target = fill(pair[0]), open_store(pair[1])
    theirs = {PARTS[0].name: b"theirs", WEIGHTS_NAME: b"?" * len(WEIGHTS)}
    for name, data in theirs.items():
        target.create(name, data)
    copied = copy_all(source, target)
    assert sorted(copied.list_names(Outcome.DIFFERS)) == sorted(theirs)
    assert {name: target.read(name) for name in theirs} == theirs
    assert not target.exists(f"models/{MODEL}/manifest.json"), "it would say that the model is whole"
    assert len(copied.list_names(Outcome.COPIED)) == len(expected(source)) - 3


def test_damaged_part_is_told_and_goes_nowhere(pair: tuple[str, str]) -> None:
    source, target = fill(pair[0]), open_store(pair[1])
    source.replace(PARTS[0].name, source.read(PARTS[0].name)[:-1])
    assert copy_all(source, target).list_names(Outcome.DAMAGED) == [PARTS[0].name]
    assert not target.exists(PARTS[0].name)
    assert target.exists(PARTS[3].name)


def test_part_that_is_put_together_while_it_is_copied_comes_finished(pair: tuple[str, str]) -> None:
    source, target = fill(pair[0]), open_store(pair[1])
    scores = ScoreStore(source)
    chosen = scores.choose(["a"])
    scores.write(PARTS[1], computed(range(55, 80)), Reuse())
    assert scores.put_together(PARTS[1], Reuse())
    copied = copy(source, target, chosen)
    assert set(copied.outcomes.values()) == {Outcome.COPIED}
    assert everything(target) == {name: data for name, data in expected(source).items() if A in name}


def test_address_that_is_removed_while_it_is_copied_is_told(pair: tuple[str, str]) -> None:
    source, target = fill(pair[0]), open_store(pair[1])
    chosen = ScoreStore(source).choose(["b"])
    source.delete(PARTS[3].name)
    assert copy(source, target, chosen).outcomes == {PARTS[3].name: Outcome.GONE}
    assert everything(target) == {}


def test_pieces_of_a_part_that_the_target_has_finished_stay(pair: tuple[str, str]) -> None:
    source, target = fill(pair[0]), open_store(pair[1])
    ScoreStore(target).write(PARTS[1], computed(PARTS[1].windows), Reuse())
    copy_all(source, target)
    assert [name for name in everything(target) if ".pieces/" in name] == []


def test_four_copies_at_once_do_each_other_no_harm(pair: tuple[str, str]) -> None:
    source = fill(pair[0])
    with ThreadPoolExecutor(4) as pool:
        copies = list(pool.map(lambda _: copy_all(open_store(pair[0]), open_store(pair[1])), range(4)))
    assert everything(open_store(pair[1])) == expected(source)
    assert set().union(*(copied.outcomes.values() for copied in copies)) <= {Outcome.COPIED, Outcome.THERE}
    assert all(len(copied.outcomes) == len(expected(source)) for copied in copies)


class MortalStore(LocalStore):
    """A folder whose process, with all its threads, is killed where it creates an object, before or after."""

    def __init__(self, folder: str, changes: int, *, before: bool) -> None:
        super().__init__(folder)
        self.changes, self.before, self.lock = iter(range(changes, -1, -1)), before, threading.Lock()

    def create(self, name: str, data: bytes | BinaryIO) -> bool:
        with self.lock:
            left = next(self.changes, 0)
        if left == 0 or (left == 1 and self.before):
            raise KilledError
        created = super().create(name, data)
        if left == 1:
            raise KilledError
        return created


def test_copy_that_is_killed_at_any_change_leaves_nothing_half_and_goes_on(tmp_path: Path) -> None:
    source = fill(str(tmp_path / "source"))
    kills = 0
    for changes in range(1, 100):
        target = str(tmp_path / f"target-{changes}")
        try:
            copy_all(source, MortalStore(target, changes, before=changes % 2 == 0))
            break
        except KilledError:
            kills += 1
        left = LocalStore(target)
        assert {stored.name: left.read(stored.name) for stored in left.list()}.items() <= expected(source).items()
        if left.exists(f"models/{MODEL}/manifest.json"):
            assert left.read(WEIGHTS_NAME) == WEIGHTS
        copy_all(source, left)
        assert everything(left) == expected(source)
    assert kills == len(expected(source)) - 1, "the weights grow"


def test_target_that_keeps_other_bytes_than_it_was_given_ends_the_copy(tmp_path: Path) -> None:
    class Bent(LocalStore):
        def create(self, name: str, data: bytes | BinaryIO) -> bool:
            assert isinstance(data, bytes)
            return super().create(name, data[:-1] + bytes([data[-1] ^ 1]) if name == PARTS[3].name else data)

    source = fill(str(tmp_path / "source"))
    with pytest.raises(StoreError, match=f"{PARTS[3].name} must hold the bytes that were copied, found others: remove"):
        copy(source, Bent(str(tmp_path / "target")), ScoreStore(source).choose(["b"]))


def test_target_that_is_too_small_is_refused_before_anything_is_copied(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, target = fill(str(tmp_path / "source")), open_store(str(tmp_path / "target"))
    needed = sum(map(len, expected(source).values()))
    monkeypatch.setattr(target, "free_bytes", lambda: needed - 1)
    with pytest.raises(StoreError, match=f"must have {needed:,} bytes free for the copy, found {needed - 1:,} at "):
        copy_all(source, target)
    assert everything(target) == {}
    monkeypatch.setattr(target, "free_bytes", lambda: needed)
    copy_all(source, target)


def test_store_is_not_copied_into_itself(address: str) -> None:
    fill(address)
    with pytest.raises(SettingsError, match=r"a copy needs another store, found .* twice: name another"):
        copy_all(open_store(address), open_store(f"{address}/"))


def test_progress_counts_every_byte_once(pair: tuple[str, str]) -> None:
    source, totals, done = fill(pair[0]), list[int](), list[int]()
    lock = threading.Lock()

    def add(count: int) -> None:
        with lock:
            done.append(count)

    copy(source, open_store(pair[1]), ScoreStore(source).choose(["a", "b"]), begin=totals.append, report=add)
    add_model(source, "org--more@1", WEIGHTS)
    assert totals == [sum(done)]
    assert sum(done) == sum(len(data) for name, data in expected(source).items() if A in name or B in name)
