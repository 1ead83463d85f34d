"""The ids that are fed and scored, window by window and in plain Python."""

from pathlib import Path

import numpy as np
import pytest

from byheart.contracts.model_input import ModelInput, join_halves, make_model_input
from byheart.contracts.only import Span
from byheart.contracts.selection import select_windows
from byheart.contracts.setting_groups import ScoreSettings
from byheart.contracts.window_files import read_tokenization, write_windows
from byheart.contracts.windows import Tokenization
from byheart.scores.address import compute_address
from tests.measures import toy

PROMPT, SUFFIX = np.array([2, 1, 3], np.int32), np.array([1, 3, 2], np.int32)
IDS = np.array([[11, 12, 13, -1, -1], [21, 22, 23, 24, -1], [31, 32, 33, 34, 35]], np.int32)


def make(bos_id: int | None, prompt_tokens: int = 16) -> tuple[ModelInput, Tokenization]:
    tokenization = Tokenization(
        tokenizer_sha256="t", tokenizers="0", bos_id=bos_id, scored_tokens=16, prompt_tokens=prompt_tokens
    )
    return make_model_input(IDS, PROMPT, SUFFIX, 0, tokenization), tokenization


def list_scored(inputs: ModelInput) -> list[tuple[list[int], list[int]]]:
    """What is fed before the scored ids, and these."""
    assert inputs.scored is not None
    rows = zip(inputs.token_ids.tolist(), inputs.scored.tolist(), strict=True)
    return [(ids[:first], ids[first : first + count]) for ids, (first, count) in rows]


@pytest.mark.parametrize("bos_id", [None, 7])
def test_each_window_says_which_ids_are_scored(bos_id: int | None) -> None:
    inputs, tokenization = make(bos_id)
    before = [] if bos_id is None else [bos_id]
    expected = [([*before, 11, 12], [13]), ([*before, 21], [22, 23, 24]), ([*before, 31, 32, 33], [34, 35])]
    assert list_scored(inputs) == expected
    assert inputs.token_ids.min() >= 0
    padded = inputs.pad(5, tokenization.count_positions(0) + 1)
    assert padded.token_ids.shape == (5, len(before) + 32)
    assert list_scored(padded)[:3] == expected
    swapped = join_halves(inputs, np.array([2, 0]), np.array([1, 2]), 0)
    assert list_scored(swapped) == [([*before, 31, 32, 33], [22, 23, 24]), ([*before, 11, 12], [34, 35])]


def test_address_is_of_ids_and_of_which_are_scored_and_not_of_the_other_books() -> None:
    def address(inputs: ModelInput, scored_tokens: int) -> str:
        score = ScoreSettings(temperature=1.0, top_k=40, precision="float32")
        return compute_address(model_input=inputs, scored_tokens=scored_tokens, weights_sha256="w", score=score)

    inputs, _ = make(None)
    beside_longer, _ = make(None, prompt_tokens=160)
    assert address(inputs, 16) == address(beside_longer, 160)
    assert inputs.scored is not None
    other = ModelInput(token_ids=inputs.token_ids, scored=inputs.scored + np.array([[1, -1], [0, 0], [0, 0]]))
    plain = ModelInput(token_ids=inputs.token_ids)
    assert len({address(inputs, 16), address(other, 16), address(plain, 2)}) == 3


def test_tokens_are_padded_to_the_most_of_any_book(tmp_path: Path) -> None:
    tokenization = Tokenization(tokenizer_sha256="t", tokenizers="0", bos_id=None, scored_tokens=1, prompt_tokens=1)
    books = [
        (f"{prompt}", rows, select_windows(rows, [Span(start=0, stop=500)]))
        for prompt, rows in ((n, toy.make_windows(3, prompt=n, suffix=40)) for n in (20, 33))
    ]
    books[0][1].suffix_tokens[1] = 3
    written = write_windows(tmp_path, tokenization, books)
    assert written == read_tokenization(tmp_path)
    assert (written.prompt_tokens, written.scored_tokens) == (48, 48)
