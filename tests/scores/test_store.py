"""Parts that grow by pieces, over stores of both kinds."""

import dataclasses
import itertools
import random
import tempfile
from collections.abc import Callable, Iterable
from typing import Any, BinaryIO

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from byheart.contracts.errors import StoreError
from byheart.scores import batches as batches_module
from byheart.scores.batches import Batch, Unwritten, choose_batches
from byheart.scores.kinds import SCORES, Column, Kind
from byheart.scores.parts import Missing, Part, Rows, encode_part, encode_piece, list_parts, list_shard_parts
from byheart.scores.store import Reuse, ScoreStore
from byheart.store import Store, open_store
from byheart.store.local import LocalStore

pytestmark = pytest.mark.slow

SMALL = dataclasses.replace(SCORES, name="small", part_windows=40)
WINDOWS = {"a" * 32: 90, "b" * 32: 7}
"""Three parts, and one."""
PARTS = list_shard_parts(WINDOWS, SMALL, 1, 1)
PART = PARTS[0]
CPU, TPU = {"device": "cpu"}, {"device": "tpu"}


def computed(windows: Iterable[int], on: dict[str, Any] = CPU) -> Rows:
    """What a model that looks only at a window's number finds of it."""
    numbers = np.array(list(windows), np.int32)
    tokens = numbers[:, None] + np.arange(3) / 8
    columns = {
        name: (tokens if column.per_token else numbers).astype(column.dtype) for name, column in SMALL.columns.items()
    }
    return Rows.sort(numbers, columns, on)


def undisturbed(part: Part) -> bytes:
    return encode_part(part, computed(part.windows))


def stored(store: Store) -> dict[str, bytes]:
    return {one.name: store.read(one.name) for one in store.list("scores/")}


EXPECTED = {part.name: undisturbed(part) for part in PARTS}


@pytest.mark.parametrize("shards", [1, 2, 5, 9])
def test_shards_share_every_part_once_and_evenly(shards: int) -> None:
    shared = [list_shard_parts(WINDOWS, SMALL, shard, shards) for shard in range(1, shards + 1)]
    assert sorted((part.address[0], part.number, len(part.windows)) for parts in shared for part in parts) == [
        ("a", 0, 40), ("a", 1, 40), ("a", 2, 10), ("b", 0, 7),
    ]  # fmt: skip
    numbers = [len(parts) for parts in shared]
    assert max(numbers) - min(numbers) <= 1


@hypothesis_settings(max_examples=60)
@given(st.data())
def test_finished_part_has_the_same_bytes_however_it_grew(data: st.DataObject) -> None:
    """Pieces may be cut anywhere, come in any order, hold gaps and overlap."""
    pieces = data.draw(st.lists(st.sets(st.sampled_from(list(PART.windows)), min_size=1), max_size=6))
    rest = sorted(set(PART.windows).difference(*pieces))
    cut = data.draw(st.integers(0, len(rest)))
    pieces += [set(some) for some in (rest[:cut], rest[cut:]) if some]
    with tempfile.TemporaryDirectory() as folder:
        scores = ScoreStore(open_store(folder))
        for piece in data.draw(st.permutations(pieces)):
            scores.write(PART, computed(data.draw(st.permutations(sorted(piece)))), Reuse())
        assert scores.put_together(PART, Reuse())
        assert stored(scores.store) == {PART.name: EXPECTED[PART.name]}


def test_part_that_is_all_in_memory_is_written_without_pieces(address: str) -> None:
    scores = ScoreStore(open_store(address))
    scores.write(PART, computed(PART.windows), Reuse())
    assert stored(scores.store) == {PART.name: EXPECTED[PART.name]}


def test_another_kind_lies_beside_scores_in_parts_of_its_own_size(address: str) -> None:
    logits = Kind(name="logits", columns={"logits": Column(dtype="float16", per_token=True, width=5)}, part_windows=4)
    assert [logits.estimate_part_bytes(n, 3) - logits.estimate_part_bytes(0, 3) for n in (1, 4)] == [
        2 * 3 * 5,
        4 * 2 * 3 * 5,
    ]
    values, on = np.arange(7 * 15, dtype=np.float16).reshape(7, 15), [{"device": "gpu"}]
    scores = ScoreStore(open_store(address))
    scores.write(PARTS[-1], computed(range(7)), Reuse())
    parts = list_parts("b" * 32, 7, logits)
    for windows in ([6, 0], [2], [1, 3], [4, 5]):
        for part in parts:
            if some := [window for window in windows if window in part.windows]:
                scores.write(part, Rows.sort(np.array(some), {"logits": values[some]}, *on), Reuse())
    assert not scores.find_missing(parts, {}, Reuse())
    assert all(scores.put_together(part, Reuse()) for part in parts)
    assert [name.split("/", 2)[2] for name in stored(scores.store)] == [
        "logits/part-00000.parquet", "logits/part-00001.parquet", "small/part-00000.parquet",
    ]  # fmt: skip
    columns, computed_on = scores.read("b" * 32, 7, logits)
    assert (columns["logits"].tolist(), computed_on) == (values.tolist(), on)
    assert scores.find("b").parts == 3


