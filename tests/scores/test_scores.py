"""Addresses, and the files of parts and pieces."""

import dataclasses
import json

import numpy as np
import pytest

from byheart.contracts import parquet
from byheart.contracts.errors import DamagedError, StoreError
from byheart.contracts.model_input import ModelInput
from byheart.contracts.setting_groups import ScoreSettings
from byheart.contracts.settings import Settings
from byheart.contracts.version import CONTRACT_VERSION
from byheart.scores.address import compute_address
from byheart.scores.kinds import SCORES
from byheart.scores.parts import Part, Rows, decode_rows, encode_part, encode_piece, list_parts
from byheart.scores.scores import Scores
from tests.contracts.test_settings import DEFAULTS

SCORE = ScoreSettings(temperature=1.0, top_k=40, precision="float32")
INPUT = np.arange(300, dtype=np.int32).reshape(3, 100)
DEVICE = {"device": "some accelerator", "code": {"commit": "c" * 40}}


def some_scores(rows: int, tokens: int = 3) -> Scores:
    random = np.random.default_rng(rows)
    log_probs = -random.exponential(size=(rows, tokens)).astype(np.float32)
    ranks = random.integers(0, 2, (rows, tokens)).astype(np.int32)
    return Scores(
        log_p_z=log_probs.sum(axis=1, dtype=np.float64),
        log_p_z_top_k=np.where(np.arange(rows) % 2, -np.inf, -1.0),
        greedy=(ranks == 0).all(axis=1),
        token_log_probs=log_probs,
        token_ranks=ranks,
        top_token_ids=random.integers(0, 128_000, (rows, tokens)).astype(np.int32),
        token_log_top_k_mass=np.zeros((rows, tokens), np.float32),
    )


def part_of(windows: int, address: str = "a", number: int = 0) -> Part:
    return list_parts(address, number * SCORES.part_windows + windows, SCORES)[number]


def rows_of(part: Part, tokens: int = 3) -> Rows:
    columns = some_scores(len(part.windows), tokens).columns()
    return Rows.sort(np.arange(part.windows.start, part.windows.stop), columns, DEVICE)


def address(**changes: object) -> str:
    arguments = {"model_input": INPUT, "scored_tokens": 50, "weights_sha256": "w", "score": SCORE, **changes}
    ids = arguments.pop("model_input")
    return compute_address(model_input=ids if isinstance(ids, ModelInput) else ModelInput(token_ids=ids), **arguments)  # type: ignore[arg-type]


def test_columns_of_the_kind_are_the_fields_of_the_scores_in_type_and_order() -> None:
    columns = some_scores(2).columns()
    assert [(name, values.dtype, values.ndim) for name, values in columns.items()] == [
        (name, np.dtype(column.dtype), 1 + column.per_token) for name, column in SCORES.columns.items()
    ]


@pytest.mark.parametrize("to_bytes", [encode_part, encode_piece])
def test_part_and_piece_are_read_back_to_the_bit(to_bytes: object) -> None:
    part = part_of(7, number=2)
    rows = rows_of(part)
    read = decode_rows(to_bytes(part, rows), part, name="part")  # type: ignore[operator]
    assert (read.computed_on, read.origins.tolist()) == ([DEVICE], [0] * 7)
    assert read.windows.tolist() == list(range(2_048, 2_055))
    for name, values in rows.columns.items():
        assert read.columns[name].dtype == values.dtype
        np.testing.assert_array_equal(read.columns[name], values)


@pytest.mark.parametrize("rows", [1, 10, 1_024])
@pytest.mark.parametrize("tokens", [1, 50])
def test_estimate_suffices_for_text_that_is_not_memorised_and_is_not_far_off(rows: int, tokens: int) -> None:
    random, part = np.random.default_rng(0), part_of(rows, "a" * 32)
    held = rows_of(part, tokens)
    held.columns["token_ranks"] = random.lognormal(2, 2.5, (rows, tokens)).clip(0, 128_000).astype(np.int32)
    held.columns["token_log_top_k_mass"] = -random.exponential(0.5, (rows, tokens)).astype(np.float32)
    taken = len(encode_part(part, held))
    assert taken <= SCORES.estimate_part_bytes(rows, tokens) <= 1.5 * taken + 2**15


