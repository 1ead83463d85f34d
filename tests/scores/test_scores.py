import contextlib
import dataclasses

import numpy as np
import pytest

from byheart.contracts.errors import DamagedError
from byheart.contracts.settings import ScoreSettings, WindowSettings
from byheart.contracts.version import CONTRACT_VERSION
from byheart.contracts.windows import Tokenization
from byheart.scores.scores import Scores, estimate_bytes, fingerprint, part_from_bytes, part_ranges, part_to_bytes

WINDOW = WindowSettings(chunk_size=100, slice_length=2000, cursor_inc=10, max_length=0, prompt_tokens=50, bos="auto")
SCORE = ScoreSettings(temperature=1.0, top_k=40, precision="float32")
TOKENIZATION = Tokenization(tokenizer_sha256="t", tokenizers="0.22.0", bos_id=None, scored_tokens=50)
INPUT = np.arange(300, dtype=np.int32).reshape(3, 100)


def some_scores(rows: int, tokens: int = 3) -> Scores:
    random = np.random.default_rng(rows)
    log_probs = -random.exponential(size=(rows, tokens)).astype(np.float32)
    return Scores(
        log_p_z=log_probs.sum(axis=1, dtype=np.float64),
        log_p_z_top_k=np.where(np.arange(rows) % 2, -np.inf, -1.0),
        greedy=np.arange(rows) % 3 == 0,
        token_log_probs=log_probs,
        token_ranks=random.integers(0, 9, (rows, tokens)).astype(np.int32),
        token_log_top_k_mass=np.zeros((rows, tokens), np.float32),
    )


def address(**changes: object) -> str:
    arguments = {
        "model_input": INPUT,
        "book_sha256": "b",
        "weights_sha256": "w",
        "tokenization": TOKENIZATION,
        "window": WINDOW,
        "score": SCORE,
        **changes,
    }
    return fingerprint(**arguments)  # type: ignore[arg-type]


def test_part_is_read_back_to_the_bit() -> None:
    scores = some_scores(7)
    read, computed_on = part_from_bytes(part_to_bytes(scores, "a", 2, {"device": "cpu"}), "a", 2, 7, name="part")
    assert computed_on == {"device": "cpu"}
    for field in dataclasses.fields(Scores):
        written, found = getattr(scores, field.name), getattr(read, field.name)
        assert found.dtype == written.dtype
        np.testing.assert_array_equal(found, written)


def test_same_part_is_the_same_bytes() -> None:
    assert part_to_bytes(some_scores(7), "a", 2, {}) == part_to_bytes(some_scores(7), "a", 2, {})


@pytest.mark.parametrize("rows", [1, 10, 1_024])
@pytest.mark.parametrize("tokens", [1, 50])
def test_estimate_suffices_for_text_that_is_not_memorised_and_is_not_far_off(rows: int, tokens: int) -> None:
    random = np.random.default_rng(0)
    scores = dataclasses.replace(
        some_scores(rows, tokens),
        token_ranks=random.lognormal(2, 2.5, (rows, tokens)).clip(0, 128_000).astype(np.int32),
        token_log_top_k_mass=-random.exponential(0.5, (rows, tokens)).astype(np.float32),
    )
    taken = len(part_to_bytes(scores, "a" * 32, 0, {"device": "some accelerator", "code": {"commit": "c" * 40}}))
    assert taken <= estimate_bytes([rows], tokens) <= 1.5 * taken + 2**15


@pytest.mark.parametrize("place", [0.1, 0.3, 0.5, 0.7, 0.9])
def test_flipped_byte_is_found_or_changes_nothing(place: float) -> None:
    scores = some_scores(200)
    data = bytearray(part_to_bytes(scores, "a", 0, {}))
    data[int(len(data) * place)] ^= 0xFF
    with contextlib.suppress(DamagedError):
        read, _ = part_from_bytes(bytes(data), "a", 0, 200, name="part")
        np.testing.assert_array_equal(read.token_log_probs, scores.token_log_probs)
        np.testing.assert_array_equal(read.log_p_z, scores.log_p_z)


@pytest.mark.parametrize("length", [0, 3, 100, -1])
def test_truncated_part_is_damaged(length: int) -> None:
    with pytest.raises(DamagedError, match="run again"):
        part_from_bytes(part_to_bytes(some_scores(7), "a", 0, {})[:length], "a", 0, 7, name="part")


@pytest.mark.parametrize(("other", "part", "rows"), [("b", 0, 7), ("a", 1, 7), ("a", 0, 8)])
def test_part_that_is_another_is_refused(other: str, part: int, rows: int) -> None:
    with pytest.raises(DamagedError):
        part_from_bytes(part_to_bytes(some_scores(7), "a", 0, {}), other, part, rows, name="part")


@pytest.mark.parametrize("windows", [0, 1, 1023, 1024, 1025, 5000])
def test_parts_hold_every_window_once(windows: int) -> None:
    assert [index for rows in part_ranges(windows) for index in rows] == list(range(windows))


def test_address_changes_with_everything_that_determines_a_score() -> None:
    other_id = INPUT.copy()
    other_id[1, 60] += 1
    changed = [
        address(model_input=other_id),
        address(model_input=INPUT[:2]),
        address(model_input=INPUT[::-1]),
        address(model_input=INPUT.reshape(6, 50)),
        address(book_sha256="c"),
        address(weights_sha256="c"),
        address(tokenization=dataclasses.replace(TOKENIZATION, bos_id=1)),
        address(tokenization=dataclasses.replace(TOKENIZATION, tokenizer_sha256="u")),
        *(
            address(window=dataclasses.replace(WINDOW, **{name: getattr(WINDOW, name) + 1}))
            for name in ("chunk_size", "slice_length", "cursor_inc", "prompt_tokens", "max_length")
        ),
        address(score=dataclasses.replace(SCORE, temperature=0.5)),
        address(score=dataclasses.replace(SCORE, top_k=41)),
        address(score=dataclasses.replace(SCORE, precision="bfloat16")),
    ]
    assert len({address(), *changed}) == 1 + len(changed)


def test_address_does_not_change_with_the_way_a_bos_was_chosen() -> None:
    assert address(window=dataclasses.replace(WINDOW, bos="false")) == address()


def test_address_does_not_change_with_the_release_that_made_the_same_tokens() -> None:
    assert address(tokenization=dataclasses.replace(TOKENIZATION, tokenizers="0.23.0")) == address()


@pytest.mark.parametrize("dtype", [np.int64, ">i4", np.uint16])
def test_address_does_not_change_with_how_ids_are_held(dtype: str) -> None:
    assert address(model_input=INPUT.astype(dtype)) == address()
    assert address(model_input=np.asfortranarray(INPUT)) == address()


def test_address_changes_with_the_contract(monkeypatch: pytest.MonkeyPatch) -> None:
    before = address()
    monkeypatch.setattr("byheart.scores.scores.CONTRACT_VERSION", CONTRACT_VERSION + 1)
    assert address() != before
