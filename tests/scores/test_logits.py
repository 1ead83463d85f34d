"""Logits in a store: what is kept of a window, and what zarr, tensorstore and xarray read of it."""

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from byheart.contracts.errors import SettingsError, StoreError
from byheart.contracts.logits import KeptLogits, check_limit, describe_logits
from byheart.contracts.setting_groups import LogitsSettings
from byheart.scores.logits import LogitsStore, is_chunk, matches_checksum
from byheart.scores.parts import Missing, Part, list_parts
from byheart.store import open_store
from tests.scores.test_store import SMALL
from tests.store.conftest import address, server

__all__ = ["address", "server"]

AT, WINDOWS, POSITIONS, VOCABULARY = "a" * 32, 90, 3, 7
SETTINGS = LogitsSettings(logits="suffix", logits_dtype="float16", logits_limit="100GB")
PARTS = list_parts(AT, WINDOWS, SMALL)


def kept(logits: str = "suffix", dtype: str = "float16") -> KeptLogits:
    settings = dataclasses.replace(SETTINGS, logits=logits, logits_dtype=dtype)
    found = describe_logits(settings, scored_tokens=POSITIONS, positions=5, vocabulary=VOCABULARY)
    assert found is not None
    return found


def arrays(of: KeptLogits, window: int) -> dict[str, np.ndarray]:
    """Some numbers of a window."""
    random, shape = np.random.default_rng(window), (of.positions, of.values)
    return {name: (9 * random.normal(size=shape)).astype(dtype) for name, dtype in of.arrays.items()}


def missing(part: Part) -> Missing:
    return Missing(part=part, windows=np.array(part.windows, np.int32))


def open_logits(store: str, of: KeptLogits, *windows: int) -> LogitsStore:
    logits = LogitsStore(open_store(store), of)
    logits.begin(AT, WINDOWS)
    for window in windows:
        logits.write(AT, window, arrays(of, window))
    return logits


@pytest.mark.parametrize(
    ("logits", "dtype", "shape", "window_bytes"),
    [
        ("suffix", "float16", (3, 7), 3 * 7 * 2 + 4),
        ("all", "float32", (5, 7), 5 * 7 * 4 + 4),
        ("top2", "float16", (3, 2), 3 * 2 * (2 + 4) + 8),
    ],
)
def test_plan_says_the_bytes_that_are_written(
    tmp_path: Path, logits: str, dtype: str, shape: tuple[int, int], window_bytes: int
) -> None:
    of = kept(logits, dtype)
    assert ((of.positions, of.values), of.window_bytes) == (shape, window_bytes)
    open_logits(str(tmp_path), of, 0, 50, 89)
    assert sum(path.stat().st_size for path in tmp_path.rglob("c.*")) == 3 * window_bytes


def test_no_logits_are_kept_unless_asked_for_and_no_more_than_there_are() -> None:
    none = dataclasses.replace(SETTINGS, logits="none")
    assert describe_logits(none, scored_tokens=3, positions=5, vocabulary=7) is None
    with pytest.raises(SettingsError, match="logits must keep at most the 7 logits of a position, found top8: lower N"):
        kept("top8")


def test_more_than_the_limit_is_refused_with_the_bytes_and_what_to_do() -> None:
    of = kept()
    limit = dataclasses.replace(SETTINGS, logits_limit="1MB")
    check_limit(of, 10**6 // of.window_bytes, limit)
    with pytest.raises(SettingsError) as caught:
        check_limit(of, 100_000, limit)
    assert caught.value.parameter == "logits_limit"
    assert f"at least the {100_000 * of.window_bytes / 1e6:.1f} MB that logits=suffix of 100,000 windows" in str(
        caught.value
    )
    assert "found 1MB: raise it" in str(caught.value)


@pytest.mark.parametrize("logits", ["suffix", "top2"])
def test_windows_without_all_their_objects_are_missing(address: str, logits: str) -> None:
    of = kept(logits)
    stored = open_logits(address, of, 0, 41, 42)
    last = list(of.arrays)[-1]
    stored.store.delete(f"scores/{AT}/{of.name}/logits.zarr/{last}/c.42.0.0")
    cut = f"scores/{AT}/{of.name}/logits.zarr/{last}/c.41.0.0"
    stored.store.replace(cut, stored.store.read(cut)[:-1])
    stored.store.create(f"scores/{AT}/{of.name}/logits.zarr/{last}/c.07.0.0", b"not ours")
    found = {item.part.number: item.windows.tolist() for item in stored.find_missing(PARTS, {AT: np.arange(50)})}
    assert found == {0: list(range(1, 40)), 1: list(range(40, 50))}
    assert stored.find_still_missing(missing(PARTS[0])).tolist() == list(range(1, 40))
    for window in (41, 42):
        stored.write(AT, window, arrays(of, window))
    assert stored.find_missing(PARTS, {AT: np.array([0, 41, 42])}) == []


def test_window_is_written_once_and_again_only_by_force(address: str) -> None:
    stored = open_logits(address, kept(), 3)
    name = f"scores/{AT}/logits-suffix-float16/logits.zarr/logits/c.3.0.0"
    first = stored.store.read(name)
    assert (is_chunk(name), matches_checksum(first), matches_checksum(first[:-1] + b"?")) == (True, True, False)
    stored.write(AT, 3, arrays(kept(), 4))
    assert stored.store.read(name) == first
    stored.write(AT, 3, arrays(kept(), 4), replace=True)
    assert stored.store.read(name) != first


def test_arrays_of_another_shape_are_not_written_to(tmp_path: Path) -> None:
    stored = open_logits(str(tmp_path), kept())
    stored.begin(AT, WINDOWS)
    with pytest.raises(StoreError, match=r"zarr.json must describe 91 windows of logits-suffix-float16, found another"):
        stored.begin(AT, 91)


@pytest.mark.parametrize("logits", ["suffix", "top2"])
def test_readers_of_zarr_read_what_was_written_and_nan_elsewhere(tmp_path: Path, logits: str) -> None:
    zarr, xarray = pytest.importorskip("zarr"), pytest.importorskip("xarray")
    tensorstore = pytest.importorskip("tensorstore")
    of = kept(logits, "float32")
    stored = open_logits(str(tmp_path), of, 0, 41)
    folder = stored.locate(AT)
    group, dataset = zarr.open_group(folder, mode="r"), xarray.open_zarr(folder, consolidated=False, chunks=None)
    for name, dtype in of.arrays.items():
        spec: dict[str, Any] = {"driver": "zarr3", "kvstore": {"driver": "file", "path": f"{folder}/{name}/"}}
        read = {
            "zarr": group[name],
            "tensorstore": tensorstore.open(spec, read=True).result(),
            "xarray": dataset[name],
        }
        for reader, array in read.items():
            assert array.shape == (WINDOWS, of.positions, of.values), reader
            for window in (0, 41):
                np.testing.assert_array_equal(np.asarray(array[window]), arrays(of, window)[name], err_msg=reader)
            empty = np.asarray(array[1])
            assert empty.dtype == dtype
            assert (empty == -1).all() if name == "ids" else np.isnan(empty).all()
    assert dataset["ids" if of.has_ids else "logits"].dims[:2] == ("window", "position")
    chunk = next(tmp_path.rglob("c.41.0.0"))
    chunk.write_bytes(b"?" + chunk.read_bytes()[1:])
    with pytest.raises(Exception, match=r"(?i)checksum|crc32c"):
        group[next(iter(of.arrays))][41]
