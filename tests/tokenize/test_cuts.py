import json
import sys
import unicodedata
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from tokenizers import AddedToken, Regex, Tokenizer, models, normalizers, pre_tokenizers

from byheart.components.download.gguf.tokenizer import PRE_TOKENIZERS
from byheart.components.tokenize.cuts import Cuts, find_cuts
from byheart.components.tokenize.tokenizer import Tokenizer as Loaded
from byheart.components.tokenize.tokenizer import load_tokenizer
from byheart.components.tokenize.word_cuts import CUT
from tests.tokenize.texts import TEXTS
from tests.tokenize.toy_tokenizers import CUTTABLE, KINDS, build

_CHARACTERS = [chr(point) for point in range(sys.maxunicode + 1) if not 0xD800 <= point < 0xE000]


_WORD_CUTS = Cuts(CUT)


def _cut(text: str) -> str:
    places = _WORD_CUTS.find(text, 0, len(text)).tolist()
    return "|".join(text[start:stop] for start, stop in zip([0, *places], [*places, len(text)], strict=True))


@pytest.mark.parametrize(
    "text",
    [
        "The| ferryman| did| not",
        " and|   “it”|  \n 1848.|  ",
        "e\u0301| a\u00a0 b\t c\u3000 d\n e",
        "日本語の本|、読む|。「川|」と|、| x",
        "aGVsbG8",
        "",
    ],
)
def test_text_is_cut_before_spaces_and_marks_as_drawn(text: str) -> None:
    assert _cut(text.replace("|", "")) == text


def test_cuts_are_sought_in_a_part_of_the_text_with_the_whole_in_sight() -> None:
    text = "to be  or not"
    assert _WORD_CUTS.find(text, 0, 13).tolist() == [2, 5, 9]
    assert _WORD_CUTS.find(text, 2, 9).tolist() == [2, 5]
    assert _WORD_CUTS.find(text, 3, 10).tolist() == [5, 9]
    assert _WORD_CUTS.find(text, 6, 6).tolist() == []


def test_no_cut_stands_behind_white_space_of_the_library() -> None:
    text = "".join(_CHARACTERS)
    pieces = pre_tokenizers.Split(Regex(r"\s"), "removed").pre_tokenize_str(text)
    white = set(text) - {character for piece, _ in pieces for character in piece}
    assert white >= set(" \t\n\r\u00a0\u2009\u3000")
    assert all(not _WORD_CUTS.find(f"{character} a", 0, 3).size for character in white)


def test_no_other_character_becomes_white_space_when_composed() -> None:
    composed = normalizers.NFC().normalize_str("\0".join(_CHARACTERS[1:])).split("\0")
    for character, form in zip(_CHARACTERS[1:], composed, strict=True):
        assert form[-1].isspace() == character.isspace()


@pytest.mark.parametrize("mark", list(" 、。「」『』，！？：；"))
def test_character_behind_a_cut_combines_with_none_before_it(mark: str) -> None:
    nfc = normalizers.NFC()
    assert unicodedata.combining(mark) == 0
    for left in ("e", "e\u0301", "か", "か\u3099", "豈", "\u1100", "<", "\u0344"):
        assert nfc.normalize_str(left + mark) == nfc.normalize_str(left) + nfc.normalize_str(mark)


