"""Small real tokenizers in the layout of Hugging Face, one for each way of making offsets."""

import json
import math
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from transformers.integrations.gguf.gguf_tokenizer_mapping import GGUF_PRE_TOKENIZER_SPLITS

TEXT = """The ferryman did not answer her at once. “You came for the café,” he said — “and for the cafe\u0301 beyond.”
She laughed; the straße was wet, the lanterns were lit, and the river went on talking to itself.

'Do not answer him,' said the old woman. It's late, and they'd better go home before 1789 or 1848 comes again!
日本語の本を読む人は、川のそばで待っていた。それは日本語の歌だった。 The ferryman did not understand it. 🙂🙂 🚣

Über den Fluß ging er nicht; naïve, façade, re\u0301sume\u0301. The river   did    not answer.
\tThe lanterns — “lit” and ‘unlit’ — went by, and by, and by; the ferryman did not answer her.
"""
"""What they are trained on; it holds accents composed and combining."""

SAMPLES = [
    TEXT,
    TEXT.replace("\n", "\r\n"),
    "The ferryman did not answer her.",
    " her",
    "   three spaces,  two,\ttab \r\n\r\n and a last one ",
    "\n",
    "🚣🏽 over the Fluß 👩‍👩‍👧",
    "日本語 or nothing — “naïve”",
    "cafe\u0301",
]
"""Texts without a special token."""

_CORPUS = [*TEXT.splitlines(keepends=True), *TEXT.split()]
_LLAMA3_WORDS = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*"
    r"|\s*[\r\n]+|\s+(?!\S)|\s+"
)


def _gpt2() -> Tokenizer:
    """Byte-level BPE; one special token, first in the vocabulary."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.train_from_iterator(_CORPUS, _trainer(["<|endoftext|>"], pre_tokenizers.ByteLevel.alphabet()))
    tokenizer.post_processor = processors.ByteLevel(trim_offsets=False)
    return tokenizer


def _llama3() -> Tokenizer:
    """Byte-level BPE behind a regular expression; special tokens after the vocabulary; a template adds the BOS."""
    tokenizer = Tokenizer(models.BPE(ignore_merges=True))
    words = pre_tokenizers.Split(Regex(_LLAMA3_WORDS), "isolated")
    to_bytes = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([words, to_bytes])
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.train_from_iterator(_CORPUS, _trainer([], pre_tokenizers.ByteLevel.alphabet()))
    bos = "<|begin_of_text|>"
    tokenizer.add_special_tokens([bos, "<|endoftext|>"])
    ids = [(bos, tokenizer.token_to_id(bos))]
    template = processors.TemplateProcessing(single=f"{bos} $A", special_tokens=ids)
    tokenizer.post_processor = processors.Sequence([processors.ByteLevel(trim_offsets=False), template])
    return tokenizer


def _gpt_neox() -> Tokenizer:
    """GPT-2's, with accents composed, runs of spaces as added tokens, and spaces trimmed off the offsets."""
    tokenizer = _gpt2()
    tokenizer.normalizer = normalizers.NFC()
    tokenizer.add_tokens([AddedToken(" " * count, normalized=True) for count in (3, 2)])
    tokenizer.post_processor = processors.ByteLevel(add_prefix_space=False, trim_offsets=True)
    return tokenizer


def _llama2() -> Tokenizer:
    """SentencePiece BPE: a dummy space in front, no pre-tokenizer, bytes for what is not in the vocabulary."""
    control, byte_tokens = ["<unk>", "<s>", "</s>"], [f"<0x{byte:02X}>" for byte in range(256)]
    learner = Tokenizer(models.BPE(unk_token="<unk>", fuse_unk=True, byte_fallback=True))
    learner.pre_tokenizer = pre_tokenizers.Metaspace()  # else the trainer would learn whole lines
    ascii_corpus = [text for text in _CORPUS if text.isascii()]
    learner.train_from_iterator(ascii_corpus, _trainer(control + byte_tokens, []))
    content = json.loads(learner.to_str())
    content["pre_tokenizer"] = None
    content["added_tokens"] = content["added_tokens"][: len(control)]
    tokenizer = Tokenizer.from_str(json.dumps(content))
    tokenizer.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    tokenizer.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()])
    tokenizer.post_processor = processors.TemplateProcessing(single="<s> $A", special_tokens=[("<s>", 1)])
    return tokenizer


