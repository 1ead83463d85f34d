"""Reading the JSON objects of a model's folder."""

import json
from typing import Any

from byheart.contracts.errors import ModelError
from byheart.models.mistaken import check_no_pointer
from byheart.store import Place


def read_json_object(place: Place, name: str) -> dict[str, Any]:
    """The content of a JSON file.

    Raises:
        ModelError: it is no JSON object.
    """
    where, data = place.locate(name), place.read(name)
    check_no_pointer(data, where)
    try:
        content = json.loads(data.decode())
    except (ValueError, RecursionError) as error:
        found = f"{type(error).__name__}: {error}"
        raise ModelError(f"{where} must be a readable JSON file, found {found}: fetch the model again") from None
    if not isinstance(content, dict):
        raise ModelError(f"{where} must be a JSON object, found a {type(content).__name__}: fetch the model again")
    return content
