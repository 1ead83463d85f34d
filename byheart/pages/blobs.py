"""Data inside a page: JSON, and columns of numbers as blobs. Equal data give equal bytes.

A blob of columns begins with a line of JSON, [[name, type, count], ...]. The columns follow in that order, without
gaps, little-endian. Types are u1, u2 and u4, unsigned integers of so many bytes, and f4, IEEE 754 binary32. A column of
a wider type lies in planes: the first bytes of all its values, then the second bytes, and so on. So it is smaller after
compression:

    [["length","u1",3],["log_p_z","f4",2]]\n
    l0 l1 l2                                     u1
    a0 b0  a1 b1  a2 b2  a3 b3                   f4: the values a and b, by planes

Numbers that may fall, such as differences, are meant modulo 2^32: a reader adds them up as 32-bit integers.
"""

import base64
import gzip
import json
import re
from collections.abc import Mapping

import msgspec
import numpy as np

_LEVEL = 9
_ID = re.compile(r"[A-Za-z][A-Za-z0-9-]*")


def encode_columns(columns: Mapping[str, np.ndarray]) -> bytes:
    """The columns as a blob, before compression.

    Args:
        columns: 1-D or more; integers are written in the smallest type that holds them, modulo 2^32, and floats as f4.
    """
    narrow = {name: _narrow(np.asarray(values).ravel()) for name, values in columns.items()}
    head = [[name, f"{values.dtype.kind}{values.itemsize}", len(values)] for name, values in narrow.items()]
    line = json.dumps(head, separators=(",", ":")).encode() + b"\n"
    return line + b"".join(_cut_planes(values) for values in narrow.values())


def pack(data: bytes) -> str:
    """The data as a page holds it: gzip, then base64. Its length is its bytes in the page."""
    return base64.b64encode(gzip.compress(data, _LEVEL, mtime=0)).decode()


def render_blob(element_id: str, packed: str) -> str:
    """The script element that holds packed data."""
    return f'<script type="application/x-byheart" id="{_check_id(element_id)}">{packed}</script>\n'


def render_json(element_id: str, value: object) -> str:
    """The script element that holds a value as JSON; a number that is not finite is null."""
    text = msgspec.json.encode(value).decode().replace("<", "\\u003c")
    return f'<script type="application/json" id="{_check_id(element_id)}">{text}</script>\n'


def _check_id(element_id: str) -> str:
    if not _ID.fullmatch(element_id):
        raise ValueError(f"an element's id must be letters, digits and hyphens, found {element_id!r}")
    return element_id


def _narrow(values: np.ndarray) -> np.ndarray:
    if values.dtype.kind == "f":
        return values.astype("<f4")
    if values.dtype.kind != "b" and values.min(initial=0) < 0:
        return values.astype("<u4")
    largest = int(values.max(initial=0))
    return values.astype("u1" if largest < 1 << 8 else "<u2" if largest < 1 << 16 else "<u4")


def _cut_planes(values: np.ndarray) -> bytes:
    """The bytes of a column, plane by plane."""
    return values.view(np.uint8).reshape(len(values), values.itemsize).T.tobytes()