def _gemma() -> Tokenizer:
    """SentencePiece BPE without a dummy space; some of its tokens reach over spaces, some are added."""
    control, byte_tokens = ["<pad>", "<bos>", "<unk>"], [f"<0x{byte:02X}>" for byte in range(256)]
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>", fuse_unk=True, byte_fallback=True))
    tokenizer.normalizer = normalizers.Replace(" ", "▁")
    phrases = [f" {word}" for word in TEXT.split() if word.isascii()] + 2 * ["of the, and. of the"]
    tokenizer.train_from_iterator(phrases, _trainer(control + byte_tokens, [], 480))
    tokenizer.add_tokens([AddedToken(content, normalized=False) for content in ("\n\n", "▁▁", "her")])
    tokenizer.pre_tokenizer = pre_tokenizers.Split(" ", "merged_with_previous")
    tokenizer.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()])
    return tokenizer


def _metaspace() -> Tokenizer:
    """Llama 2's as it is converted today: the pre-tokenizer spells the spaces, and there is an added token."""
    tokenizer = _llama2()
    tokenizer.normalizer = normalizers.Sequence([])
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="first", split=False)
    tokenizer.add_tokens([AddedToken("ferry", normalized=False)])
    return tokenizer


def _unigram() -> Tokenizer:
    """Unigram pieces of Metaspace words, as in T5 and XLNet; its control tokens are pieces too."""
    # Counted, since the trainer gives other pieces each time.
    words = [f"▁{word}" for word in TEXT.split()]
    spans = [(first, last) for first in range(12) for last in range(first + 1, first + 6)]
    counts = Counter(word[first:last] for word in words for first, last in spans if last <= len(word))
    scores = {piece: math.log(count / counts.total()) for piece, count in counts.items() if count > 2 or len(piece) < 2}
    control = ["<unk>", "<s>", "</s>"]
    tokenizer = Tokenizer(models.Unigram([*((token, 0.0) for token in control), *scores.items()], unk_id=0))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.decoder = decoders.Metaspace()
    tokenizer.add_special_tokens(control)
    tokenizer.post_processor = processors.TemplateProcessing(single="$A </s>", special_tokens=[("</s>", 2)])
    return tokenizer


def _truncating() -> Tokenizer:
    """GPT-2's, saved with truncation and padding left on."""
    tokenizer = _gpt2()
    tokenizer.enable_truncation(4)
    tokenizer.enable_padding(length=16, pad_token="<|endoftext|>")
    return tokenizer


