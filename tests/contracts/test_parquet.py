import io

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from byheart.contracts import parquet
from byheart.contracts.errors import DamagedError

COLUMNS: dict[str, np.ndarray] = {
    "a": np.arange(300),
    "b": np.random.default_rng(0).random((300, 4)).astype(np.float32),
}
DATA = parquet.to_bytes(COLUMNS, {"made": "here"})


def test_columns_and_note_come_back() -> None:
    columns, note = parquet.from_bytes(DATA, name="x")
    assert note == {"made": "here"}
    for name, values in COLUMNS.items():
        np.testing.assert_array_equal(columns[name], values)
    assert parquet.from_bytes(DATA, name="x", columns=["b"])[0].keys() == {"b"}


def test_other_readers_do_not_mind_the_digest() -> None:
    table = pd.read_parquet(io.BytesIO(DATA))
    assert table["a"].tolist() == list(range(300))
    np.testing.assert_array_equal(np.stack(table["b"].tolist()), COLUMNS["b"])


@given(st.integers(0, len(DATA) - 1), st.integers(1, 255))
def test_any_byte_that_has_changed_is_noticed(place: int, change: int) -> None:
    spoilt = bytearray(DATA)
    spoilt[place] ^= change
    with pytest.raises(DamagedError, match="shelf/x"):
        parquet.from_bytes(bytes(spoilt), name="shelf/x")


@given(st.integers(0, len(DATA) - 1))
def test_file_that_is_cut_short_is_noticed(length: int) -> None:
    with pytest.raises(DamagedError, match="shelf/x"):
        parquet.from_bytes(DATA[:length], name="shelf/x")
