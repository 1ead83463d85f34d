"""Which parts there are, whose they are, and which of them a store holds, over stores of both kinds."""

import dataclasses

import pytest

from byheart.scores.score_parts import Part, missing_parts, parts_of_shard
from byheart.scores.scores import PART_WINDOWS, part_to_bytes
from byheart.store import Store, open_store
from tests.scores.test_scores import some_scores

WINDOWS = {"a" * 32: PART_WINDOWS + 5, "b" * 32: 7, "c" * 32: 3 * PART_WINDOWS}


def score(store: Store, part: Part) -> None:
    store.create(part.name, part_to_bytes(some_scores(len(part.rows)), part.address, part.number, {}))


@pytest.mark.parametrize("shards", [1, 2, 5, 9])
def test_shards_share_every_part_once_and_evenly(shards: int) -> None:
    shared = [parts_of_shard(WINDOWS, shard, shards) for shard in range(1, shards + 1)]
    assert sorted((part.address[0], part.number, len(part.rows)) for parts in shared for part in parts) == [
        ("a", 0, 1_024), ("a", 1, 5), ("b", 0, 7), ("c", 0, 1_024), ("c", 1, 1_024), ("c", 2, 1_024),
    ]  # fmt: skip
    numbers = [len(parts) for parts in shared]
    assert max(numbers) - min(numbers) <= 1


def test_part_is_missing_unless_it_is_there_and_whole(address: str) -> None:
    store, parts = open_store(address), parts_of_shard(WINDOWS, 1, 1)
    assert missing_parts(store, parts, force=False) == parts
    for part in parts[:3]:
        score(store, part)
    store.replace(parts[0].name, store.read(parts[1].name))
    store.replace(parts[1].name, store.read(parts[1].name)[:-1])
    replaced = [dataclasses.replace(part, replaces=True) for part in parts[:3]]
    assert missing_parts(store, parts, force=False) == [*replaced[:2], *parts[3:]]
    assert missing_parts(store, parts, force=True) == [*replaced, *parts[3:]]