def _phrases(*steps: pre_tokenizers.PreTokenizer, added: list[AddedToken] | None = None) -> Tokenizer:
    """Byte-level BPE behind `steps`, whose tokens may reach over spaces: so each word that the steps miss shows."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = _TO_BYTES
    tokenizer.train_from_iterator(_CORPUS, _trainer(["<|endoftext|>"], pre_tokenizers.ByteLevel.alphabet(), 800))
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_tokens(added or [])
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(list(steps))
    tokenizer.post_processor = processors.ByteLevel(trim_offsets=False)
    return tokenizer


_TO_BYTES = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
_GPT2_WORDS = pre_tokenizers.ByteLevel(add_prefix_space=False)


def _split(pattern: str) -> pre_tokenizers.PreTokenizer:
    return pre_tokenizers.Split(Regex(pattern), "isolated")


def _qwen2() -> Tokenizer:
    """Each digit a word; accents composed; added tokens that are not special."""
    words = _split(GGUF_PRE_TOKENIZER_SPLITS["qwen2"])
    tokenizer = _phrases(words, _TO_BYTES, added=[AddedToken("<tool_call>", normalized=False)])
    tokenizer.normalizer = normalizers.NFC()
    return tokenizer


def _gpt4o() -> Tokenizer:
    """What does not match is removed, though all matches."""
    words = pre_tokenizers.Split(Regex(GGUF_PRE_TOKENIZER_SPLITS["gpt-4o"]), "removed", invert=True)
    return _phrases(words, _TO_BYTES)


def _deepseek() -> Tokenizer:
    """Three expressions, one behind the other, with their line breaks as they are; control tokens that hold "▁"."""
    words = (
        r"""[!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^~\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[~]*"""
        r"|\s*[~]+|\s+(?!\S)|\s+"
    )
    breaks = words.replace("[~]", "[\r\n]").replace("[^~", "[^\r\n")
    added = [AddedToken("<tool▁calls▁begin>"), AddedToken("<User>", normalized=False)]
    tokenizer = _phrases(_split(r"\p{N}{1,3}"), _split("[一-龥぀-ゟ゠-ヿ]+"), _split(breaks), _TO_BYTES, added=added)
    tokenizer.normalizer = normalizers.Sequence([])
    tokenizer.add_special_tokens([AddedToken("<begin▁of▁sentence>", normalized=True)])
    return tokenizer


def _deepseek2() -> Tokenizer:
    """Runs of letters and of punctuation, each with the white space before it, as their publisher writes the sets."""
    letters, marks = r"\s?[A-Za-zµÀ-ÖØ-öø-ƺ]+", r"\s?[!-/:-~！-／：-～‘-‟　-。]+"
    steps = [_split("[\r\n]"), _split(letters), _split(marks), _split(r"\s+$"), _split("[一-龥ࠀ-一가-\ud7ff]+")]
    tokenizer = _phrases(*steps, pre_tokenizers.Digits(individual_digits=True), _TO_BYTES)
    tokenizer.normalizer = normalizers.Sequence([])
    return tokenizer


def _deepseek_coder() -> Tokenizer:
    """Runs of letters and of punctuation, by their categories."""
    steps = [r"[\r\n]", r"\s?\p{L}+", r"\s?\p{P}+", "[一-龥ࠀ-一가-\ud7ff]+", r"\p{N}"]
    return _phrases(*map(_split, steps), _TO_BYTES)


def _phi3() -> Tokenizer:
    """Llama 2's, with an added token that is not special and takes the white space behind it."""
    tokenizer = _llama2()
    tokenizer.add_tokens([AddedToken("</end>", rstrip=True, normalized=False), AddedToken("<x>", normalized=False)])
    tokenizer.add_special_tokens([AddedToken("<|user|>", rstrip=True, normalized=False)])
    return tokenizer


def _gemma3() -> Tokenizer:
    """Gemma's, with a merge of ">" and a token that begins with the word mark."""
    content = json.loads(_gemma().to_str())
    vocab = content["model"]["vocab"]
    for token in (">", ">▁"):
        vocab.setdefault(token, max(*vocab.values(), *(each["id"] for each in content["added_tokens"])) + 1)
    content["model"]["merges"].append([">", "▁"])
    return Tokenizer.from_str(json.dumps(content))


def _falcon() -> Tokenizer:
    """GPT-2's words between steps for punctuation and digits."""
    marks, digits = pre_tokenizers.Punctuation("contiguous"), pre_tokenizers.Digits(individual_digits=False)
    return _phrases(marks, _GPT2_WORDS, digits, _split("[0-9][0-9][0-9]"))


def _added_tokens() -> Tokenizer:
    """Added tokens that match inside words, with a space before them, and over one another."""
    contents = [" the", "ferry", "man", "  ", "\n\n", "o", " n"]
    added = [AddedToken(content, normalized=number % 2 > 0) for number, content in enumerate(contents)]
    return _phrases(_GPT2_WORDS, added=added)


def _added_phrase() -> Tokenizer:
    """Added tokens that reach over a space, or to behind it."""
    return _phrases(_GPT2_WORDS, added=[AddedToken("the ferryman"), AddedToken("her ")])


def _lowercase() -> Tokenizer:
    """Normalized beyond accents."""
    tokenizer = _phrases(_GPT2_WORDS)
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Lowercase()])
    return tokenizer