@pytest.fixture(scope="module", params=CUTTABLE)
def cuttable(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Loaded:
    return load_tokenizer(build(request.param, tmp_path_factory.mktemp(request.param)))


@given(text=TEXTS)
@settings(max_examples=40, deadline=None)
def test_tokens_of_the_parts_are_those_of_the_whole(cuttable: Loaded, text: str) -> None:
    assert cuttable.cuts is not None
    whole = _tokens(cuttable, text)
    for place in cuttable.cuts.find(text, 0, len(text)).tolist():
        # the rest is the same behind any text with this last character
        before = _tokens(cuttable, text[place - 1 : place])
        rest = _tokens(cuttable, text[place - 1 :])[len(before) :]
        moved = [(token, start + place - 1, stop + place - 1) for token, start, stop in rest]
        assert _tokens(cuttable, text[:place]) + moved == whole


def _tokens(tokenizer: Loaded, text: str) -> list[tuple[int, int, int]]:
    (encoding,) = tokenizer.encode([text])
    return [(token, *span) for token, span in zip(encoding.ids, encoding.offsets, strict=True)]


@pytest.mark.parametrize("kind", KINDS)
def test_tokenizer_is_known_as_cuttable_or_not(kind: str, tmp_path: Path) -> None:
    assert (load_tokenizer(build(kind, tmp_path)).cuts is not None) == (kind in CUTTABLE)


def _split(pattern: str | Regex, behavior: str = "isolated", *, invert: bool = False) -> pre_tokenizers.PreTokenizer:
    return pre_tokenizers.Split(pattern, behavior, invert)


_LETTERS = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
_WORDS = Regex(r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+")
_NEARLY = Regex(r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s")


@pytest.mark.parametrize(
    "steps",
    [
        None,
        [],
        [_LETTERS],
        [pre_tokenizers.ByteLevel(add_prefix_space=True)],
        [_split(_NEARLY), _LETTERS],
        [_split(_WORDS, "merged_with_previous"), _LETTERS],
        [_split(_WORDS, "removed"), _LETTERS],
        [_split(_WORDS, invert=True), _LETTERS],
        [_split(" "), _LETTERS],
        [_LETTERS, _split(_WORDS)],
        [_split("x"), _split(_WORDS), _LETTERS],
        [_split(_WORDS), pre_tokenizers.ByteLevel(add_prefix_space=True, use_regex=False)],
        [_split(_WORDS), pre_tokenizers.Metaspace()],
        [pre_tokenizers.Punctuation("merged_with_next"), _split(_WORDS), _LETTERS],
        [pre_tokenizers.Digits()],
        [pre_tokenizers.Whitespace()],
    ],
)
def test_pre_tokenizer_that_is_not_proved_is_not_cuttable(
    steps: list[pre_tokenizers.PreTokenizer] | None, gpt2: Tokenizer
) -> None:
    assert find_cuts(gpt2) is not None
    gpt2.pre_tokenizer = None if steps is None else pre_tokenizers.Sequence(steps)
    assert find_cuts(gpt2) is None


@pytest.mark.parametrize(
    "steps",
    [
        [_split(_WORDS)],
        [_split(_WORDS, "removed", invert=True), _LETTERS],
        [pre_tokenizers.Digits(), _split(_WORDS), pre_tokenizers.Punctuation(), _LETTERS],
    ],
)
def test_pre_tokenizer_that_is_proved_is_cuttable(steps: list[pre_tokenizers.PreTokenizer], gpt2: Tokenizer) -> None:
    gpt2.pre_tokenizer = pre_tokenizers.Sequence(steps)
    assert find_cuts(gpt2) is not None


@pytest.mark.parametrize(
    "token",
    [
        AddedToken("New York"),
        AddedToken("her "),
        AddedToken("豈、"),
        AddedToken(" a", single_word=True),
    ],
)
def test_added_token_that_looks_over_a_cut_is_not_cuttable(token: AddedToken, gpt2: Tokenizer) -> None:
    gpt2.add_tokens([token])
    assert find_cuts(gpt2) is None


@pytest.mark.parametrize(
    "token",
    [
        AddedToken("<a>"),
        AddedToken("  "),
        AddedToken("<b>", rstrip=True, special=True),
        AddedToken("<a>", lstrip=True),
        AddedToken("begin▁of"),
    ],
)
def test_added_token_that_does_not_is_cuttable(token: AddedToken, gpt2: Tokenizer) -> None:
    gpt2.add_tokens([token])
    assert find_cuts(gpt2) is not None


def test_text_is_not_cut_behind_an_added_token_that_takes_white_space(gpt2: Tokenizer) -> None:
    gpt2.add_tokens([AddedToken("<a>", rstrip=True)])
    cuts = find_cuts(gpt2)
    assert cuts is not None
    assert cuts.find("<a> b> c", 0, 8).tolist() == []
    assert cuts.find("<a b c", 0, 6).tolist() == [2, 4]


def test_added_token_is_cuttable_or_not_in_its_normalized_form(gpt2: Tokenizer) -> None:
    gpt2.add_tokens([AddedToken("\uf900、")])
    assert find_cuts(gpt2) is not None
    gpt2.normalizer = normalizers.NFC()  # makes it 豈、
    assert find_cuts(gpt2) is None


def test_special_tokens_alone_may_hold_cuts(gpt2: Tokenizer) -> None:
    gpt2.add_special_tokens([AddedToken("<| |>")])
    assert find_cuts(gpt2) is not None
    gpt2.add_tokens([AddedToken("|>")])
    assert find_cuts(gpt2) is None


@pytest.mark.parametrize("pre", sorted(PRE_TOKENIZERS))
def test_published_pre_tokenizers_are_cuttable(pre: str, gpt2: Tokenizer) -> None:
    content = json.loads(gpt2.to_str())
    content["pre_tokenizer"] = {"type": "Sequence", "pretokenizers": PRE_TOKENIZERS[pre]}
    tokenizer = Tokenizer.from_str(json.dumps(content))
    tokenizer.encode_special_tokens = True
    cuts = find_cuts(tokenizer)
    assert cuts is not None
    assert cuts.find("The ferryman did not answer.", 0, 28).tolist() == [3, 12, 16, 20]


@pytest.mark.parametrize(
    "steps",
    [
        [_split(Regex(r"\s?\p{L}+"))],
        [_split(Regex(r"\s?\p{L}+")), pre_tokenizers.Whitespace(), _LETTERS],
        [_split(Regex(r"\s?[^a]+")), _LETTERS],
        [_split(Regex(r"\s?[a ]+")), _LETTERS],
        [_split(Regex(r"\p{L}+\s?")), _LETTERS],
        [_split(Regex("[\r\n]")), _LETTERS],
        [_split(Regex(r"\s?\p{L}+"), invert=True), _LETTERS],
    ],
)
def test_runs_that_are_not_proved_are_not_cuttable(steps: list[pre_tokenizers.PreTokenizer], gpt2: Tokenizer) -> None:
    gpt2.pre_tokenizer = pre_tokenizers.Sequence(steps)
    assert find_cuts(gpt2) is None


def test_runs_are_cut_behind_what_some_step_separates(gpt2: Tokenizer) -> None:
    gpt2.pre_tokenizer = pre_tokenizers.Sequence([_split(Regex(r"\s?\p{L}+")), _split(Regex(r"\s?\p{P}+")), _LETTERS])
    cuts = find_cuts(gpt2)
    assert cuts is not None
    assert cuts.find("a b. c + d 1 e", 0, 14).tolist() == [1, 4, 6, 10]


def _set_dropout(tokenizer: Tokenizer) -> None:
    tokenizer.model.dropout = 0.1


def _set_normalizer(tokenizer: Tokenizer) -> None:
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFC(), normalizers.Strip()])


def _set_model(tokenizer: Tokenizer) -> None:
    tokenizer.model = models.WordLevel({"a": 0}, unk_token="a")


def _match_special_tokens(tokenizer: Tokenizer) -> None:
    tokenizer.encode_special_tokens = False


@pytest.mark.parametrize("change", [_set_dropout, _set_normalizer, _set_model, _match_special_tokens])
def test_other_change_that_is_not_proved_is_not_cuttable(change: Callable[[Tokenizer], None], gpt2: Tokenizer) -> None:
    change(gpt2)
    assert find_cuts(gpt2) is None


@pytest.fixture
def gpt2(tmp_path: Path) -> Tokenizer:
    return load_tokenizer(build("gpt2", tmp_path)).backend
