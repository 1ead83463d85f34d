"""The tokenizer.json that a GGUF file's fields amount to.

GGUF has the tokens, and names by `tokenizer.ggml.pre` how a text is split before it is merged: each name is an
expression in llama.cpp's source. Only names whose expression was compared with that source are known here.
Source: llama.cpp's src/llama-vocab.cpp, `llm_tokenizer_bpe` and `llm_tokenizer_spm`.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from byheart.components.download.gguf.header import GgufFile

_NORMAL, _UNKNOWN, _CONTROL, _USER_DEFINED = 1, 2, 3, 4
"""Types of tokens."""
_BESIDE = "say by tokenizer= where the model's own tokenizer.json is, or put it beside the file"
_SPACE = "▁"
"""How SentencePiece writes a space."""


def _bytes(*, gpt2_words: bool) -> dict[str, Any]:
    return {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": gpt2_words}


def _divide(*expressions: str) -> list[dict[str, Any]]:
    """Steps that each divide what the last one left, by the matches of an expression."""
    return [
        *(
            {"type": "Split", "pattern": {"Regex": expression}, "behavior": "Isolated", "invert": False}
            for expression in expressions
        ),
        _bytes(gpt2_words=False),
    ]


_SHORT = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)"
"""What English shortens."""
_SPACES = (r"\s*[\r\n]+", r"\s+(?!\S)", r"\s+")
_LLAMA3_WORDS = "|".join((_SHORT, r"[^\r\n\p{L}\p{N}]?\p{L}+", r"\p{N}{1,3}", r" ?[^\s\p{L}\p{N}]+[\r\n]*", *_SPACES))
_QWEN2_WORDS = _LLAMA3_WORDS.replace(r"\p{N}{1,3}", r"\p{N}")
_QWEN3_5_WORDS = _QWEN2_WORDS.replace(r"\p{L}+", r"[\p{L}\p{M}]+").replace(r"[^\s\p{L}", r"[^\s\p{L}\p{M}")
_SEED_WORDS = _QWEN2_WORDS.replace(r" ?[^\s\p{L}\p{N}]+[\r\n]*", r" ?[^\s\p{L}\p{N}\r\n]+")
_BEFORE, _UPPER, _LOWER = r"[^\r\n\p{L}\p{N}]?", r"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]", r"[\p{Ll}\p{Lm}\p{Lo}\p{M}]"
_SIGNS = r" ?[^\s\p{L}\p{N}]+[\r\n/]*"
_TEKKEN_WORDS = "|".join((f"{_BEFORE}{_UPPER}*{_LOWER}+", f"{_BEFORE}{_UPPER}+{_LOWER}*", r"\p{N}", _SIGNS, *_SPACES))
_GPT_4O_WORDS = "|".join(
    (
        f"{_BEFORE}{_UPPER}*{_LOWER}+{_SHORT}?",
        f"{_BEFORE}{_UPPER}+{_LOWER}*{_SHORT}?",
        r"\p{N}{1,3}",
        _SIGNS,
        *_SPACES,
    )
)
_DEEPSEEK3_WORDS = "|".join(
    (
        r"[!\"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+",
        r"[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+",
        r" ?[\p{P}\p{S}]+[\r\n]*",
        *_SPACES,
    )
)
_GPT2_WORDS = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
_GPT2 = [_bytes(gpt2_words=True)]
_DIGITS_FIRST = [{"type": "Digits", "individual_digits": True}, *_GPT2]
_LLAMA3, _QWEN2, _GPT_4O = _divide(_LLAMA3_WORDS), _divide(_QWEN2_WORDS), _divide(_GPT_4O_WORDS)
_DEEPSEEK3 = _divide(r"\p{N}{1,3}", "[一-龥぀-ゟ゠-ヿ]+", _DEEPSEEK3_WORDS)
PRE_TOKENIZERS = {
    **dict.fromkeys(("gpt-2", "phi-2", "olmo", "mpt", "exaone4"), _GPT2),
    **dict.fromkeys(("smollm", "starcoder", "refact", "command-r", "exaone"), _DIGITS_FIRST),
    **dict.fromkeys(("llama-bpe", "llama3", "llama-v3", "falcon3", "pixtral"), _LLAMA3),
    **dict.fromkeys(("dbrx", "smaug-bpe", "chatglm-bpe", "glm4"), _LLAMA3),
    **dict.fromkeys(("qwen2", "deepseek-r1-qwen", "stablelm2", "hunyuan"), _QWEN2),
    **dict.fromkeys(("gpt-4o", "llama4"), _GPT_4O),
    **dict.fromkeys(("deepseek-v3", "hunyuan-dense"), _DEEPSEEK3),
    "deepseek-coder": _divide(r"[\r\n]", r"\s?\p{L}+", r"\s?\p{P}+", "[一-龥ࠀ-一가-\ud7ff]+", r"\p{N}"),
    "falcon": _divide(r"[\p{P}\$\+<=>\^~\|`]+", _GPT2_WORDS, "[0-9][0-9][0-9]"),
    "qwen35": _divide(_QWEN3_5_WORDS),
    "seed-coder": _divide(_SEED_WORDS),
    "tekken": _divide(_TEKKEN_WORDS),
}
"""The steps before merges, by `tokenizer.ggml.pre`."""
WHOLE_WORDS = ("llama-bpe", "llama3", "llama-v3", "falcon3", "pixtral", "glm4", "tekken")
"""Those under which a word that is a token is not made of merges."""


def describe_tokenizer(gguf: GgufFile) -> tuple[dict[str, Any], dict[str, Any]]:
    """The contents of tokenizer.json and of tokenizer_config.json.

    Raises:
        ModelError: the tokenizer is not known, or its fields do not agree.
    """
    kind, pre = gguf.fields.get("tokenizer.ggml.model"), gguf.fields.get("tokenizer.ggml.pre", "default")
    tokens = _read_list(gguf, "tokens", str)
    types = _read_list(gguf, "token_type", int)
    if len(set(tokens)) != len(tokens) or len(types) != len(tokens):
        gguf.refuse("name each token once, with a type", f"{len(tokens):,} and {len(types):,} types", "fetch it again")
    if kind == "gpt2" and pre in PRE_TOKENIZERS:
        content = _describe_byte_level(gguf, tokens, pre)
    elif kind == "llama":
        content = _describe_sentence_piece(gguf, tokens, types)
    else:
        gguf.refuse(
            f"have a tokenizer that is known here: llama, or gpt2 with one of {', '.join(sorted(PRE_TOKENIZERS))}",
            f"{str(kind)[:60]} with {str(pre)[:60]!r}" if kind else "none",
            _BESIDE,
        )
    added = [
        _describe_added(index, token, special=kind != _USER_DEFINED)
        for index, (token, kind) in enumerate(zip(tokens, types, strict=True))
        if kind in (_CONTROL, _UNKNOWN, _USER_DEFINED)
    ]
    settings = {"tokenizer_class": "PreTrainedTokenizerFast", **_name_bos(gguf, tokens)}
    return {"version": "1.0", "truncation": None, "padding": None, "added_tokens": added, **content}, settings


def _name_bos(gguf: GgufFile, tokens: Sequence[str]) -> dict[str, str]:
    bos = gguf.fields.get("tokenizer.ggml.bos_token_id")
    if bos is None:
        return {}
    if type(bos) is not int or not 0 <= bos < len(tokens):
        gguf.refuse(f"name one of {len(tokens):,} tokens as BOS", f"{bos}", "fetch it again")
    return {"bos_token": tokens[bos]}


def _describe_byte_level(gguf: GgufFile, tokens: Sequence[str], pre: str) -> dict[str, Any]:
    """BPE over bytes."""
    if gguf.fields.get("tokenizer.ggml.add_space_prefix", False):
        gguf.refuse(f"add no space before a text, under {pre}", "that it does", _BESIDE)
    known = set(tokens)
    merges = [tuple(merge.split(" ")) for merge in _read_list(gguf, "merges", str)]
    for merge in merges:
        if len(merge) != 2 or not known.issuperset([*merge, "".join(merge)]):
            gguf.refuse("merge two tokens to a token", f"{' '.join(merge)[:60]!r}", "fetch it again")
    return {
        "normalizer": None,
        "pre_tokenizer": {"type": "Sequence", "pretokenizers": PRE_TOKENIZERS[pre]},
        "post_processor": None,
        "decoder": _bytes(gpt2_words=True),
        "model": _describe_model(tokens, merges, ignore_merges=pre in WHOLE_WORDS),
    }


def _describe_sentence_piece(gguf: GgufFile, tokens: Sequence[str], types: Sequence[int]) -> dict[str, Any]:
    """BPE of SentencePiece: of all pairs that make a token, the one with the highest score is merged."""
    scores = _read_list(gguf, "scores", float)
    if len(scores) != len(tokens):
        gguf.refuse(f"give a score to each of {len(tokens):,} tokens", f"{len(scores):,}", "fetch it again")
    unknown = [token for token, kind in zip(tokens, types, strict=True) if kind == _UNKNOWN]
    prefix = (
        [{"type": "Prepend", "prepend": _SPACE}] if gguf.fields.get("tokenizer.ggml.add_space_prefix", True) else []
    )
    replace = {"type": "Replace", "pattern": {"String": " "}, "content": _SPACE}
    normal = {
        token: (-score, index)
        for index, (token, score, kind) in enumerate(zip(tokens, scores, types, strict=True))
        if kind == _NORMAL
    }
    return {
        "normalizer": {"type": "Sequence", "normalizers": [*prefix, replace]},
        "pre_tokenizer": None,
        "post_processor": None,
        "decoder": None,
        "model": _describe_model(
            tokens,
            [pair for token in sorted(normal, key=lambda token: normal[token]) for pair in _split(token, normal)],
            unk_token=unknown[0] if unknown else None,
            fuse_unk=True,
            byte_fallback=True,
        ),
    }


def _split(token: str, normal: dict[str, tuple[float, int]]) -> Iterator[tuple[str, str]]:
    """The pairs of tokens that a token may be merged from; the longest first half, as transformers orders them."""
    for middle in range(len(token) - 1, 0, -1):
        pair = token[:middle], token[middle:]
        if pair[0] in normal and pair[1] in normal:
            yield pair


def _describe_model(tokens: Sequence[str], merges: Sequence[tuple[str, ...]], **changed: Any) -> dict[str, Any]:
    plain = {
        "type": "BPE",
        "dropout": None,
        "unk_token": None,
        "continuing_subword_prefix": None,
        "end_of_word_suffix": None,
        "fuse_unk": False,
        "byte_fallback": False,
        "ignore_merges": False,
    }
    vocab = {token: index for index, token in enumerate(tokens)}
    return plain | changed | {"vocab": vocab, "merges": merges}


def _describe_added(index: int, token: str, *, special: bool) -> dict[str, Any]:
    off = dict.fromkeys(("single_word", "lstrip", "rstrip", "normalized"), False)
    return {"id": index, "content": token, **off, "special": special}


def _read_list(gguf: GgufFile, name: str, kind: type) -> tuple[Any, ...]:
    values = gguf.fields.get(f"tokenizer.ggml.{name}", ())
    if not isinstance(values, tuple) or not all(type(value) is kind for value in values):
        gguf.refuse(f"have tokenizer.ggml.{name} as a list of {kind.__name__}", "another value", "fetch it again")
    return values
