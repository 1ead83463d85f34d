from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings

from byheart.components.tokenize.first_tokens import Encoding
from byheart.components.tokenize.tokenizer import load_tokenizer
from byheart.components.tokenize.windows import slide
from byheart.contracts.setting_groups import WindowSettings
from tests.tokenize.definition import by_definition, library_tokenizer, lists, window_settings
from tests.tokenize.texts import cases
from tests.tokenize.toy_tokenizers import KINDS, TEXT, build, build_words

# Windows worked out by hand.


def test_windows_of_the_drawing_are_as_drawn(tmp_path: Path) -> None:
    #       0         1         2         3
    #       01234567890123456789012345678901
    text = "The ferryman did not answer her."
    words = ["The", " ferryman", "ferryman", "yman", " did", " not", " answer", " her", "wer", "her", "."]
    encode = load_tokenizer(build_words(words, tmp_path)).encode
    windows = slide(text, encode, window_settings(3, 20, 4, 2), scored_tokens=1)
    assert lists(windows) == {
        "cursor": [0, 4, 8, 12, 16, 20, 24],
        "start": [0, 4, 8, 12, 16, 20, 24],
        "suffix_start": [12, 16, 16, 20, 27, 31, 31],
        "stop": [16, 20, 20, 27, 31, 32, 32],
        "prompt_tokens": [2] * 7,
        "suffix_tokens": [1] * 7,
        "flagged": [False] * 7,
        "spill": [0] * 7,
        "token_ids": [[1, 2, 5], [3, 5, 6], [4, 5, 6], [5, 6, 7], [6, 7, 8], [7, 8, 11], [9, 8, 11]],
        "token_stops": [
            [3, 12, 16],  # [The][ ferryman][ did]
            [12, 16, 20],  # [ferryman][ did][ not]
            [12, 16, 20],  # [yman][ did][ not]
            [16, 20, 27],  # [ did][ not][ answer]
            [20, 27, 31],  # [ not][ answer][ her]
            [27, 31, 32],  # [ answer][ her][.]
            [27, 31, 32],  # [wer][ her][.]
        ],
    }
    assert (windows.dropped_tail, windows.dropped_inside) == (1, 0)
    kinds = {name: column.dtype for name, column in windows.columns().items()}
    assert kinds.pop("flagged") == np.bool_
    narrow = ("token_ids", "prompt_tokens", "suffix_tokens", "spill")
    assert {kinds.pop(name) for name in narrow} == {np.dtype(np.int32)}
    assert set(kinds.values()) == {np.dtype(np.int64)}


def test_slice_that_is_too_short_is_counted(tmp_path: Path) -> None:
    #       0         1         2
    #       012345678901234567890123456
    text = "to be unforgettable, or not"
    encode = load_tokenizer(build_words(["to", " be", " un", "e", ",", " or", "not"], tmp_path)).encode
    windows = slide(text, encode, window_settings(3, 8, 6, 1), scored_tokens=1)
    # cursor 0 [to][ be][ un], 6 [unforget], 12 [ettable][,], 18 [e][,][ or][ no], 24 [not] at the book's end
    assert lists(windows) == {
        "cursor": [0, 18],
        "start": [0, 18],
        "suffix_start": [2, 19],
        "stop": [5, 20],
        "prompt_tokens": [1, 1],
        "suffix_tokens": [1, 1],
        "flagged": [False, False],
        "spill": [0, 0],
        "token_ids": [[1, 2, 3], [4, 5, 6]],
        "token_stops": [[2, 5, 8], [19, 20, 23]],
    }
    assert (windows.dropped_inside, windows.dropped_tail) == (2, 1)


def test_short_slice_that_ends_with_the_book_at_full_length_is_inside(tmp_path: Path) -> None:
    encode = load_tokenizer(build_words(["unforgettable"], tmp_path)).encode
    windows = slide("unforgettable", encode, window_settings(2, 13, 13, 1), scored_tokens=1)
    assert (len(windows), windows.dropped_inside, windows.dropped_tail) == (0, 1, 0)


@pytest.mark.parametrize(
    ("kind", "token_stops"),
    [
        ("gpt2", [1, 1, 1, 2, 2]),  # 3 tokens for 🚣, 3 for its skin tone
        ("llama3", [1, 1, 1, 2, 2]),
        ("llama2", [1, 1, 1, 1, 1]),  # the dummy space, then a token a byte
    ],
)
def test_character_split_over_tokens_belongs_to_the_earlier_side(
    kind: str, token_stops: list[int], tmp_path: Path
) -> None:
    encode = load_tokenizer(build(kind, tmp_path)).encode
    windows = slide("🚣🏽", encode, window_settings(5, 10, 10, 2), scored_tokens=3)
    assert windows.token_stops.tolist() == [token_stops]
    assert (windows.start.tolist(), windows.suffix_start.tolist()) == ([0], [1])


