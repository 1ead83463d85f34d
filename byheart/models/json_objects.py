"""Reading the JSON objects of a model's folder."""

import json
from typing import Any

from byheart.contracts.errors import ModelError
from byheart.models.mistaken import check_no_pointer
from byheart.store import Place

MOST_BYTES = 32_000_000
"""The largest index of tensors that is published has 10 MB."""
_MOST_DEPTH = 50


def read_json_object(place: Place, name: str) -> dict[str, Any]:
    """The content of a JSON file.

    Raises:
        ModelError: it is no JSON object.
    """
    where, stored = place.locate(name), place.find(name)
    if stored and stored.size_bytes > MOST_BYTES:
        raise ModelError(
            f"{where} must have at most {MOST_BYTES:,} bytes, found {stored.size_bytes:,}: fetch the model again"
        )
    data = place.read(name)
    check_no_pointer(data, where)
    try:
        content = json.loads(data.decode())
        _check_depth(content)
    except (ValueError, RecursionError) as error:
        found = f"{type(error).__name__}: {error}"
        raise ModelError(f"{where} must be a readable JSON file, found {found}: fetch the model again") from None
    if not isinstance(content, dict):
        raise ModelError(f"{where} must be a JSON object, found a {type(content).__name__}: fetch the model again")
    return content


def _check_depth(content: Any) -> None:
    """Refuse lists and objects within one another that code which walks them would not come out of.

    Raises:
        ValueError: they are deeper than any file needs.
    """
    level = [content]
    for _ in range(_MOST_DEPTH):
        containers = [
            item.values() if isinstance(item, dict) else item for item in level if isinstance(item, dict | list)
        ]
        level = [value for container in containers for value in container]
        if not level:
            return
    raise ValueError(f"more than {_MOST_DEPTH} lists and objects within one another")
