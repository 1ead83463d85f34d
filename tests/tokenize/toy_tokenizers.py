"""Small real tokenizers in the Hugging Face layout: the kinds that tell windows and offsets apart."""

import json
from collections.abc import Callable
from pathlib import Path

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

TEXT = """The ferryman did not answer her at once. “You came for the café,” he said — “and for the cafe\u0301 beyond it.”
She laughed; the straße was wet, the lanterns were lit, and the river went on talking to itself.

'Do not answer him,' said the old woman. It's late, and they'd better go home before 1789 or 1848 comes again!
日本語の本を読む人は、川のそばで待っていた。それは日本語の歌だった。 The ferryman did not understand it. 🙂🙂 🚣

Über den Fluß ging er nicht; naïve, façade, re\u0301sume\u0301. The river   did    not answer.
\tThe lanterns — “lit” and ‘unlit’ — went by, and by, and by; the ferryman did not answer her.
"""
"""What they are trained on."""

_CORPUS = [*TEXT.splitlines(keepends=True), *TEXT.split()]


def _byte_level(vocab: int, special: list[str]) -> Tokenizer:
    """Byte-level BPE as in GPT-2; the special tokens get the first ids."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.train_from_iterator(_CORPUS, _bpe_trainer(vocab, special, pre_tokenizers.ByteLevel.alphabet()))
    return tokenizer


def _bpe_trainer(vocab: int, special: list[str], alphabet: list[str]) -> trainers.BpeTrainer:
    return trainers.BpeTrainer(
        vocab_size=vocab, special_tokens=special, initial_alphabet=alphabet, show_progress=False
    )


def gpt2(folder: Path) -> None:
    """Byte-level BPE; one special token is BOS and EOS."""
    tokenizer = _byte_level(400, ["<|endoftext|>"])
    tokenizer.post_processor = processors.ByteLevel(trim_offsets=False)
    _save(tokenizer, folder, bos_token="<|endoftext|>", eos_token="<|endoftext|>")


def llama3(folder: Path) -> None:
    """Byte-level BPE behind a regular expression; a template adds the BOS."""
    tokenizer = Tokenizer(models.BPE(ignore_merges=True))
    words = (
        r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*"
        r"|\s*[\r\n]+|\s+(?!\S)|\s+"
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(words), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.train_from_iterator(_CORPUS, _bpe_trainer(420, [], pre_tokenizers.ByteLevel.alphabet()))
    tokenizer.add_special_tokens(["<|begin_of_text|>", "<|endoftext|>"])
    template = processors.TemplateProcessing(
        single="<|begin_of_text|> $A",
        special_tokens=[("<|begin_of_text|>", tokenizer.token_to_id("<|begin_of_text|>"))],
    )
    tokenizer.post_processor = processors.Sequence([processors.ByteLevel(trim_offsets=False), template])
    _save(tokenizer, folder, bos_token="<|begin_of_text|>", eos_token="<|endoftext|>")


def gpt_neox(folder: Path) -> None:
    """Byte-level BPE whose post-processor trims spaces off the offsets; runs of spaces are added tokens."""
    tokenizer = _byte_level(400, ["<|endoftext|>"])
    tokenizer.normalizer = normalizers.NFC()
    tokenizer.post_processor = processors.ByteLevel(trim_offsets=True, add_prefix_space=False)
    tokenizer.add_tokens([AddedToken(" " * count, normalized=True) for count in (3, 2)])
    _save(tokenizer, folder, bos_token="<|endoftext|>", eos_token="<|endoftext|>")


def llama2(folder: Path) -> None:
    """SentencePiece BPE: a dummy space in front, no pre-tokenizer, bytes for what it does not know."""
    # tokenizers trains no BPE without a pre-tokenizer in reasonable time: learn merges on words, then take it away
    special = ["<unk>", "<s>", "</s>", *(f"<0x{byte:02X}>" for byte in range(256))]
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>", fuse_unk=True, byte_fallback=True))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="always")
    learned = [line for line in _CORPUS if line.isascii() and line.isprintable()]
    tokenizer.train_from_iterator(learned, _bpe_trainer(400, special, []))
    content = json.loads(tokenizer.to_str())
    content["pre_tokenizer"] = None
    content["added_tokens"] = content["added_tokens"][:3]
    tokenizer = Tokenizer.from_str(json.dumps(content))
    tokenizer.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    tokenizer.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()])
    tokenizer.post_processor = processors.TemplateProcessing(single="<s> $A", special_tokens=[("<s>", 1)])
    _save(tokenizer, folder, bos_token="<s>", eos_token="</s>", unk_token="<unk>")


def unigram(folder: Path) -> None:
    """Unigram pieces on Metaspace words, as in T5 and XLNet."""
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.decoder = decoders.Metaspace()
    trainer = trainers.UnigramTrainer(
        vocab_size=300, special_tokens=["<unk>", "<s>", "</s>"], unk_token="<unk>", show_progress=False
    )
    tokenizer.train_from_iterator(_CORPUS, trainer)
    tokenizer.post_processor = processors.TemplateProcessing(single="$A </s>", special_tokens=[("</s>", 2)])
    _save(tokenizer, folder, bos_token="<s>", eos_token="</s>", unk_token="<unk>")


def truncating(folder: Path) -> None:
    """GPT-2's kind with truncation and padding left on in its tokenizer.json."""
    tokenizer = _byte_level(400, ["<|endoftext|>"])
    tokenizer.enable_truncation(4)
    tokenizer.enable_padding(length=16, pad_token="<|endoftext|>")
    _save(tokenizer, folder, bos_token="<|endoftext|>", eos_token="<|endoftext|>")


def _save(tokenizer: Tokenizer, folder: Path, **special: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer.save(str(folder / "tokenizer.json"))
    config = {"tokenizer_class": "PreTrainedTokenizerFast", **special}
    (folder / "tokenizer_config.json").write_text(json.dumps(config), encoding="utf-8")


BUILDERS: dict[str, Callable[[Path], None]] = {
    "gpt2": gpt2,
    "llama3": llama3,
    "gpt_neox": gpt_neox,
    "llama2": llama2,
    "unigram": unigram,
    "truncating": truncating,
}
KINDS = list(BUILDERS)