@pytest.mark.parametrize("length", [0, 3, 100, -1])
def test_truncated_part_is_damaged(length: int) -> None:
    part = part_of(7)
    with pytest.raises(DamagedError, match="run again"):
        decode_rows(encode_part(part, rows_of(part))[:length], part, name="part")


@pytest.mark.parametrize("other", [part_of(7, "b"), part_of(7, number=1), part_of(8)])
def test_part_that_is_another_is_refused(other: Part) -> None:
    part = part_of(7)
    with pytest.raises(DamagedError, match="found another"):
        decode_rows(encode_part(part, rows_of(part)), other, name="part")


def test_file_of_another_contract_is_refused_by_name_and_never_taken_for_damage(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    part, older = part_of(7), parquet.to_bytes({"log_p_z": np.zeros(7)}, {"address": "a", "part": 0, "computed_on": {}})
    with pytest.raises(StoreError, match=rf"^the-part must be of contract {CONTRACT_VERSION}, found contract 1, of"):
        decode_rows(older, part, name="the-part")
    monkeypatch.setattr("byheart.scores.parts.CONTRACT_VERSION", 99)
    newer = encode_part(part, rows_of(part))
    monkeypatch.undo()
    with pytest.raises(StoreError, match="found contract 99"):
        decode_rows(newer, part, name="the-part")


@pytest.mark.parametrize("windows", [0, 1, 1023, 1024, 1025, 5000])
def test_parts_hold_every_window_once(windows: int) -> None:
    parts = list_parts("a", windows, SCORES)
    assert [index for part in parts for index in part.windows] == list(range(windows))
    assert len(parts) == SCORES.count_parts(windows)


def test_address_changes_with_everything_that_determines_a_score() -> None:
    other_id = INPUT.copy()
    other_id[1, 60] += 1
    changed = [
        address(model_input=other_id),
        address(model_input=INPUT[:2]),
        address(model_input=INPUT[::-1]),
        address(model_input=INPUT.reshape(6, 50)),
        address(scored_tokens=49),
        address(weights_sha256="c"),
        address(score=dataclasses.replace(SCORE, temperature=0.5)),
        address(score=dataclasses.replace(SCORE, top_k=41)),
        address(score=dataclasses.replace(SCORE, precision="bfloat16")),
    ]
    assert len({address(), *changed}) == 1 + len(changed)


@pytest.mark.parametrize("dtype", [np.int64, ">i4", np.uint16])
def test_address_does_not_change_with_how_ids_are_held(dtype: str) -> None:
    assert address(model_input=INPUT.astype(dtype)) == address()
    assert address(model_input=np.asfortranarray(INPUT)) == address()


def settings(text: str, **changes: object) -> ScoreSettings:
    """Those of a run whose parameters came as JSON, as a cluster's do."""
    parameters = {**DEFAULTS, "precision": "float32", **changes, **json.loads(text)}
    return Settings.from_parameters(parameters, DEFAULTS).score


@pytest.mark.parametrize(
    "score",
    [
        dataclasses.replace(SCORE, temperature=1),
        dataclasses.replace(SCORE, top_k=40.0),  # type: ignore[arg-type]
        dataclasses.replace(SCORE, temperature=np.float64(1), top_k=np.int64(40)),  # type: ignore[arg-type]
        settings("{}"),
        settings('{"temperature": 1, "top_k": 40.0}'),
        settings('{"temperature": 1, "top_k": 40.0}', preset="paper"),
        settings('{"temperature": 1}', preset="marin"),
    ],
)
def test_address_does_not_change_with_the_type_of_a_number(score: ScoreSettings) -> None:
    assert address(score=score) == address()


def test_address_changes_with_the_contract(monkeypatch: pytest.MonkeyPatch) -> None:
    before = address()
    monkeypatch.setattr("byheart.scores.address.CONTRACT_VERSION", CONTRACT_VERSION + 1)
    assert address() != before
