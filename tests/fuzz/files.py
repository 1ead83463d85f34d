"""Changes of files that are not JSON: their lengths, counts and digests are mostly right again afterwards."""

import hashlib
import io
import struct
from collections.abc import Callable
from random import Random
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from tests.fuzz.changed import NUMBERS, change_bytes, change_json

_NUMBERS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
_STRING, _ARRAY = 8, 9
_TEXTS = ("", " ", "a b c", "\x1b[2J", "x" * 3_000, "llama", "gpt2", "\xe9", "a")


def change_safetensors(data: bytes, random: Random) -> bytes:
    """A file with another header, whose length is mostly right, and sometimes more or fewer bytes behind it."""
    length = int.from_bytes(data[:8], "little")
    header, rest = change_json(data[8 : 8 + length], random), data[8 + length :]
    said = _choose_whole(random) if not random.randint(0, 5) else len(header)
    if not random.randint(0, 5):
        rest = rest[: random.randint(0, len(rest))] + bytes(random.choice((0, 1, 8, 4_096)))
    return said.to_bytes(8, "little") + header + rest


def _choose_whole(random: Random) -> int:
    """Any number of 64 bits without a sign, odd ones more often."""
    return random.choice([*NUMBERS, random.getrandbits(64), random.randint(0, 64), 32 * random.randint(0, 64)]) % 2**64


def change_gguf(data: bytes, random: Random) -> bytes:
    """A file with fields of other types and values, other tensors, and sometimes other counts, lengths and bytes."""
    try:
        fields, tensors, rest = _read_gguf(data)
    except (struct.error, KeyError, UnicodeError, OverflowError, MemoryError, RecursionError):
        return change_bytes(data, random)
    for _ in range(random.randint(0, 3) if fields else 0):
        at = random.randrange(len(fields))
        name, kind, value = fields[at]
        match random.randint(0, 4):
            case 0:
                fields[at] = (name, *_choose_value(random))
            case 1:
                fields.insert(at, fields[at])
            case 2 | 3 if kind == _ARRAY:
                fields[at] = (name, kind, (value[0], _change_list(value[1], random)))
            case 2:
                fields[at] = (random.choice(("general.alignment", "split.count", *_TEXTS)), *_choose_value(random))
            case _:
                del fields[at]
                if not fields:
                    break
    for _ in range(random.randint(0, 2) if tensors else 0):
        at = random.randrange(len(tensors))
        name, sides, kind, offset = tensors[at]
        match random.randint(0, 4):
            case 0:
                sides = [_choose_whole(random) for _ in range(random.randint(0, 6))]
            case 1:
                kind = random.randint(0, 45)
            case 2:
                offset = _choose_whole(random)
            case 3:
                name = random.choice(
                    ("blk.0.attn_q.weight", f"blk.{'9' * 30}.attn_q.weight", "rope_freqs.weight", *_TEXTS)
                )
            case _:
                tensors.insert(at, tensors[at])
        tensors[at] = (name, sides, kind, offset)
    changed = _write_gguf(fields, tensors, rest, random)
    return change_bytes(changed, random) if not random.randint(0, 5) else changed


