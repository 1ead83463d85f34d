import re
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from tokenizers import Tokenizer as Library

from byheart.components.tokenize.cuts import Cuts
from byheart.components.tokenize.first_tokens import Encoding, encode_alone
from byheart.components.tokenize.shared_text import encode_shared_text
from byheart.components.tokenize.tokenizer import Tokenizer, load_tokenizer
from byheart.components.tokenize.windows import slide
from byheart.contracts.setting_groups import WindowSettings
from tests.tokenize.definition import by_definition, library_tokenizer, lists, window_settings
from tests.tokenize.texts import cases
from tests.tokenize.toy_tokenizers import CUTTABLE, KINDS, TEXT, build

_STORY = " ".join(TEXT.split()) + "\n\n"
_BLOB = "aGVsbG8gd29ybGQ"


class _Kind(NamedTuple):
    tokenizer: Tokenizer
    library: Library


@pytest.fixture(scope="module", params=KINDS)
def kind(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> _Kind:
    folder = build(request.param, tmp_path_factory.mktemp(request.param))
    return _Kind(load_tokenizer(folder), library_tokenizer(folder))


@pytest.fixture(scope="module", params=CUTTABLE)
def cuttable(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> _Kind:
    folder = build(request.param, tmp_path_factory.mktemp(request.param))
    return _Kind(load_tokenizer(folder), library_tokenizer(folder))


@pytest.fixture
def gpt2(tmp_path: Path) -> _Kind:
    folder = build("gpt2", tmp_path)
    return _Kind(load_tokenizer(folder), library_tokenizer(folder))


class _Counted:
    """An encoder that remembers what it was given."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._tokenizer = tokenizer
        self.texts: list[str] = []

    def __call__(self, texts: list[str]) -> Iterable[Encoding]:
        self.texts += texts
        return self._tokenizer.encode(texts)

    @property
    def characters(self) -> int:
        return sum(map(len, self.texts))


def _check(kind: _Kind, text: str, window: WindowSettings) -> _Counted:
    """Hold the windows of `text` against the definition."""
    scored = window.count_scored_tokens(has_bos=window.bos == "true")
    encode = _Counted(kind.tokenizer)
    windows = slide(text, encode, window, scored_tokens=scored, cuts=kind.tokenizer.cuts)
    rows, dropped = by_definition(text, kind.library, window)
    assert [list(row) for row in zip(*lists(windows).values(), strict=True)] == rows
    assert [windows.dropped_tail, windows.dropped_inside] == dropped
    return encode


@given(case=cases())
@settings(max_examples=40, deadline=None)
def test_windows_from_shared_text_are_those_of_the_definition(kind: _Kind, case: tuple[str, WindowSettings]) -> None:
    _check(kind, *case)


def test_shared_text_is_tokenized_once(cuttable: _Kind) -> None:
    text, window = _STORY * 4, window_settings(40, 500, 10, 20)
    slices = sum(len(text[cursor : cursor + 500]) for cursor in range(0, len(text), 10))
    assert _check(cuttable, text, window).characters < slices / 5


@given(case=cases())
@settings(max_examples=20, deadline=None)
def test_what_is_known_from_shared_text_is_what_each_slice_says(
    cuttable: _Kind, case: tuple[str, WindowSettings]
) -> None:
    text, window = case
    text += " of"
    cursors, encode = range(0, len(text), window.cursor_inc), cuttable.tokenizer.encode
    assert cuttable.tokenizer.cuts is not None
    shared = encode_shared_text(text, cursors, encode, window, cuttable.tokenizer.cuts)
    alone = encode_alone(text, cursors, encode, window)
    assert (alone.is_known | ~shared.is_known).all()
    for values, expected in zip(shared, alone, strict=True):
        assert np.array_equal(values[shared.is_known], expected[shared.is_known])


def test_pieces_and_batches_have_no_seam(cuttable: _Kind) -> None:
    _check(cuttable, _STORY * 30, window_settings(9, 60, 17, 4))
    _check(cuttable, _STORY * 3, window_settings(9, 60, 1, 4))


@pytest.mark.parametrize(
    "text", [_BLOB * 20, "日本語" * 90, " \n" * 100, "a", " ", f"the {_BLOB * 20}", f"{_BLOB * 20} of"]
)
def test_text_without_cuts_is_tokenized_slice_by_slice(gpt2: _Kind, text: str) -> None:
    _check(gpt2, text, window_settings(6, 50, 3, 3))


def test_blob_in_a_story_costs_its_own_slices_alone(gpt2: _Kind) -> None:
    window = window_settings(20, 200, 10, 10)
    blob = _BLOB * 40
    without, encode = _check(gpt2, _STORY * 4, window), _check(gpt2, _STORY * 2 + blob + _STORY * 2, window)
    assert encode.characters - without.characters < len(blob) * (200 / 10 + 3)


def test_cursors_that_share_no_text_are_tokenized_slice_by_slice(gpt2: _Kind) -> None:
    text, window = _STORY * 4, window_settings(20, 100, 100, 10)
    assert _check(gpt2, text, window).characters == len(text)


def test_no_text_is_encoded_that_is_much_longer_than_a_slice(gpt2: _Kind) -> None:
    encode = _Counted(gpt2.tokenizer)
    window = window_settings(20, 300, 290, 10)
    slide(_STORY * 400, encode, window, scored_tokens=10, cuts=gpt2.tokenizer.cuts)
    assert max(map(len, encode.texts)) < 10_000
    assert encode.characters < 1.1 * len(_STORY) * 400


def test_tokens_without_a_character_are_not_shared() -> None:
    cuts = Cuts(re.compile(" "))

    def encode(texts: list[str]) -> list[Encoding]:
        return [
            Encoding([1, 2] * len(text), [(at, at + half) for at in range(len(text)) for half in (0, 1)])
            for text in texts
        ]

    rows = encode_shared_text("to be or not to be", range(10), encode, window_settings(3, 12, 1, 1), cuts)
    assert not rows.is_known.any()
