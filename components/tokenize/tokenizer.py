"""A model folder's own tokenizer, made to say exactly which characters each token came from."""

import dataclasses
from pathlib import Path
from typing import Any

from tokenizers import processors
from transformers import AutoTokenizer
from transformers.utils import logging as transformers_logging

from components.contracts.errors import ModelError
from components.models.folder import sha256_of_files
from components.tokenize.windows import Encoding

_FILE = "tokenizer.json"
_CONFIGURATION = ("tokenizer_config.json", "special_tokens_map.json", "added_tokens.json")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Tokenizer:
    """A tokenizer with offsets."""

    name: str
    """The class that transformers chose for it."""
    sha256: str
    bos_id: int | None
    """The id of its bos_token, if it has one."""
    backend: Any
    """The `tokenizers.Tokenizer` that does the work."""

    def encode(self, slices: list[str]) -> list[Encoding]:
        """Each slice's tokens; special tokens are neither added nor recognised in the text."""
        encodings = self.backend.encode_batch(slices, add_special_tokens=False)
        return [Encoding(encoding.ids, encoding.offsets) for encoding in encodings]


def load_tokenizer(folder: Path) -> Tokenizer:
    """The tokenizer of a model folder.

    Raises:
        ModelError: there is none, it cannot be read, or it gives no offsets.
    """
    if not (folder / _FILE).is_file():
        raise ModelError(f"{folder} must hold {_FILE}, which gives character offsets, found none: fetch or convert it")
    transformers_logging.set_verbosity_error()
    try:
        tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    except Exception as error:  # the libraries raise many kinds, bare Exception among them
        raise ModelError(f"{folder / _FILE} must be a tokenizer that transformers reads, found: {error}") from error
    if not tokenizer.is_fast:
        found = type(tokenizer).__name__
        raise ModelError(f"{folder} must hold a fast tokenizer, which gives character offsets, found {found}")
    backend = tokenizer.backend_tokenizer
    backend.no_truncation()
    backend.no_padding()
    backend.encode_special_tokens = True
    # A post-processor may trim spaces off the offsets; without special tokens it does nothing else.
    backend.post_processor = processors.ByteLevel(trim_offsets=False)
    return Tokenizer(
        name=type(tokenizer).__name__,
        sha256=sha256_of_files(folder, [_FILE, *(name for name in _CONFIGURATION if (folder / name).is_file())]),
        bos_id=tokenizer.bos_token_id,
        backend=backend,
    )
