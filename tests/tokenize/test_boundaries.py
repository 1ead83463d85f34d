"""Windows of characters: the same for every tokenizer that cuts before the space between two words."""

import dataclasses
import itertools
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer as Library

from byheart.components.tokenize.first_tokens import Encoding
from byheart.components.tokenize.tokenizer import Tokenizer, load_tokenizer
from byheart.components.tokenize.windows import slide
from byheart.contracts.setting_groups import COMMON_REACH, WindowSettings
from byheart.contracts.windows import Windows
from tests.tokenize.definition import library_tokenizer, lists, window_settings
from tests.tokenize.texts import TEXTS
from tests.tokenize.toy_tokenizers import KINDS, TEXT, build

_SLOW = pytest.mark.slow
_STORY = re.sub(r"\s+", " ", TEXT.split("日")[0])


def in_characters(suffix: int, prompt: int, stride: int = 10, slice_length: int = 2000) -> WindowSettings:
    return dataclasses.replace(
        window_settings(100, slice_length, stride, 50), suffix_characters=suffix, prompt_characters=prompt
    )


def find_boundary(text: str, least: int) -> int | None:
    """The first space between two letters or digits, character by character."""
    for at in range(least, least + COMMON_REACH + 1):
        around = text[at - 1 : at] + text[at + 1 : at + 2]
        if at and text[at : at + 1] == " " and len(around) == 2 and all(each.isalnum() for each in around):
            return at
    return None


def by_definition(text: str, tokenizer: Library, window: WindowSettings) -> list[list[object]]:
    """The windows' rows without the columns of tokens' stops, a slice at a time."""
    rows = []
    for cursor in range(0, len(text), window.cursor_inc):
        targets, is_common = [cursor], True
        for least in (window.prompt_characters, window.suffix_characters):
            boundary = find_boundary(text, targets[-1] + least)
            is_common &= boundary is not None
            targets.append(targets[-1] + least if boundary is None else boundary)
        if targets[2] > min(len(text), cursor + window.slice_length):
            continue
        tokens = tokenizer.encode(text[cursor : cursor + window.slice_length], add_special_tokens=False)
        starts = list(itertools.accumulate((cursor + start for start, _ in tokens.offsets), max))
        stops = list(itertools.accumulate((cursor + stop for _, stop in tokens.offsets), max))
        prompt, both = (sum(start < target for start in starts) for target in targets[1:])
        if not prompt or both == prompt:
            continue
        following = [*starts, min(len(text), cursor + window.slice_length)]
        edges = [
            target if stops[count - 1] <= target else max(stops[count - 1], following[count])
            for count, target in zip((prompt, both), targets[1:], strict=True)
        ]
        flagged = not is_common or edges != targets[1:]
        spill = sum(edges) - sum(targets[1:])
        ids = tokens.ids[:both]
        rows.append([cursor, cursor, *edges, prompt, both - prompt, flagged, spill, ids])
    return rows


def list_rows(windows: Windows) -> list[list[Any]]:
    columns = lists(windows)
    stops: list[Any] = columns.pop("token_stops")
    rows: list[list[Any]] = [list(row) for row in zip(*columns.values(), strict=True)]
    for row, of_tokens in zip(rows, stops, strict=True):
        prompt, suffix, ids = row[4], row[5], row[-1]
        assert set(ids[prompt + suffix :]) <= {-1}
        assert of_tokens[prompt - 1] == row[2]
        assert set(of_tokens[prompt + suffix - 1 :]) == {row[3]}
        assert of_tokens == sorted(of_tokens)
        row[-1] = ids[: prompt + suffix]
    return rows


FEW = ("gpt2", "llama2", "gemma", "unigram", "added_phrase", "deepseek")


@pytest.fixture(scope="module", params=[kind if kind in FEW else pytest.param(kind, marks=_SLOW) for kind in KINDS])
def kind(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Tokenizer, Library]:
    folder = build(request.param, tmp_path_factory.mktemp(request.param))
    return load_tokenizer(folder), library_tokenizer(folder)


@given(text=TEXTS, suffix=st.integers(1, 30), prompt=st.integers(1, 30), stride=st.integers(1, 9))
@settings(max_examples=30, deadline=None)
def test_windows_of_characters_are_those_of_the_definition(
    kind: tuple[Tokenizer, Library], text: str, suffix: int, prompt: int, stride: int
) -> None:
    tokenizer, library = kind
    window = in_characters(suffix, prompt, stride, slice_length=80)
    windows = slide(text, tokenizer.encode, window, scored_tokens=0, cuts=tokenizer.cuts)
    assert list_rows(windows) == by_definition(text, library, window)


def test_prose_has_the_same_windows_under_every_tokenizer(tmp_path: Path) -> None:
    spans = set()
    text, window = _STORY * 3, in_characters(60, 40)
    for name in ("gpt2", "llama3", "llama2", "unigram", "gpt_neox"):
        tokenizer = load_tokenizer(build(name, tmp_path / name))
        windows = slide(text, tokenizer.encode, window, scored_tokens=0, cuts=tokenizer.cuts)
        assert not windows.flagged[windows.stop < len(text) - 2 * COMMON_REACH].any()
        assert not windows.spill[~windows.flagged].any()
        kept = ~windows.flagged
        spans.add(tuple(np.stack([windows.cursor, windows.suffix_start, windows.stop])[:, kept].ravel().tolist()))
    assert len(spans) == 1


def test_script_without_spaces_is_flagged_and_goes_to_the_next_token(tmp_path: Path) -> None:
    text, tokenizer = "それは日本語の歌だった。" * 40, load_tokenizer(build("gpt2", tmp_path))
    windows = slide(text, tokenizer.encode, in_characters(20, 20), scored_tokens=0, cuts=tokenizer.cuts)
    assert windows.flagged.all()
    assert (windows.suffix_start >= windows.cursor + 20).all()
    spill = (windows.suffix_start - windows.cursor - 20) + (windows.stop - windows.cursor - 40)
    assert windows.spill.tolist() == spill.tolist()
    assert windows.spill.max() < 10


def test_tokenizer_that_cuts_behind_the_space_is_flagged() -> None:
    """With words that end in their space, no common boundary is a cut."""

    def encode(texts: list[str]) -> Iterator[Encoding]:
        for text in texts:
            spans = [match.span() for match in re.finditer(r"\S+\s*|\s+", text)]
            yield Encoding([1] * len(spans), spans)

    windows = slide(_STORY, encode, in_characters(30, 20), scored_tokens=0)
    assert windows.flagged.all()
    assert (windows.spill[windows.stop < len(_STORY) - COMMON_REACH] == 2).all()