@pytest.mark.parametrize(("text", "stop"), [("cafe\u0301 by", 8), ("cafe\u0301 b", 6)])
def test_accent_that_the_tokenizer_composes_stays_with_its_letter(text: str, stop: int, tmp_path: Path) -> None:
    encode = load_tokenizer(build("gpt_neox", tmp_path)).encode
    windows = slide(text, encode, window_settings(3, 20, 20, 2), scored_tokens=1)
    assert windows.suffix_start.tolist() == [5]  # [caf][é][ by], where é is the characters 3 and 4
    assert windows.stop.tolist() == [stop]
    at_the_end = slide("cafe\u0301", encode, window_settings(2, 20, 20, 1), scored_tokens=1)
    assert at_the_end.stop.tolist() == [5]


def test_stop_never_falls_and_start_is_the_first_tokens() -> None:
    def encode(slices: list[str]) -> list[Encoding]:
        return [Encoding([7, 8, 9], [(1, 5), (2, 3), (4, 6)]) for _ in slices]

    windows = slide("0123456789", encode, window_settings(3, 10, 10, 2), scored_tokens=1)
    assert (windows.cursor.tolist(), windows.start.tolist()) == ([0], [1])
    assert windows.token_stops[0, :2].tolist() == [5, 5]
    assert windows.suffix_start.tolist() == [5]


def test_empty_book_has_no_windows(tmp_path: Path) -> None:
    windows = slide("", load_tokenizer(build("gpt2", tmp_path)).encode, window_settings(3, 9, 1, 1), scored_tokens=2)
    assert windows.token_ids.shape == windows.token_stops.shape == (0, 3)
    assert (len(windows), windows.dropped_tail, windows.dropped_inside) == (0, 0, 0)


# Windows by the definition.


@pytest.fixture(scope="module", params=KINDS)
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(request.param, tmp_path_factory.mktemp(request.param))


@given(case=cases())
@settings(max_examples=20, deadline=None)
def test_spans_are_in_order_and_tile_the_text(folder: Path, case: tuple[str, WindowSettings]) -> None:
    text, window = case
    scored = window.count_scored_tokens(has_bos=window.bos == "true")
    windows = slide(text, load_tokenizer(folder).encode, window, scored_tokens=scored)
    assert (windows.cursor <= windows.start).all()
    assert (windows.start <= windows.suffix_start).all()
    assert (windows.suffix_start <= windows.stop).all()
    assert (windows.stop <= np.minimum(windows.cursor + window.slice_length, len(text))).all()
    for start, stops in zip(windows.start.tolist(), windows.token_stops.tolist(), strict=True):
        pieces = [text[left:right] for left, right in zip([start, *stops], stops, strict=False)]
        assert stops == sorted(stops)
        assert "".join(pieces) == text[start : stops[-1]]


def test_batches_of_slices_have_no_seam(folder: Path) -> None:
    text, window = TEXT * 2, window_settings(6, 30, 1, 3)
    reported: list[int] = []
    windows = slide(text, load_tokenizer(folder).encode, window, scored_tokens=3, report=reported.append)
    rows, dropped = by_definition(text, library_tokenizer(folder), window)
    assert [list(row) for row in zip(*lists(windows).values(), strict=True)] == rows
    assert [windows.dropped_tail, windows.dropped_inside] == dropped
    assert sum(reported) == len(text)
    assert len(reported) > 1


# How many tokens are scored.


def test_whole_suffix_is_scored_without_a_cut() -> None:
    for has_bos in (False, True):
        assert window_settings(100, 2000, 10, 50).count_scored_tokens(has_bos=has_bos) == 50


@pytest.mark.parametrize(
    ("max_length", "has_bos", "scored"),
    [(100, False, 50), (99, False, 49), (51, False, 1), (101, True, 50), (100, True, 49), (52, True, 1)],
)
def test_max_length_cuts_the_suffix(max_length: int, has_bos: bool, scored: int) -> None:
    assert window_settings(100, 2000, 10, 50, max_length=max_length).count_scored_tokens(has_bos=has_bos) == scored


def test_setting_of_the_older_script_scores_window_tokens_49_to_98(tmp_path: Path) -> None:
    window = window_settings(100, 2000, 500, 49, bos="true", max_length=100)
    scored = window.count_scored_tokens(has_bos=True)
    assert scored == 50
    windows = slide(TEXT * 3, load_tokenizer(build("gpt2", tmp_path)).encode, window, scored_tokens=scored)
    assert len(windows) > 1
    assert windows.suffix_start.tolist() == windows.token_stops[:, 48].tolist()
    assert windows.stop.tolist() == windows.token_stops[:, 98].tolist()