def test_windows_asked_for_are_all_that_is_computed_and_can_be_read_from_pieces(address: str) -> None:
    scores, every_third = ScoreStore(open_store(address)), np.arange(0, 90, 3)
    asked = {"a" * 32: every_third, "b" * 32: np.arange(0)}
    missing = scores.find_missing(PARTS, asked, Reuse())
    assert np.concatenate([one.windows for one in missing]).tolist() == every_third.tolist()
    for one in missing:
        scores.write(one.part, computed(one.windows), Reuse())
    assert not scores.find_missing(PARTS, asked, Reuse())
    columns, computed_on = scores.read("a" * 32, 90, SMALL, which=every_third)
    assert (columns["log_p_z"].tolist(), computed_on) == (every_third.tolist(), [CPU])
    with pytest.raises(StoreError, match="pieces with its 40 windows, found 14 of them: run again"):
        scores.read("a" * 32, 90, SMALL)

    for one in scores.find_missing(PARTS, {}, Reuse()):  # the rest, later: nothing is computed twice
        assert not set(one.windows) & set(every_third if one.part.address[0] == "a" else ())
        scores.write(one.part, computed(one.windows), Reuse())
        scores.put_together(one.part, Reuse())
    assert stored(scores.store) == EXPECTED
    columns, _ = scores.read("a" * 32, 90, SMALL, which=np.array([80, 5, 41]))
    assert columns["token_log_probs"].tolist() == [[n, n + 0.125, n + 0.25] for n in (5, 41, 80)]


def test_what_windows_were_computed_on_is_kept_by_runs_of_windows_and_merged(address: str) -> None:
    scores = ScoreStore(open_store(address))
    for windows, on in ((range(10), CPU), (range(10, 30), TPU), (range(30, 35), CPU), (range(35, 40), dict(CPU))):
        scores.write(PART, computed(windows, on), Reuse())
    assert scores.put_together(PART, Reuse())
    _, computed_on = scores.read(PART.address, 90, SMALL, which=np.arange(40))
    assert computed_on == [CPU, TPU]
    _, computed_on = scores.read(PART.address, 90, SMALL, which=np.arange(12, 28))
    assert computed_on == [TPU]


def test_of_pieces_that_overlap_the_first_name_is_taken(address: str) -> None:
    """Whatever the order in which they came."""
    found = []
    for order in (1, -1):
        scores = ScoreStore(open_store(f"{address}/{order}"))
        for windows, on in [(range(25), CPU), (range(15, 40), TPU)][::order]:
            scores.write(PART, computed(windows, on), Reuse())
        scores.put_together(PART, Reuse())
        found.append(stored(scores.store))
    assert found[0] == found[1]
    _, computed_on = scores.read(PART.address, 90, SMALL, which=np.arange(15, 25))
    assert computed_on == [CPU]


def test_damaged_part_is_missing_until_it_has_been_replaced(address: str) -> None:
    scores = ScoreStore(open_store(address))
    for part in PARTS:
        scores.write(part, computed(part.windows), Reuse())
    scores.store.replace(PARTS[0].name, EXPECTED[PARTS[1].name])
    scores.store.replace(PARTS[1].name, EXPECTED[PARTS[1].name][:-1])
    replaced = scores.find_unusable(PARTS, force=False)
    assert replaced.keys() == {PARTS[0].name, PARTS[1].name}
    reuse = Reuse(replaced=replaced)
    assert [one.part for one in scores.find_missing(PARTS, {}, reuse)] == PARTS[:2]
    scores.write(PARTS[0], computed(PARTS[0].windows), reuse)
    assert [one.part for one in scores.find_missing(PARTS, {}, reuse)] == PARTS[1:2]
    for windows in (range(40, 60), range(60, 80)):
        scores.write(PARTS[1], computed(windows), reuse)
    scores.put_together(PARTS[1], reuse)
    assert stored(scores.store) == EXPECTED


