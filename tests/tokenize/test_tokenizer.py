import base64
import json
import unicodedata
from pathlib import Path
from typing import Any

import pytest
from tokenizers import Tokenizer as RawTokenizer
from transformers import AutoTokenizer, PreTrainedTokenizerFast

from byheart.components.tokenize.bos import read_bos_token
from byheart.components.tokenize.tokenizer import load_tokenizer
from byheart.contracts.errors import ModelError
from byheart.store import open_store
from tests.tokenize.toy_tokenizers import KINDS, SAMPLES, TEXT, build


@pytest.fixture(scope="module", params=KINDS)
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(request.param, tmp_path_factory.mktemp(request.param))


@pytest.fixture
def gpt2(tmp_path: Path) -> Path:
    return build("gpt2", tmp_path)


def test_ids_are_those_of_transformers(folder: Path) -> None:
    transformers: Any = AutoTokenizer.from_pretrained(folder)
    encodings = load_tokenizer(folder).encode(SAMPLES)
    for sample, encoding in zip(SAMPLES, encodings, strict=True):
        assert list(encoding.ids) == transformers(sample, add_special_tokens=False)["input_ids"]


def test_slice_is_tokenized_the_same_alone_and_among_others(folder: Path) -> None:
    tokenizer = load_tokenizer(folder)
    assert list(tokenizer.encode(SAMPLES)) == [next(tokenizer.encode([sample])) for sample in SAMPLES]


@pytest.mark.parametrize("role", ["bos_token", "eos_token"])
def test_special_token_spelled_out_in_the_text_stays_text(folder: Path, role: str) -> None:
    token = _config(folder)[role]
    text = f"The{token} ferryman {token}{token}\n{token}"
    special_id = RawTokenizer.from_file(str(folder / "tokenizer.json")).token_to_id(token)
    transformers: Any = AutoTokenizer.from_pretrained(folder)
    assert transformers(text, add_special_tokens=False)["input_ids"].count(special_id) == 4
    (encoding,) = load_tokenizer(folder).encode([text])
    assert special_id not in encoding.ids
    assert _covered(encoding.offsets) == set(range(len(text)))


def test_every_character_lies_in_a_token(folder: Path) -> None:
    # Composed, since normalisers other than NFC's identity are the windows' matter.
    samples = [unicodedata.normalize("NFC", sample) for sample in SAMPLES]
    for sample, encoding in zip(samples, load_tokenizer(folder).encode(samples), strict=True):
        assert _covered(encoding.offsets) == set(range(len(sample)))


def test_trimmed_offsets_are_restored_and_ids_stay(tmp_path: Path) -> None:
    folder = build("gpt_neox", tmp_path)
    raw = RawTokenizer.from_file(str(folder / "tokenizer.json")).encode("by and  by ", add_special_tokens=False)
    assert raw.tokens == ["by", "Ġand", "  ", "by", "Ġ"]
    assert raw.offsets == [(0, 2), (3, 6), (8, 8), (8, 10), (11, 11)]
    (encoding,) = load_tokenizer(folder).encode(["by and  by "])
    assert encoding.offsets == [(0, 2), (2, 6), (6, 8), (8, 10), (10, 11)]
    assert encoding.ids == raw.ids


def test_truncation_and_padding_of_the_file_have_no_effect(gpt2: Path, tmp_path: Path) -> None:
    truncating = build("truncating", tmp_path / "truncating")
    raw = RawTokenizer.from_file(str(truncating / "tokenizer.json"))
    assert [len(encoding.ids) for encoding in raw.encode_batch([TEXT, "The"])] == [16, 16]
    texts = [TEXT, "The"]
    assert list(load_tokenizer(truncating).encode(texts)) == list(load_tokenizer(gpt2).encode(texts))


def test_dummy_space_in_front_of_a_slice_takes_no_place(tmp_path: Path) -> None:
    tokenizer = load_tokenizer(build("llama2", tmp_path))
    (encoding,) = tokenizer.encode(["The ferryman"])
    assert [tokenizer.backend.id_to_token(token) for token in encoding.ids] == ["▁The", "▁ferryman"]
    assert encoding.offsets == [(0, 3), (3, 12)]
    for encoding in tokenizer.encode([TEXT[cursor : cursor + 20] for cursor in range(len(TEXT))]):
        assert encoding.offsets[0][0] == 0


def test_bos_id_is_that_of_the_bos_token(folder: Path) -> None:
    raw = RawTokenizer.from_file(str(folder / "tokenizer.json"))
    bos_id = load_tokenizer(folder).bos_id
    assert bos_id is not None
    assert raw.id_to_token(bos_id) == _config(folder)["bos_token"]


def test_tokenizer_without_a_bos_token_has_no_bos_id(gpt2: Path) -> None:
    (gpt2 / "tokenizer_config.json").write_text('{"tokenizer_class": "PreTrainedTokenizerFast"}')
    assert load_tokenizer(gpt2).bos_id is None


_ADDED = {"__type": "AddedToken", "content": "<|endoftext|>", "lstrip": False, "rstrip": False, "normalized": False}
_MAPPED = {key: value for key, value in _ADDED.items() if key != "__type"}


