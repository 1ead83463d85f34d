"""The BOS token that a tokenizer's settings name, as transformers reads them.

`tokenizer_config.json` names it; where that has no `added_tokens_decoder`, as older files do not, a
`special_tokens_map.json` goes before it. To import transformers for this took longer than to tokenize a book.
Source: PreTrainedTokenizerBase._from_pretrained of transformers 5.23, against which tests hold it.
"""

import json
from typing import Any

from byheart.contracts.errors import ModelError
from byheart.contracts.foreign import shorten
from byheart.models.json_objects import read_json_object
from byheart.store import Place

CONFIG, MAP = "tokenizer_config.json", "special_tokens_map.json"
_BOS = "bos_token"


def read_bos_token(place: Place) -> str | None:
    """The BOS token of the tokenizer in a folder; None where none is named.

    Raises:
        ModelError: a file is no JSON object, or names no text.
    """
    config = _read(place, CONFIG)
    token, file = config.get(_BOS), CONFIG
    if "added_tokens_decoder" not in config:
        named = _read(place, MAP)
        if _BOS in named:
            token, file = named[_BOS], MAP
    if isinstance(token, dict):
        token = token.get("content", token)
    if token is not None and not isinstance(token, str):
        found = shorten(json.dumps(token))
        raise ModelError(
            f"{place.locate(file)} must have a text as {_BOS}, found {found}: fetch the model again", parameter="model"
        )
    return token


def _read(place: Place, file: str) -> dict[str, Any]:
    return read_json_object(place, file) if place.find(file) else {}
