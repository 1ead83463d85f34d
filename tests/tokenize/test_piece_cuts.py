import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from byheart.components.tokenize.tokenizer import load_tokenizer
from tests.tokenize.toy_tokenizers import build


def test_token_that_reaches_over_a_space_leaves_cuts_behind_other_characters(tmp_path: Path) -> None:
    tokenizer = load_tokenizer(build("gemma", tmp_path))
    assert tokenizer.cuts is not None
    vocabulary = tokenizer.backend.get_vocab()
    over = {token[at - 1] for token in vocabulary for at in range(1, len(token)) if token[at] == "▁"} - {"▁"}
    assert over
    letters = {chr(point) for point in range(0x21, 0x7F)}
    assert {letter for letter in letters if tokenizer.cuts.find(f"{letter} a", 0, 3).size} == letters - over


def _set(part: str, **fields: Any) -> Callable[[dict[str, Any]], None]:
    def change(content: dict[str, Any]) -> None:
        content[part] |= fields

    return change


def _add_merge(left: str, right: str) -> Callable[[dict[str, Any]], None]:
    def change(content: dict[str, Any]) -> None:
        for token in (left, right, left + right):
            content["model"]["vocab"].setdefault(token, len(content["model"]["vocab"]))
        content["model"]["merges"].append([left, right])

    return change


def _add_token(token: str) -> Callable[[dict[str, Any]], None]:
    flags = dict.fromkeys(("single_word", "lstrip", "rstrip", "special"), False)

    def change(content: dict[str, Any]) -> None:
        content["added_tokens"].append({"id": 9_999, "content": token, "normalized": True} | flags)

    return change


def _forget_space(content: dict[str, Any]) -> None:
    content["model"]["vocab"]["_"] = content["model"]["vocab"].pop("▁")
    content["model"]["merges"] = []


@pytest.mark.parametrize(
    ("kind", "change"),
    [
        ("llama2", _set("model", ignore_merges=True)),
        ("llama2", _set("model", dropout=0.5)),
        ("llama2", _set("model", end_of_word_suffix="e")),
        ("llama2", _set("normalizer", normalizers=[{"type": "Prepend", "prepend": "▁"}])),
        ("llama2", _add_merge("<0x0A>", "▁")),
        ("llama2", _add_merge("<0xE2><0x80>", "▁")),
        ("llama2", _add_merge("<unk>", "▁a")),
        ("llama2", _add_token("a b")),
        ("llama2", _forget_space),
        ("metaspace", _set("pre_tokenizer", split=True)),
        ("metaspace", _set("pre_tokenizer", replacement="_")),
        ("metaspace", _add_token("a b")),
        ("gemma", _set("normalizer", content="_")),
        ("gemma", _set("pre_tokenizer", behavior="Isolated")),
        ("gemma", _add_token("a#▁b")),
    ],
)
def test_pieces_that_are_not_proved_are_not_cuttable(
    kind: str, change: Callable[[dict[str, Any]], None], tmp_path: Path
) -> None:
    file = build(kind, tmp_path) / "tokenizer.json"
    assert load_tokenizer(tmp_path).cuts is not None
    content = json.loads(file.read_text(encoding="utf-8"))
    change(content)
    file.write_text(json.dumps(content), encoding="utf-8")
    assert load_tokenizer(tmp_path).cuts is None


@pytest.mark.parametrize(
    ("kind", "change", "places"),
    [
        ("llama2", _add_token("<added>"), [2]),
        ("metaspace", _add_token("a#▁b"), [2, 5]),
        ("gemma", _add_merge(">", "▁the"), [2]),
    ],
)
def test_pieces_that_are_proved_are_cuttable(
    kind: str, change: Callable[[dict[str, Any]], None], places: list[int], tmp_path: Path
) -> None:
    file = build(kind, tmp_path) / "tokenizer.json"
    content = json.loads(file.read_text(encoding="utf-8"))
    change(content)
    file.write_text(json.dumps(content), encoding="utf-8")
    cuts = load_tokenizer(tmp_path).cuts
    assert cuts is not None
    assert cuts.find("a# b> c", 0, 7).tolist() == places