@pytest.mark.parametrize("decoder", [None, {}, {"0": _MAPPED | {"special": True}}])
@pytest.mark.parametrize("mapped", [None, {}, {"bos_token": None}, {"bos_token": "The"}, {"bos_token": _MAPPED}])
@pytest.mark.parametrize("config", [None, {}, {"bos_token": None}, {"bos_token": "<far>"}, {"bos_token": _ADDED}])
def test_bos_token_is_the_one_that_transformers_reads(
    gpt2: Path, config: dict[str, Any] | None, mapped: dict[str, Any] | None, decoder: dict[str, Any] | None
) -> None:
    (gpt2 / "tokenizer_config.json").unlink()
    if config is not None:
        config = config if decoder is None else {**config, "added_tokens_decoder": decoder}
        (gpt2 / "tokenizer_config.json").write_text(json.dumps(config))
    if mapped is not None:
        (gpt2 / "special_tokens_map.json").write_text(json.dumps(mapped))
    bos_token = read_bos_token(open_store(str(gpt2), "model"))
    assert bos_token == PreTrainedTokenizerFast.from_pretrained(gpt2, local_files_only=True).bos_token


@pytest.mark.parametrize("token", [1, True, [], {}, {"content": 1}])
def test_bos_token_that_is_no_text_is_refused_by_its_file(gpt2: Path, token: Any) -> None:
    (gpt2 / "tokenizer_config.json").write_text(json.dumps({"bos_token": token}))
    with pytest.raises(ModelError, match=r"tokenizer_config\.json must have a text as bos_token, found .*fetch"):
        load_tokenizer(gpt2)


def test_folder_without_tokenizer_json_is_refused_by_its_name(gpt2: Path) -> None:
    (gpt2 / "tokenizer.json").unlink()
    with pytest.raises(ModelError, match=r"must hold tokenizer\.json.*found none"):
        load_tokenizer(gpt2)


@pytest.mark.parametrize("content", ["", "not JSON", "{}", "[]", '{"model": {"type": "BPE"}}', None])
def test_broken_tokenizer_json_is_refused_by_its_name(gpt2: Path, content: str | None) -> None:
    file = gpt2 / "tokenizer.json"
    whole = file.read_text(encoding="utf-8")
    file.write_text(whole[: len(whole) // 2] if content is None else content, encoding="utf-8")
    with pytest.raises(ModelError, match=r"tokenizer\.json must be a tokenizer that can be read"):
        load_tokenizer(gpt2)


def test_hash_changes_with_the_file_that_decides(gpt2: Path) -> None:
    before = load_tokenizer(gpt2).sha256
    with (gpt2 / "tokenizer.json").open("a") as file:
        file.write("\n")
    assert load_tokenizer(gpt2).sha256 != before


def test_hash_does_not_change_with_an_unrelated_file(gpt2: Path) -> None:
    before = load_tokenizer(gpt2).sha256
    (gpt2 / "README.md").write_text("A small model.")
    assert load_tokenizer(gpt2).sha256 == before


def test_hash_does_not_depend_on_the_folder(gpt2: Path, tmp_path: Path) -> None:
    assert load_tokenizer(gpt2).sha256 == load_tokenizer(build("gpt2", tmp_path / "elsewhere")).sha256


def _config(folder: Path) -> dict[str, str]:
    return json.loads((folder / "tokenizer_config.json").read_text(encoding="utf-8"))


def _covered(offsets: Any) -> set[int]:
    return {character for start, stop in offsets for character in range(start, stop)}


def _change(folder: Path, **changes: Any) -> None:
    path = folder / "tokenizer.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def replace_by(content: str, pattern: str = "e") -> dict[str, Any]:
    return {"type": "Replace", "pattern": {"String": pattern}, "content": content}


@pytest.mark.parametrize(
    "normalizer",
    [
        replace_by("x" * 100_000),
        {"type": "Prepend", "prepend": "x" * 100_000},
        {"type": "Sequence", "normalizers": [replace_by("ee")] * 40},
        {"type": "Sequence", "normalizers": [{"type": "Sequence", "normalizers": [replace_by("ee")] * 20}] * 20},
        {"type": "Precompiled", "precompiled_charsmap": base64.b64encode(bytes(4) + b"x" * 100_000 + b"\0").decode()},
    ],
    ids=["replace", "prepend", "sequence", "nested", "precompiled"],
)
def test_normalizer_that_would_take_all_memory_is_refused(gpt2: Path, normalizer: dict[str, Any]) -> None:
    _change(gpt2, normalizer=normalizer)
    with pytest.raises(ModelError, match=r"must write at most 200 characters for one, found [\d,]+: it"):
        load_tokenizer(gpt2)


def test_panic_of_the_library_is_a_sentence(gpt2: Path) -> None:
    split = {"type": "Split", "pattern": {"Regex": "(a|aa)+$"}, "behavior": "Isolated", "invert": False}
    _change(
        gpt2,
        pre_tokenizer={
            "type": "Sequence",
            "pretokenizers": [split, json.loads((gpt2 / "tokenizer.json").read_text())["pre_tokenizer"]],
        },
    )
    tokenizer = load_tokenizer(gpt2)
    with pytest.raises(ModelError, match=r"tokenizer\.json must encode any text, found: .*: fetch the model again"):
        list(tokenizer.encode(["a" * 2_000 + "b"]))
