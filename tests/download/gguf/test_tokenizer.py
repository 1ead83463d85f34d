"""A GGUF file's own tokenizer splits a text as llama.cpp does: its expressions and rules are written anew here."""

import heapq
import itertools
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import regex
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer

from byheart.components.download.gguf.header import GgufFile
from byheart.components.download.gguf.tokenizer import PRE_TOKENIZERS, describe_tokenizer
from byheart.contracts.errors import ModelError
from byheart.store import open_store
from tests.conftest import BOOK, MODEL

GPT2 = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)"
LLAMA3 = (
    r"(?:'[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD])|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}|"
    r" ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
QWEN2 = (
    r"(?:'[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD])|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}|"
    r" ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
QWEN3_5 = (
    r"(?:'[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD])|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}|"
    r" ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
SEED = (
    r"(?:'[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD])|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1}|"
    r" ?[^\s\p{L}\p{N}\r\n]+|\s*[\r\n]+|\s+(?!\S)|\s+"
)
GPT_4O = (
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|"
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|"
    r"\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
TEKKEN = (
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+|"
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*|"
    r"\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
DEEPSEEK3 = [
    r"\p{N}{1,3}",
    "[一-龥\u3040-\u309f\u30a0-\u30ff]+",
    r"[!\"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+|"
    r" ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+",
]
EXPRESSIONS: dict[str, list[str]] = {
    **{pre: [GPT2] for pre in ("gpt-2", "phi-2", "olmo", "mpt", "exaone4")},
    **{pre: [r"\p{N}", GPT2] for pre in ("smollm", "starcoder", "refact", "command-r", "exaone")},
    **{pre: [LLAMA3] for pre in ("llama-bpe", "llama3", "llama-v3", "falcon3", "pixtral")},
    **{pre: [LLAMA3] for pre in ("dbrx", "smaug-bpe", "chatglm-bpe", "glm4")},
    **{pre: [QWEN2] for pre in ("qwen2", "deepseek-r1-qwen", "stablelm2", "hunyuan")},
    **{pre: [GPT_4O] for pre in ("gpt-4o", "llama4")},
    **dict.fromkeys(("deepseek-v3", "hunyuan-dense"), DEEPSEEK3),
    "deepseek-coder": [r"[\r\n]", r"\s?\p{L}+", r"\s?\p{P}+", "[\u4e00-\u9fa5\u0800-\u4e00\uac00-\ud7ff]+", r"\p{N}"],
    "falcon": [r"[\p{P}\$\+<=>\^~\|`]+", GPT2, "[0-9][0-9][0-9]"],
    "qwen35": [QWEN3_5],
    "seed-coder": [SEED],
    "tekken": [TEKKEN],
}
"""What llama.cpp's `llm_tokenizer_bpe` applies one after the other: each to what lies within a piece of the last.

Of gpt-4o and tekken these are the models' own, which llama.cpp's source quotes: what it applies itself takes letters
beyond ASCII for both upper and lower case.
"""
BYTES = [chr(byte) for byte in (*range(33, 127), *range(161, 173), *range(174, 256))]
ALPHABET = [chr(256 + index) for index in range(256 - len(BYTES))] + BYTES
"""GPT-2's letters for bytes."""


def described(**fields: Any) -> Tokenizer:
    """The tokenizer of such fields."""
    values = {f"tokenizer.ggml.{name}": value for name, value in fields.items()}
    gguf = GgufFile(place=open_store("nowhere"), file="toy.gguf", fields=values, tensors={})
    return Tokenizer.from_str(json.dumps(describe_tokenizer(gguf)[0]))


def byte_level(pre: str, merges: Sequence[str] = (), more: Sequence[str] = (), kinds: Sequence[int] = ()) -> Tokenizer:
    tokens = (*ALPHABET, *(merge.replace(" ", "") for merge in merges), *more)
    types = (1,) * (len(tokens) - len(kinds)) + tuple(kinds)
    return described(model="gpt2", pre=pre, tokens=tokens, token_type=types, merges=tuple(merges))


def split(text: str, expressions: list[str]) -> list[str]:
    pieces = [text]
    for expression in expressions:
        within = []
        for piece in pieces:
            at = 0
            for match in regex.finditer(expression, piece):
                within += [piece[at : match.start()], match.group()]
                at = match.end()
            within.append(piece[at:])
        pieces = [piece for piece in within if piece]
    return pieces


COMPARED = {tuple(expressions): pre for pre, expressions in EXPRESSIONS.items()}
"""A name for each way of splitting; others of the same are compared with it."""


def test_every_name_is_compared() -> None:
    assert EXPRESSIONS.keys() == PRE_TOKENIZERS.keys()
    for pre, expressions in EXPRESSIONS.items():
        assert PRE_TOKENIZERS[pre] == PRE_TOKENIZERS[COMPARED[tuple(expressions)]]


@pytest.mark.parametrize("pre", COMPARED.values())
@given(text=st.text(alphabet="aZéÉ 1２½Ⅻ\n\r\t's'LL_!/+—\u00a0\u3000漢あǅ\u0301", max_size=30))
def test_words_are_those_of_llama_cpp(pre: str, text: str) -> None:
    found = byte_level(pre).pre_tokenizer
    assert found is not None
    assert [text[slice(*span)] for _, span in found.pre_tokenize_str(text)] == split(text, EXPRESSIONS[pre])


def test_smollm_splits_digits_before_words() -> None:
    """The step that transformers 5.23 leaves out: white space before a digit is a piece of its own."""
    found = byte_level("smollm").pre_tokenizer
    assert found is not None
    assert [piece for piece, _ in found.pre_tokenize_str("at 12\n\n3")] == ["at", "Ġ", "1", "2", "ĊĊ", "3"]


def test_tokens_are_those_of_the_tokenizer_that_the_file_was_written_from() -> None:
    own = json.loads((MODEL / "tokenizer.json").read_text())
    vocab = {**own["model"]["vocab"], **{token["content"]: token["id"] for token in own["added_tokens"]}}
    special = {token["content"] for token in own["added_tokens"]}
    tokens = sorted(vocab, key=lambda token: vocab[token])
    found = described(
        model="gpt2",
        pre="gpt-2",
        tokens=tuple(tokens),
        token_type=tuple(3 if token in special else 1 for token in tokens),
        merges=tuple(" ".join(merge) for merge in own["model"]["merges"]),
    )
    text, given_ = BOOK.read_text(), Tokenizer.from_file(str(MODEL / "tokenizer.json"))
    expected = given_.encode(text, add_special_tokens=False)
    encoded = found.encode(text, add_special_tokens=False)
    assert (encoded.ids, encoded.offsets) == (expected.ids, expected.offsets)


@pytest.mark.parametrize("pre", EXPRESSIONS)
def test_words_that_are_tokens_stay_whole_where_llama_cpp_ignores_merges(pre: str) -> None:
    whole = pre in ("llama-bpe", "llama3", "llama-v3", "falcon3", "pixtral", "glm4", "tekken")
    assert (len(byte_level(pre, ["a b"], ["abc"]).encode("abc").tokens) == 1) == whole


def test_under_llama_3_a_word_that_is_a_token_is_not_made_of_merges() -> None:
    """llama.cpp's ignore_merges: `abc` has no merges that lead to it."""
    assert byte_level("llama-bpe", ["a b"], ["abc"]).encode("abc abc").tokens == ["abc", "Ġ", "ab", "c"]
    assert byte_level("gpt-2", ["a b"], ["abc"]).encode("abc").tokens == ["ab", "c"]


def test_control_tokens_are_special_and_a_users_own_are_text() -> None:
    found = byte_level("gpt-2", [], ["<|end|>", "<|mine|>"], [3, 4])
    found.encode_special_tokens = True
    assert found.encode("<|mine|>").tokens == ["<|mine|>"]
    assert len(found.encode("<|end|>").tokens) == 7


PIECES = ("▁", "a", "b", "▁a", "ab", "ba", "aa", "▁ab", "aab", "bab", "abab", "▁aba", "bb")


def merged(text: str, scores: dict[str, float]) -> list[str]:
    """SentencePiece's own rule: of all neighbours that make a token, merge the highest score first, from the left."""
    symbols = list(text)
    while True:
        found = [
            (-scores[left + right], index)
            for index, (left, right) in enumerate(itertools.pairwise(symbols))
            if left + right in scores
        ]
        if not found:
            return symbols
        _, index = heapq.nsmallest(1, found)[0]
        symbols[index : index + 2] = [symbols[index] + symbols[index + 1]]


@given(text=st.text(alphabet="ab ", max_size=20), order=st.permutations(range(len(PIECES))))
def test_sentence_piece_merges_what_it_scores_highest(text: str, order: list[int]) -> None:
    scores = {piece: -float(rank) for piece, rank in zip(PIECES, order, strict=True)}
    found = described(
        model="llama",
        tokens=("<unk>", *PIECES, *(f"<0x{byte:02X}>" for byte in range(256))),
        scores=(0.0, *scores.values(), *[0.0] * 256),
        token_type=(2, *[1] * len(PIECES), *[6] * 256),
    )
    expected = merged("▁" + text.replace(" ", "▁"), scores) if text else []
    assert found.encode(text).tokens == expected


def test_sentence_piece_writes_what_has_no_token_in_bytes() -> None:
    found = described(
        model="llama",
        tokens=("<unk>", "▁", "a", *(f"<0x{byte:02X}>" for byte in range(256))),
        scores=(0.0,) * 259,
        token_type=(2, 1, 1, *[6] * 256),
        add_space_prefix=False,
    )
    assert found.encode("a é").tokens == ["a", "▁", "<0xC3>", "<0xA9>"]


def test_scores_that_are_missing_are_missed() -> None:
    with pytest.raises(ModelError, match="a score to each of 1 tokens"):
        described(model="llama", tokens=("<unk>",), token_type=(2,))


def test_path_is_named() -> None:
    with pytest.raises(ModelError, match=str(Path("nowhere") / "toy.gguf")):
        described(model="bert", tokens=("a",), token_type=(1,))