def test_damaged_piece_is_computed_again(address: str) -> None:
    store = open_store(address)
    ScoreStore(store).write(PART, computed(range(20)), Reuse())
    (piece,) = store.list("scores/")
    store.replace(piece.name, store.read(piece.name)[:-3])
    scores = ScoreStore(store)
    assert len(scores.find_missing([PART], {}, Reuse())[0].windows) == 40
    for windows in (range(20), range(20, 40)):  # the first has the damaged one's name
        scores.write(PART, computed(windows), Reuse())
    assert scores.put_together(PART, Reuse())
    assert stored(store) == {PART.name: EXPECTED[PART.name]}


def test_forced_run_computes_everything_anew_and_nothing_twice(address: str) -> None:
    scores = ScoreStore(open_store(address))
    scores.write(PARTS[0], computed(PARTS[0].windows, TPU), Reuse())
    scores.write(PARTS[1], computed(range(40, 60), TPU), Reuse())
    forced = Reuse(replaced=scores.find_unusable(PARTS, force=True), run="this")
    assert sum(len(one.windows) for one in scores.find_missing(PARTS, {}, forced)) == 97
    for part in PARTS[:2]:
        scores.write(part, computed(list(part.windows)[:30]), forced)
    assert scores.read("a" * 32, 90, SMALL, which=np.arange(40))[1] == [TPU], "the old part is there until the end"
    assert scores.read("a" * 32, 90, SMALL, which=np.arange(30), reuse=forced)[1] == [CPU]
    after_a_kill = ScoreStore(scores.store).find_missing(PARTS, {}, forced)
    assert sum(len(one.windows) for one in after_a_kill) == 97 - 60
    other = Reuse(replaced=forced.replaced, run="other")
    assert sum(len(one.windows) for one in scores.find_missing(PARTS, {}, other)) == 97
    for one in after_a_kill:
        scores.write(one.part, computed(one.windows), forced)
        scores.put_together(one.part, forced)
    assert stored(scores.store) == EXPECTED
    assert not ScoreStore(scores.store).find_missing(PARTS, {}, forced)


class KilledError(Exception):
    """The process is gone."""


class MortalStore(LocalStore):
    """A folder whose process is killed at a change of it, before or after it is done."""

    def __init__(self, folder: str, changes: int, *, before: bool) -> None:
        super().__init__(folder)
        self.left, self.before = changes, before

    def create(self, name: str, data: bytes | BinaryIO) -> bool:
        return self._change(super().create, name, data)

    def replace(self, name: str, data: bytes | BinaryIO) -> None:
        self._change(super().replace, name, data)

    def delete(self, name: str) -> None:
        self._change(super().delete, name)

    def _change(self, change: Any, *arguments: Any) -> Any:
        self.left -= 1
        if not self.left and self.before:
            raise KilledError
        done = change(*arguments)
        if not self.left:
            raise KilledError
        return done


def at_once(write: Callable[[], object]) -> None:
    write()


def run(store: Store, name: str, reuse: Reuse, counted: list[int], batch_size: int = 4) -> None:
    """What the stages do over a store, with a model that counts the windows it is given."""
    scores = ScoreStore(store)
    scores.tidy(PARTS, reuse)
    missing = scores.find_missing(PARTS, {}, reuse)
    unwritten = Unwritten(scores, reuse, CPU, at_once)
    for batch in choose_batches(scores, missing, reuse, batch_size=batch_size, run=name, leave_out=lambda *_: None):
        assert len(batch.windows) <= batch_size
        counted += batch.windows.tolist()
        unwritten.add(batch, computed(batch.windows).columns)
    unwritten.leave()


@pytest.mark.parametrize("force", [False, True])
@pytest.mark.parametrize("seed", range(12))
def test_kills_at_random_give_the_same_bytes_and_cost_what_was_not_written(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch, seed: int, force: bool
) -> None:
    """Each batch is a piece here, so a kill costs a batch."""
    monkeypatch.setattr(batches_module, "PIECE_SECONDS", 0.0)
    store, dice, kills = LocalStore(str(tmp_path)), random.Random(seed), 0
    counted: list[int] = []
    if force:
        for part in PARTS[1:]:
            store.create(part.name, encode_part(part, computed(part.windows, TPU)))
    reuse = Reuse(replaced=ScoreStore(store).find_unusable(PARTS, force=force), run="forced" if force else "")
    while True:
        mortal = MortalStore(str(tmp_path), dice.randint(1, 12), before=dice.random() < 0.5)
        try:
            run(mortal, str(dice.random()), reuse, counted)
            break
        except KilledError:
            kills += 1
    assert kills > 2
    assert stored(store) == EXPECTED
    assert len(counted) <= 97 + 4 * kills


