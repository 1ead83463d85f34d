"""The text of tokens, against the library's decoder and by hand."""

import re
from pathlib import Path

import pytest
from tokenizers import AddedToken, Tokenizer, decoders, models

from byheart.components.tokenize.pieces import list_pieces
from byheart.components.tokenize.tokenizer import load_tokenizer
from tests.conftest import MODEL
from tests.tokenize.toy_tokenizers import KINDS, TEXT, build

_NORMALIZED = ("gpt_neox", "qwen2", "lowercase")
"""Kinds whose tokens spell the text otherwise."""
_UNKNOWN = ("unigram",)
"""Kinds that have no token for some of the text."""


def _load(kind: str, folder: Path) -> Tokenizer:
    return load_tokenizer(build(kind, folder)).backend


@pytest.mark.parametrize("kind", KINDS)
def test_token_is_what_the_library_decodes_inside_a_text(kind: str, tmp_path: Path) -> None:
    backend = _load(kind, tmp_path)
    special = {number for number, token in backend.get_added_tokens_decoder().items() if token.special}
    pieces = list_pieces(backend)
    around = backend.encode("n", add_special_tokens=False).ids[-1]  # a decoder may cut a space in front of a text

    def decode(number: int) -> str:
        return backend.decode([around, number, around], skip_special_tokens=False)

    alone = pieces[around]
    whole = [number for number in range(len(pieces)) if number not in special and "�" not in decode(number)]
    assert len(whole) > len(pieces) / 3
    for number in whole:
        assert decode(number).lstrip(" ") == f"{alone}{pieces[number]}{alone}".lstrip(" ")


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind not in (*_NORMALIZED, *_UNKNOWN)])
def test_pieces_of_a_text_make_the_text(kind: str, tmp_path: Path) -> None:
    backend = _load(kind, tmp_path)
    pieces = list_pieces(backend)
    text = "".join(character for character in TEXT if character.isascii())
    shown = "".join(pieces[number] for number in backend.encode(text, add_special_tokens=False).ids)
    assert shown.removeprefix(" ") == text


@pytest.mark.parametrize("kind", ["gpt2", "llama2", "gemma"])
def test_bytes_that_are_no_character_stand_in_brackets(kind: str, tmp_path: Path) -> None:
    backend = _load(kind, tmp_path)
    pieces = list_pieces(backend)
    shown = "".join(pieces[number] for number in backend.encode("\U0001f989", add_special_tokens=False).ids)
    assert shown.removeprefix(" ") == "‹F0›‹9F›‹A6›‹89›"


def test_byte_that_is_a_character_is_the_character(tmp_path: Path) -> None:
    backend = _load("llama2", tmp_path)
    assert list_pieces(backend)[backend.token_to_id("<0x0A>")] == "\n"


def test_characters_beside_a_part_of_another_are_shown() -> None:
    backend = _make_byte_level(["Ġna", "Ã", "naÃ", "ÃĿ"])
    assert list_pieces(backend) == [" na", "‹C3›", "na‹C3›", "Ý"]


def test_added_token_is_its_content_and_a_missing_id_is_empty() -> None:
    backend = _make_byte_level(["a", "b"])
    backend.add_tokens([AddedToken("  é", normalized=False)])
    backend.add_special_tokens(["<|end|>"])
    assert list_pieces(backend) == ["a", "b", "  é", "<|end|>"]
    gap = Tokenizer(models.WordLevel({"a": 0, "c": 3}, unk_token="a"))
    assert list_pieces(gap) == ["a", "", "", "c"]


def test_rest_of_a_word_is_shown_without_its_mark() -> None:
    backend = Tokenizer(models.WordLevel({"fer": 0, "##ry": 1}, unk_token="fer"))
    backend.decoder = decoders.WordPiece()
    assert list_pieces(backend) == ["fer", "ry"]


def test_pieces_of_the_sample_make_its_words() -> None:
    backend = load_tokenizer(MODEL).backend
    pieces = list_pieces(backend)
    text = "“Élan,” she said;\n\nand 1789 of it."
    ids = backend.encode(text, add_special_tokens=False).ids
    shown = "".join(pieces[number] for number in ids)
    assert re.sub("(?:‹[0-9A-F]{2}›)+", _read_bytes, shown) == text


def _make_byte_level(tokens: list[str]) -> Tokenizer:
    backend = Tokenizer(models.WordLevel({token: number for number, token in enumerate(tokens)}, unk_token=tokens[0]))
    backend.decoder = decoders.ByteLevel()
    return backend


def _read_bytes(match: re.Match[str]) -> str:
    return bytes.fromhex(match[0].strip("‹›").replace("›‹", "")).decode()
