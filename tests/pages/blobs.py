"""Reads the data of a page, by the description in docs/outputs/report.md alone."""

import base64
import gzip
import json
import re
import struct
from typing import Any

_FORMS = {"u1": "B", "u2": "H", "u4": "I", "f4": "f"}
_ELEMENT = re.compile(r'<script type="application/(json|x-byheart)" id="([^"]+)">(.*?)</script>', re.DOTALL)


def read_page(page: str) -> tuple[dict[str, Any], dict[str, bytes]]:
    """The JSON of a page, and its blobs by id, unpacked."""
    elements = _ELEMENT.findall(page)
    (head,) = (json.loads(content) for kind, _, content in elements if kind == "json")
    blobs = {name: gzip.decompress(base64.b64decode(content)) for kind, name, content in elements if kind != "json"}
    return head, blobs


def read_columns(blob: bytes) -> dict[str, list[Any]]:
    """The columns of a blob."""
    line, _, rest = blob.partition(b"\n")
    columns = {}
    for name, kind, count in json.loads(line):
        width = int(kind[1])
        planes, rest = rest[: width * count], rest[width * count :]
        values = bytes(planes[plane * count + index] for index in range(count) for plane in range(width))
        columns[name] = list(struct.unpack(f"<{count}{_FORMS[kind]}", values))
    assert not rest
    return columns