def test_run_that_ends_after_its_last_piece_is_put_together_by_the_next(tmp_path: Any) -> None:
    store = LocalStore(str(tmp_path))
    for windows in (range(20), range(20, 40)):
        ScoreStore(store).write(PART, computed(windows), Reuse())
    left_over = stored(store)
    scores = ScoreStore(store)
    assert not scores.find_missing([PART], {}, Reuse())
    assert scores.read(PART.address, 90, SMALL, which=np.arange(40))[0]["log_p_z"].tolist() == list(range(40))
    scores.tidy(PARTS, Reuse())
    assert stored(store) == {PART.name: EXPECTED[PART.name]}
    for name, data in left_over.items():  # as by a kill before they were deleted
        store.create(name, data)
    scores.tidy(PARTS, Reuse())
    assert stored(store) == {PART.name: EXPECTED[PART.name]}


@pytest.mark.parametrize("name", ["one", "two", "three", "four"])
def test_run_takes_every_window_once_wherever_it_begins(tmp_path: Any, name: str) -> None:
    counted: list[int] = []
    run(LocalStore(str(tmp_path)), name, Reuse(), counted)
    assert sorted(counted) == sorted([*range(90), *range(7)])
    assert stored(LocalStore(str(tmp_path))) == EXPECTED


@pytest.mark.parametrize("name", ["one", "two", "three", "four"])
def test_books_are_computed_in_their_order(tmp_path: Any, name: str) -> None:
    """Within a book a run begins anywhere; of the next it takes nothing before."""
    parts = [
        part
        for address, windows in (("c" * 32, 90), ("a" * 32, 7), ("b" * 32, 50))
        for part in list_parts(address, windows, SMALL)
    ]
    scores = ScoreStore(LocalStore(str(tmp_path)))
    missing = scores.find_missing(parts, {}, Reuse())
    chosen = list(choose_batches(scores, missing, Reuse(), batch_size=4, run=name, leave_out=lambda *_: None))
    addresses = [batch.part.address[0] for batch in chosen]
    assert "".join(letter for letter, _ in itertools.groupby(addresses)) == "cab"
    windows = [(batch.part.address, window) for batch in chosen for window in batch.windows.tolist()]
    assert len(windows) == len(set(windows)) == 147


def test_run_that_finds_another_at_work_goes_on_at_another_book(tmp_path: Any) -> None:
    """The other has computed the second of forty books since this run has begun."""
    parts = [part for number in range(40) for part in list_parts(f"{number:032}", 7, SMALL)]
    scores = ScoreStore(LocalStore(str(tmp_path)))
    missing = scores.find_missing(parts, {}, Reuse())
    left_out: list[int] = []
    chosen = choose_batches(
        scores, missing, Reuse(), batch_size=7, run="one", leave_out=lambda _, count: left_out.append(count)
    )
    first = next(chosen)
    ScoreStore(scores.store).write(parts[1], computed(parts[1].windows), Reuse())
    books = [int(first.part.address), *(int(batch.part.address) for batch in chosen)]
    assert left_out == [7]
    assert books[0] == 0
    assert books[1] > 2
    assert sorted(books) == [0, *range(2, 40)]


def test_two_runs_meet_and_leave_out_what_the_other_has_done(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batches_module, "PIECE_SECONDS", 0.0)
    store = LocalStore(str(tmp_path))
    left_out: list[int] = []

    def begin(name: str) -> tuple[Any, Unwritten]:
        scores = ScoreStore(store)
        missing = scores.find_missing(PARTS, {}, Reuse())
        chosen = choose_batches(
            scores, missing, Reuse(), batch_size=4, run=name, leave_out=lambda _, count: left_out.append(count)
        )
        return chosen, Unwritten(scores, Reuse(), CPU, at_once)

    going, begun = [begin("one"), begin("two")], set()
    counted: list[int] = []
    while going:
        for batches, unwritten in list(going):
            batch: Batch | None = next(batches, None)
            if batch is None:
                unwritten.leave()
                going.remove((batches, unwritten))
                continue
            if len(counted) < 8:
                begun.add((batch.part, int(batch.windows[0])))
            counted += batch.windows.tolist()
            unwritten.add(batch, computed(batch.windows).columns)
    assert len(begun) == 2, "they begin at different places"
    assert len(counted) == 97
    assert sum(left_out) >= 80
    assert stored(store) == EXPECTED