def _read_gguf(data: bytes) -> tuple[list[tuple[str, int, Any]], list[tuple[str, list[int], int, int]], bytes]:
    """Fields, each a name, a type and a value; tensors, each a name, sides, a type and an offset; the bytes behind.

    Nothing is checked: this is another reader than the one that is tested.
    """
    at = 24

    def number(code: str) -> Any:
        nonlocal at
        (value,) = struct.unpack_from(f"<{code}", data, at)
        at += struct.calcsize(f"<{code}")
        return value

    def text() -> str:
        nonlocal at
        length = number("Q")
        at += length
        return data[at - length : at].decode()

    def value(kind: int) -> Any:
        if kind == _ARRAY:
            inner, count = number("I"), number("Q")
            return inner, [value(inner) for _ in range(count)]
        return text() if kind == _STRING else number(_NUMBERS[kind])

    tensors, fields = struct.unpack_from("<QQ", data, 8)
    named = [(text(), kind := number("I"), value(kind)) for _ in range(fields)]
    infos = [(text(), [number("Q") for _ in range(number("I"))], number("I"), number("Q")) for _ in range(tensors)]
    return named, infos, data[-(-at // 32) * 32 :]


def _choose_value(random: Random) -> tuple[int, Any]:
    """A type and a value of it, or of none."""
    match random.randint(0, 5):
        case 0:
            return _STRING, random.choice(_TEXTS)
        case 1:
            kind, value = _choose_number(random)
            return _ARRAY, (kind, [value] * random.choice((0, 1, 4)))
        case 2:
            return _ARRAY, (_STRING, list(random.choices(_TEXTS, k=4)))
        case 3:
            nested: Any = (4, [1])
            for _ in range(random.choice((1, 2, 40, 300))):
                nested = (_ARRAY, [nested])
            return _ARRAY, nested
        case 4:
            return random.choice((13, 14, 255, 2**31, 2**32 - 1)), b""
    return _choose_number(random)


def _choose_number(random: Random) -> tuple[int, Any]:
    kind = random.choice(sorted(_NUMBERS))
    data = random.choice(
        (random.randbytes(8), _choose_whole(random).to_bytes(8, "little"), struct.pack("<ff", float("nan"), 0.0))
    )
    return kind, struct.unpack_from(f"<{_NUMBERS[kind]}", data)[0]


def _change_list(items: list[Any], random: Random) -> list[Any]:
    if not items:
        return items
    at = random.randrange(len(items))
    odd: dict[type, tuple[Any, ...]] = {str: _TEXTS, float: (float("nan"), float("inf"), -1e30, 0.0)}
    value = (
        items[0] if isinstance(items[0], tuple) else random.choice(odd.get(type(items[0]), (0, 1, 2, 3, 4, 5, 6, 100)))
    )
    return random.choice((items[:at], items + items[:1], items[::-1], [*items[:at], value, *items[at + 1 :]]))


def _write_gguf(fields: list[Any], tensors: list[Any], rest: bytes, random: Random) -> bytes:
    def count(right: int) -> bytes:
        return struct.pack("<Q", right if random.randint(0, 300) else _choose_whole(random))

    def text(value: str) -> bytes:
        data = value.encode()
        return count(len(data)) + data

    def value(kind: int, content: Any) -> bytes:
        if kind == _ARRAY:
            inner, items = content
            return struct.pack("<I", inner) + count(len(items)) + b"".join(value(inner, item) for item in items)
        if kind == _STRING:
            return text(content)
        return struct.pack(f"<{_NUMBERS[kind]}", content) if kind in _NUMBERS else bytes(content)

    version = random.choice((0, 1, 2, 4, 2**32 - 1)) if not random.randint(0, 20) else 3
    data = b"GGUF" + struct.pack("<I", version) + count(len(tensors)) + count(len(fields))
    for name, kind, content in fields:
        data += text(name) + struct.pack("<I", kind) + value(kind, content)
    for name, sides, kind, offset in tensors:
        data += text(name) + struct.pack(f"<I{len(sides)}QIQ", len(sides), *sides, kind, offset)
    return data + bytes(-len(data) % 32) + rest


def change_parquet(data: bytes, random: Random) -> bytes:
    """A file whose digest is right: with another note, other columns, or other bytes."""
    at = _find_footer(data)
    without = data[: max(at - 32, 0)] + data[at:]
    try:
        if random.randint(0, 2) == 0:
            return _sign(change_bytes(without, random))
        table = pq.ParquetFile(io.BytesIO(without)).read(use_threads=False)
        note = (table.schema.metadata or {}).get(b"byheart", b"{}")
        what = random.randint(0, 2)
        note = note if what == 0 else change_json(note, random)
        table = table if what == 1 else _change_table(table, random)
        buffer = io.BytesIO()
        compression = random.choice(("zstd", "none", "gzip"))
        pq.write_table(table.replace_schema_metadata({b"byheart": note}), buffer, compression=compression)
    except (pa.ArrowException, OSError, ValueError, TypeError, IndexError):
        return _sign(change_bytes(without, random))
    return _sign(buffer.getvalue())


def _sign(data: bytes) -> bytes:
    """A Parquet file with a digest in front of its footer, as byheart wants it."""
    at = _find_footer(data)
    return data[:at] + hashlib.sha256(data).digest() + data[at:]


def _find_footer(data: bytes) -> int:
    return max(len(data) - int.from_bytes(data[-8:-4], "little") - 8, 0)


_COLUMNS: tuple[Callable[[int], Any], ...] = (
    lambda rows: pa.array(["\x1b"] * rows),
    lambda rows: pa.array([[1, 2][: index % 3] for index in range(rows)], pa.list_(pa.int64())),
    lambda rows: pa.array([[1, 2]] * rows, pa.list_(pa.int32(), 2)),
    lambda rows: pa.array([{"a": 1}] * rows, pa.struct({"a": pa.int64()})),
    lambda rows: pa.nulls(rows),
    lambda rows: pa.array([2**63 - 1] * rows, pa.int64()),
    lambda rows: pa.array([float("nan")] * rows),
    lambda rows: pa.array([b"\xff"] * rows),
    lambda rows: pa.array([0] * rows, pa.timestamp("ns", "Nowhere/Land")),
    lambda rows: pa.array([1] * rows, pa.decimal128(38, 9)),
    lambda rows: pa.array(["x"] * rows).dictionary_encode(),
    lambda rows: pa.array([[[1]]] * rows, pa.list_(pa.list_(pa.int8()))),
    lambda rows: pa.array([None, *[[None]] * rows][:rows], pa.list_(pa.float32())),
    lambda rows: pa.array([True] * rows),
)
"""Columns that no part has."""


def _change_table(table: Any, random: Random) -> Any:
    at = random.randrange(table.num_columns)
    name, column, rows = table.column_names[at], table[at], table.num_rows
    match random.randint(0, 6):
        case 0:
            return table.remove_column(at)
        case 1:
            return table.slice(0, random.randint(0, rows))
        case 2:
            return table.append_column(random.choice((name, "x", "window")), column)
        case 3:
            return table.set_column(at, name, pa.nulls(rows, column.type))
        case 4:
            return table.set_column(at, name, random.choice(_COLUMNS)(rows))
        case 5:
            return pa.concat_tables([table] * random.choice((2, 300)))
    values = column.combine_chunks().to_pylist()
    values[random.randrange(rows)] = None
    return table.set_column(at, name, pa.array(values, column.type))
