"""What somebody who shares a store put under the name of a part, and no run has computed, is not taken."""

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from byheart.contracts import parquet
from byheart.contracts.errors import DamagedError
from byheart.scores.parts import Rows, decode_rows, encode_part, encode_piece
from byheart.scores.store import Reuse, ScoreStore
from byheart.store import open_store
from tests.scores.test_scores import DEVICE, part_of, some_scores

PART = part_of(7)
ROWS = Rows.sort(np.arange(7), some_scores(7).columns(), DEVICE)


def change(name: str, make: Callable[[np.ndarray], np.ndarray]) -> Rows:
    return dataclasses.replace(ROWS, columns=ROWS.columns | {name: make(ROWS.columns[name])})


def put(value: float) -> Callable[[np.ndarray], np.ndarray]:
    """Replaces the first value."""

    def replace(values: np.ndarray) -> np.ndarray:
        changed = values.copy()
        changed.flat[0] = value
        return changed

    return replace


FORGED = {
    "more than certain": change("log_p_z", put(5)),
    "all known": change("log_p_z", np.zeros_like),
    "no number": change("log_p_z", put(np.nan)),
    "impossible": change("log_p_z", put(-np.inf)),
    "likely token": change("token_log_probs", put(0.5)),
    "token without number": change("token_log_probs", put(np.nan)),
    "top k without number": change("log_p_z_top_k", put(np.nan)),
    "top k more than certain": change("log_p_z_top_k", put(0.1)),
    "mass": change("token_log_top_k_mass", put(1)),
    "rank": change("token_ranks", put(-1)),
    "token id": change("top_token_ids", put(-5)),
    "greedy": change("greedy", np.logical_not),
    "nothing computed it": dataclasses.replace(ROWS, origins=ROWS.origins + 3),
}


@pytest.mark.parametrize("name", FORGED)
def test_scores_that_no_model_gives_are_no_part(name: str) -> None:
    with pytest.raises(DamagedError, match=r"^the-part must hold windows of part 0 .*, found .*: remove it and"):
        decode_rows(encode_part(PART, FORGED[name]), PART, name="the-part")


def note(**changes: Any) -> dict[str, Any]:
    """The description of a part."""
    _, described = parquet.from_bytes(encode_part(PART, ROWS), name="part")
    return described | changes


FILES = {
    "missing column": parquet.to_bytes({"log_p_z": ROWS.columns["log_p_z"]}, note()),
    "other column": parquet.to_bytes({**ROWS.columns, "more": np.zeros(7)}, note()),
    "other type": parquet.to_bytes(ROWS.columns | {"log_p_z": ROWS.columns["log_p_z"].astype(np.float32)}, note()),
    "one number a token": parquet.to_bytes(ROWS.columns | {"token_ranks": np.zeros(7, np.int32)}, note()),
    "fewer ranks": parquet.to_bytes(ROWS.columns | {"token_ranks": np.zeros((7, 2), np.int32)}, note()),
    "computed on a text": parquet.to_bytes(ROWS.columns, note(computed_on="a TPU")),
    "computed on nothing": parquet.to_bytes(ROWS.columns, note(computed_on=[])),
    "no origins": parquet.to_bytes(ROWS.columns, note(origins=[])),
    "origins that are texts": parquet.to_bytes(ROWS.columns, note(origins=[["a", "b"]])),
    "a billion rows": parquet.to_bytes(ROWS.columns, note(origins=[[0, 2**30]])),
    "no address": parquet.to_bytes(ROWS.columns, {"contract": note()["contract"]}),
    "a list": parquet.to_bytes(ROWS.columns, [1]),  # type: ignore[arg-type]
    "windows twice": parquet.to_bytes({"window": np.zeros(7, np.int32), **ROWS.columns}, note()),
    "windows elsewhere": parquet.to_bytes({"window": np.arange(2, 9, dtype=np.int32), **ROWS.columns}, note()),
}


@pytest.mark.parametrize("name", FILES)
def test_file_of_another_shape_is_no_part(name: str) -> None:
    with pytest.raises(DamagedError, match="the-part must hold"):
        decode_rows(FILES[name], PART, name="the-part")


def test_part_of_another_number_of_tokens_is_none() -> None:
    data = encode_part(PART, ROWS)
    decode_rows(data, PART, name="part", scored_tokens=3)
    with pytest.raises(DamagedError, match="found windows of 3 scored tokens"):
        decode_rows(data, PART, name="part", scored_tokens=50)


def test_forged_part_is_computed_again_and_forged_piece_is_not_joined(address: str) -> None:
    scores = ScoreStore(open_store(address), {PART.address: 3})
    scores.store.create(PART.name, encode_part(PART, FORGED["all known"]))
    forged = FORGED["all known"].select(np.arange(3))
    scores.store.create(f"{PART.pieces()}0000000-0000002-0123456789abcdef.parquet", encode_piece(PART, forged))
    reuse = Reuse(replaced=scores.find_unusable([PART], force=False))
    (missing,) = scores.find_missing([PART], {}, reuse)
    assert len(missing.windows) == 7
    scores.write(PART, ROWS, reuse)
    assert [scores.store.read(stored.name) for stored in scores.store.list()] == [encode_part(PART, ROWS)]


def test_what_was_put_under_a_part_s_name_meanwhile_is_replaced_unless_it_is_that_part(address: str) -> None:
    scores = ScoreStore(open_store(address))
    for meanwhile in (b"no part", encode_part(PART, FORGED["rank"])):
        scores.store.replace(PART.name, meanwhile)
        scores.write(PART, ROWS, Reuse())
        assert scores.store.read(PART.name) == encode_part(PART, ROWS)