def test_piece_that_another_run_has_written_too_and_deleted_since_ends_no_run(tmp_path: Any) -> None:
    """The other run puts the part together between the two looks of this one."""

    class Raced(LocalStore):
        def create(self, name: str, data: bytes | BinaryIO) -> bool:
            if name != PART.name:
                store.create(PART.name, EXPECTED[PART.name])
            return name == PART.name and super().create(name, data)

    store = LocalStore(str(tmp_path))
    scores = ScoreStore(Raced(str(tmp_path)))
    scores.write(PART, computed(range(20)), Reuse())
    assert scores.put_together(PART, Reuse())
    assert stored(store) == {PART.name: EXPECTED[PART.name]}


@pytest.mark.parametrize("run_name", ["", "forced"])
def test_pieces_that_come_after_their_part_is_finished_are_deleted(tmp_path: Any, run_name: str) -> None:
    scores, reuse = ScoreStore(LocalStore(str(tmp_path))), Reuse(run=run_name)
    scores.write(PART, computed(PART.windows), reuse)
    scores.write(PART, computed(range(20)), reuse)
    assert scores.put_together(PART, reuse)
    assert stored(scores.store) == {PART.name: EXPECTED[PART.name]}


def test_store_that_is_too_small_is_refused_with_both_numbers(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    scores = ScoreStore(LocalStore(str(tmp_path)))
    missing = [Missing(part=part, windows=np.array(part.windows)) for part in list_parts("a", 2_000, SCORES)]
    needed = 2 * 2**15 + 2_000 * (17 + 16 * 50) + 2 * (2**15 + 1_024 * (17 + 16 * 50))
    monkeypatch.setattr(scores.store, "free_bytes", lambda: needed)
    scores.check_room(missing, 50)
    monkeypatch.setattr(scores.store, "free_bytes", lambda: needed - 1)
    with pytest.raises(StoreError, match=f"must have {needed:,} bytes free .* found {needed - 1:,} at"):
        scores.check_room(missing, 50)


@pytest.mark.parametrize("content", [b"", b"{", b"3", b"[" * 100_000, b'{"book": "a"}', b'{"model": [1]}', b"\xff"])
def test_description_that_is_none_says_nothing(content: bytes, address: str) -> None:
    scores = ScoreStore(open_store(address))
    scores.store.create(f"scores/{'a' * 32}/about.json", content)
    assert scores.read_about(scores.find("a")) == {}


def test_description_holds_nothing_that_a_terminal_obeys(address: str) -> None:
    scores = ScoreStore(open_store(address))
    scores.describe("a" * 32, {"book": {"name": "\x1b]0;title\x07 É \u202e\n"}, "what": ["\r"]})
    about = scores.read_about(scores.find("a"))
    assert about["book"]["name"] == r"\x1b]0;title\x07 É \u202e\n"
    assert about["what"] == [r"\r"]


def test_catalogue_names_what_an_older_release_has_left(address: str) -> None:
    store = open_store(address)
    store.create(f"scores/{'c' * 32}/part-00000.parquet", b"of contract 1")
    scores = ScoreStore(store)
    scores.write(PARTS[0], computed(PARTS[0].windows), Reuse())
    scores.write(PARTS[1], computed(range(40, 50)), Reuse())
    scores.describe("a" * 32, {"what": "windows"})
    held = {one.address[0]: one for one in scores.list_addresses()}
    assert (held["a"].parts, held["a"].pieces, held["a"].is_older) == (1, 1, False)
    assert (held["c"].parts, held["c"].pieces, held["c"].is_older) == (1, 0, True)
    assert scores.read_about(held["a"])["what"] == "windows"
    assert scores.find_address("d" * 32) is None
    assert scores.find_address("a" * 32) == held["a"]


def test_piece_is_sorted_and_says_which_windows_it_holds(address: str) -> None:
    scores = ScoreStore(open_store(address))
    scores.write(PART, computed([7, 3, 5]), Reuse())
    (piece,) = stored(scores.store).items()
    assert piece[0].startswith(f"scores/{'a' * 32}/small/part-00000.pieces/0000003-0000007-")
    assert piece[1] == encode_piece(PART, computed([3, 5, 7]))