def _trainer(special_tokens: list[str], alphabet: list[str], size: int = 420) -> trainers.BpeTrainer:
    return trainers.BpeTrainer(
        vocab_size=size, special_tokens=special_tokens, initial_alphabet=alphabet, show_progress=False
    )


_GPT = {"bos_token": "<|endoftext|>", "eos_token": "<|endoftext|>"}
_SENTENCEPIECE = {"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>"}
_BUILDERS: dict[str, tuple[Callable[[], Tokenizer], dict[str, str]]] = {
    "gpt2": (_gpt2, _GPT),
    "llama3": (_llama3, {"bos_token": "<|begin_of_text|>", "eos_token": "<|endoftext|>"}),
    "gpt_neox": (_gpt_neox, _GPT),
    "llama2": (_llama2, _SENTENCEPIECE),
    "metaspace": (_metaspace, _SENTENCEPIECE),
    "gemma": (_gemma, {"bos_token": "<bos>", "eos_token": "<pad>", "unk_token": "<unk>"}),
    "unigram": (_unigram, _SENTENCEPIECE),
    "truncating": (_truncating, _GPT),
    "qwen2": (_qwen2, _GPT),
    "gpt4o": (_gpt4o, _GPT),
    "tekken": (lambda: _phrases(_split(GGUF_PRE_TOKENIZER_SPLITS["tekken"]), _TO_BYTES), _GPT),
    "qwen35": (lambda: _phrases(_split(GGUF_PRE_TOKENIZER_SPLITS["qwen35"]), _TO_BYTES), _GPT),
    "deepseek": (_deepseek, _GPT),
    "deepseek2": (_deepseek2, _GPT),
    "deepseek_coder": (_deepseek_coder, _GPT),
    "phi3": (_phi3, _SENTENCEPIECE),
    "gemma3": (_gemma3, {"bos_token": "<bos>", "eos_token": "<pad>", "unk_token": "<unk>"}),
    "falcon": (_falcon, _GPT),
    "starcoder": (lambda: _phrases(pre_tokenizers.Digits(individual_digits=True), _GPT2_WORDS), _GPT),
    "added_tokens": (_added_tokens, _GPT),
    "added_phrase": (_added_phrase, _GPT),
    "lowercase": (_lowercase, _GPT),
}
KINDS = list(_BUILDERS)
NOT_CUTTABLE = ["unigram", "added_phrase", "lowercase"]
CUTTABLE = [kind for kind in KINDS if kind not in NOT_CUTTABLE]


def build(kind: str, folder: Path) -> Path:
    """The folder, with a tokenizer of this kind in it."""
    builder, special_tokens = _BUILDERS[kind]
    return _save(builder(), folder, special_tokens)


def build_words(words: list[str], folder: Path) -> Path:
    """The folder, with a tokenizer in it whose tokens are words with the space before them, and punctuation.

    A word's id is its place in `words`, from 1; any other word is 0. It has no special token.
    """
    vocab = {"?": 0} | {word: index for index, word in enumerate(words, start=1)}
    tokenizer = Tokenizer(models.WordLevel(vocab, unk_token="?"))
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex(r" ?\w+|[^\w\s]"), "isolated")
    return _save(tokenizer, folder, {})


def _save(tokenizer: Tokenizer, folder: Path, special_tokens: dict[str, str]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer.save(str(folder / "tokenizer.json"))
    config = {"tokenizer_class": "PreTrainedTokenizerFast", **special_tokens}
    (folder / "tokenizer_config.json").write_text(json.dumps(config), encoding="utf-8")
    return folder
