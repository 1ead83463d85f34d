"""Blobs: what is written is what a reader of the description finds."""

import base64
import json

import hypothesis.extra.numpy as arrays
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from byheart.pages.blobs import encode_columns, pack, render_blob, render_json
from tests.pages.blobs import read_columns, read_page

_INTEGERS = arrays.arrays(np.int64, st.integers(0, 40), elements=st.integers(0, 2**32 - 1))
_FLOATS = arrays.arrays(np.float32, st.integers(0, 40), elements=st.floats(width=32, allow_nan=False))


@given(st.dictionaries(st.text(min_size=1), _INTEGERS | _FLOATS, max_size=5))
def test_columns_read_back(columns: dict[str, np.ndarray]) -> None:
    assert read_columns(encode_columns(columns)) == {name: values.tolist() for name, values in columns.items()}


def test_bytes_are_as_drawn() -> None:
    blob = encode_columns({"length": np.array([1, 2, 3]), "far": np.array([0x0102, 0x0304]), "log": np.array([-1.5])})
    head, _, rest = blob.partition(b"\n")
    assert json.loads(head) == [["length", "u1", 3], ["far", "u2", 2], ["log", "f4", 1]]
    assert rest == b"\1\2\3" + b"\2\4\1\3" + np.float32(-1.5).tobytes()


@pytest.mark.parametrize(("largest", "kind"), [(255, "u1"), (256, "u2"), (65_535, "u2"), (65_536, "u4")])
def test_type_is_the_smallest_that_fits(largest: int, kind: str) -> None:
    blob = encode_columns({"a": np.array([0, largest])})
    assert json.loads(blob.partition(b"\n")[0]) == [["a", kind, 2]]


def test_number_that_falls_is_written_modulo_two_to_the_32() -> None:
    assert read_columns(encode_columns({"a": np.array([5, -3])})) == {"a": [5, 2**32 - 3]}


def test_equal_data_give_equal_bytes_without_a_time() -> None:
    packed = pack(b"the ferryman")
    assert packed == pack(b"the ferryman")
    assert base64.b64decode(packed)[4:8] == b"\0\0\0\0"


def test_hostile_json_ends_no_element() -> None:
    value = {"title": "</script><script>alert(1)</script><!--", "log": -np.inf}
    page = render_json("report", value) + render_blob("t0-text", pack(b"</script>"))
    assert page.count("</script>") == 2
    assert "<!--" not in page
    head, blobs = read_page(page)
    assert (head["title"], head["log"], blobs["t0-text"]) == (value["title"], None, b"</script>")


def test_id_of_an_element_is_checked() -> None:
    with pytest.raises(ValueError, match="letters, digits and hyphens"):
        render_blob('t0"><script>', "")
