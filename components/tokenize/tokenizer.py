"""The tokenizer in a folder, set up to report exactly which characters each token came from.

Only `tokenizer.json` determines the tokens, as it was published. The tokenizer classes of transformers are not used,
since they may rebuild it by rules that change between releases.
"""

import dataclasses
import hashlib
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer as Backend
from tokenizers import models, processors

from byheart.components.tokenize.bos import read_bos_token
from byheart.components.tokenize.cuts import Cuts, find_cuts
from byheart.components.tokenize.first_tokens import Encoding
from byheart.components.tokenize.growth import check_growth, check_ids, check_size
from byheart.contracts.errors import ModelError
from byheart.contracts.foreign import shorten
from byheart.models.folder import hash_files, locate_folder
from byheart.store import open_store

_FILE = "tokenizer.json"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Tokenizer:
    """A tokenizer with offsets."""

    folder: str
    """Where it was read, for messages."""
    sha256: str
    bos_id: int | None
    """The id of the bos_token, if there is one."""
    unknown_id: int | None
    """The id of the token for text that it does not know, if there is one."""
    cuts: Cuts | None
    """Finds where a text may be cut without changing its tokens; None where nothing is proved."""
    backend: Backend

    def encode(self, slices: list[str]) -> Iterator[Encoding]:
        """The tokens of each slice; special tokens are neither added nor recognised in the text.

        Encodings are converted one at a time, since keeping many tokens as Python objects costs more than making them.

        Raises:
            ModelError: the tokenizer has no token for some of the text, and no unknown token.
        """
        encodings = _call(
            f"{_FILE} must encode any text", lambda: self.backend.encode_batch(slices, add_special_tokens=False)
        )
        return (Encoding(encoding.ids, encoding.offsets) for encoding in encodings)


def load_tokenizer(address: str | Path) -> Tokenizer:
    """The tokenizer in a folder, local or at `gs://`.

    Raises:
        ModelError: there is no tokenizer.json, or it cannot be read.
    """
    place = open_store(str(address), "model")
    if not place.find(_FILE):
        where = locate_folder(place)
        raise ModelError(
            f"{where} must hold {_FILE}, which gives character offsets, found none: fetch or convert it, or say by "
            "tokenizer= where it is",
            parameter="model",
        )
    check_size(place, _FILE)
    data, path = place.read(_FILE), place.locate(_FILE)
    check_growth(data, path)
    backend = _call(f"{path} must be a tokenizer that can be read", lambda: Backend.from_buffer(data))
    check_ids(backend, path)
    bos_token = read_bos_token(place)
    backend = _prepare_for_plain_text(backend)
    return Tokenizer(
        folder=locate_folder(place),
        sha256=hash_files({_FILE: hashlib.sha256(data).hexdigest()}),
        bos_id=None if bos_token is None else backend.token_to_id(bos_token),
        unknown_id=_find_unknown_id(backend),
        cuts=find_cuts(backend),
        backend=backend,
    )


def _call(needed: str, call: Callable[[], Any]) -> Any:
    """The result of `call`, which the libraries end by many kinds of errors, and by panics, which are no Exception."""
    try:
        return call()
    except (KeyboardInterrupt, SystemExit, GeneratorExit):
        raise
    except BaseException as error:
        message = f"{needed}, found: {shorten(str(error))}: fetch the model again"
        raise ModelError(message, parameter="model") from error


def _prepare_for_plain_text(backend: Backend) -> Backend:
    """Set the tokenizer up so that special tokens in a text stay text, and offsets cover all characters."""
    backend.no_truncation()
    backend.no_padding()
    backend.encode_special_tokens = True
    if isinstance(backend.model, models.Unigram):
        backend.model = _disable_special_pieces(backend)
    # A post-processor may cut spaces off the offsets; without special tokens it does nothing else.
    backend.post_processor = processors.ByteLevel(trim_offsets=False)
    return backend


def _find_unknown_id(backend: Backend) -> int | None:
    if isinstance(backend.model, models.Unigram):
        unknown: int | None = json.loads(backend.to_str())["model"]["unk_id"]
        return unknown
    return backend.token_to_id(backend.model.unk_token) if backend.model.unk_token else None


def _disable_special_pieces(backend: Backend) -> models.Unigram:
    """The Unigram model, changed so that no text matches its special tokens: it would take them as pieces."""
    content = json.loads(backend.to_str())
    model = content["model"]
    special = {token["content"] for token in content["added_tokens"] if token["special"]}
    # No text has the noncharacter; ids and scores stay the same.
    pieces = [(f"\uffff{piece}" if piece in special else piece, score) for piece, score in model["vocab"]]
    return models.Unigram(pieces, unk_id=model["unk_id"], byte_fallback=model.get("byte_fallback", False))
