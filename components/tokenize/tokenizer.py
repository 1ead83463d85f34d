"""A model folder's own tokenizer, made to say exactly which characters each token came from.

`tokenizer.json` alone decides. transformers' classes may rebuild it by rules of their own, which change from release to
release; here it runs as it was published, and transformers is asked only which token is the BOS.
"""

import dataclasses
import hashlib
import json
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer as Backend
from tokenizers import models, processors
from transformers import PreTrainedTokenizerFast
from transformers.utils import logging as transformers_logging

from byheart.components.tokenize.cuts import Cuts, find_cuts
from byheart.components.tokenize.first_tokens import Encoding
from byheart.contracts.errors import ModelError
from byheart.models.folder import hash_files, locate_folder
from byheart.store import open_store

_FILE = "tokenizer.json"
_FILES = (_FILE, "tokenizer_config.json", "special_tokens_map.json")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Tokenizer:
    """A tokenizer with offsets."""

    sha256: str
    bos_id: int | None
    """The id of its bos_token, if it has one."""
    cuts: Cuts | None
    """Where it is proved that a text may be cut without changing its tokens."""
    backend: Backend

    def encode(self, slices: list[str]) -> Iterator[Encoding]:
        """Each slice's tokens; special tokens are neither added nor recognised in the text.

        One at a time: thousands of tokens kept as Python's objects cost more time than making them.

        Raises:
            ModelError: the tokenizer has no token for some of the text, and none for what is unknown.
        """
        try:
            encodings = self.backend.encode_batch(slices, add_special_tokens=False)
        except Exception as error:  # the library raises bare ones
            said = f"{_FILE} must encode any text, found: {error}: fetch the model again"
            raise ModelError(said, parameter="model") from error
        return (Encoding(encoding.ids, encoding.offsets) for encoding in encodings)


def load_tokenizer(address: str | Path) -> Tokenizer:
    """The tokenizer of a model folder, local or at `gs://`.

    Raises:
        ModelError: there is none with offsets, or it cannot be read.
    """
    place = open_store(str(address), "model")
    if not place.find(_FILE):
        where = locate_folder(place)
        raise ModelError(
            f"{where} must hold {_FILE}, which gives character offsets, found none: fetch or convert it",
            parameter="model",
        )
    transformers_logging.set_verbosity_error()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        for name in filter(place.find, _FILES):
            (folder / name).write_bytes(place.read(name))
        path, settings = place.locate(_FILE), place.locate("tokenizer_config.json")
        backend = _read(path, "a tokenizer", lambda: Backend.from_file(str(folder / _FILE)))
        fast = _read(
            settings, "settings", lambda: PreTrainedTokenizerFast.from_pretrained(folder, local_files_only=True)
        )
        digest = hashlib.sha256((folder / _FILE).read_bytes()).hexdigest()
    backend = _for_plain_text(backend)
    return Tokenizer(
        sha256=hash_files({_FILE: digest}),
        bos_id=None if fast.bos_token is None else backend.token_to_id(fast.bos_token),
        cuts=find_cuts(backend),
        backend=backend,
    )


def _read(file: str, what: str, read: Callable[[], Any]) -> Any:
    try:
        return read()
    except Exception as error:  # the libraries raise many kinds, bare Exception among them
        said = f"{file} must be {what} that can be read, found: {error}: fetch the model again"
        raise ModelError(said, parameter="model") from error


def _for_plain_text(backend: Backend) -> Backend:
    """The same tokenizer, to which all text is text and every character has its place."""
    backend.no_truncation()
    backend.no_padding()
    backend.encode_special_tokens = True
    if isinstance(backend.model, models.Unigram):
        backend.model = _without_special_pieces(backend)
    # A post-processor may trim spaces off the offsets; without special tokens it does nothing else.
    backend.post_processor = processors.ByteLevel(trim_offsets=False)
    return backend


def _without_special_pieces(backend: Backend) -> models.Unigram:
    """A Unigram model whose special tokens match no text: there they are pieces like any other, and would win."""
    content = json.loads(backend.to_str())
    model = content["model"]
    special = {token["content"] for token in content["added_tokens"] if token["special"]}
    # A noncharacter stands in no text, and ids and scores stay as they are.
    pieces = [(f"\uffff{piece}" if piece in special else piece, score) for piece, score in model["vocab"]]
    return models.Unigram(pieces, unk_id=model["unk_id"], byte_fallback=model.get("byte_fallback", False))
