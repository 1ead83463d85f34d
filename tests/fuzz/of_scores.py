"""Parsers of what a store holds: whoever may write one can put anything there."""

import functools
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from byheart.components.download.manifest import read_manifest, write_manifest
from byheart.contracts.json_files import to_json
from byheart.contracts.plan import Registration
from byheart.contracts.windows import Windows
from byheart.holdings.contents import list_contents
from byheart.kubeflow.claim import find_submitted
from byheart.scores.catalogue import Catalogue
from byheart.scores.kinds import SCORES
from byheart.scores.parts import Part, Rows, encode_part, encode_piece, list_parts
from byheart.scores.registration import register
from byheart.scores.store import Reuse, ScoreStore
from byheart.store import open_store
from tests.fuzz.changed import change_json
from tests.fuzz.files import change_parquet
from tests.fuzz.parser import Parser, may_refuse

_TOKENS = 3


def _part() -> Part:
    (part,) = list_parts("1f0c", 4, SCORES)
    return part


def _make_rows() -> Rows:
    tokens = np.full((4, _TOKENS), -1.0, np.float32)
    columns = {
        "log_p_z": np.full(4, -3.0), "log_p_z_top_k": np.full(4, -2.0), "greedy": np.ones(4, bool),
        "token_log_probs": tokens,
        "token_ranks": np.zeros((4, _TOKENS), np.int32), "top_token_ids": np.ones((4, _TOKENS), np.int32),
        "token_log_top_k_mass": tokens,
    }  # fmt: skip
    return Rows.sort(np.arange(4), columns, {"device": "cpu", "devices": 1})


@functools.cache
def _list_parts() -> Sequence[bytes]:
    return [encode_part(_part(), _make_rows()), encode_piece(_part(), _make_rows().select(np.arange(2)))]


def _read_part(data: bytes, folder: Path) -> object:
    """As a part and as a piece, alone and from a store."""
    store = open_store(str(folder))
    scores, reuse = ScoreStore(store, {"1f0c": _TOKENS}), Reuse()
    with may_refuse():
        store.create(f"{_part().pieces()}0000000-0000003-a.parquet", data)
        scores.find_missing([_part()], {}, reuse)
        scores.put_together(_part(), reuse)
    store.replace(_part().name, data)
    return scores.read("1f0c", 4, SCORES)


@functools.cache
def _list_windows() -> Sequence[bytes]:
    numbers = np.arange(4)
    windows = Windows(
        cursor=numbers, start=numbers, suffix_start=numbers + 1, stop=numbers + 2,
        prompt_tokens=np.ones(4, np.int32), suffix_tokens=np.ones(4, np.int32), flagged=numbers > 2,
        spill=np.zeros(4, np.int32), token_ids=np.ones((4, 3), np.int32),
        token_stops=np.tile(numbers, (3, 1)).T, dropped_tail=1, dropped_inside=0,
    )  # fmt: skip
    return [windows.to_bytes()]


def _read_windows(data: bytes, folder: Path) -> object:  # noqa: ARG001 it needs none
    return Windows.from_bytes(data, name="windows")


def _read_notes(data: bytes, folder: Path) -> object:
    """Every small JSON file of a store."""
    store = open_store(str(folder))
    write_manifest(store, "models/org--name@abc", {"a.json": 1}, {"a.json": "0" * 64})
    store.replace("models/org--name@abc/manifest.json", data)
    store.create("scores/1f0c/about.json", data)
    store.create("registered/abc.json", data)
    store.create("runs/abc/submitted.json", data)
    abouts = Catalogue(store).read_abouts(Catalogue(store).list_addresses())
    for model in list_contents(store).models:
        with may_refuse():
            model.list_files(store)
    with may_refuse():
        find_submitted(store, "abc")
    with may_refuse():
        register(store, "abc", windows=1, scored=0)
    read_manifest(store, "models/org--name@abc")
    return abouts


def _list_notes() -> Sequence[bytes]:
    notes = [
        {"files": {"a.json": {"size_bytes": 1, "sha256": "0" * 64}}, "gguf": {"sha256": "0" * 64},
        "code": {"version": "1"}},
        {"contract": 2, "book": {"title": "a", "characters": 5}, "model": {"source": "b", "commit": "c"},
        "settings": {"top_k": 1}},
        {"run_id": "0f-1", "at": "2026-01-01T00:00:00"},
    ]  # fmt: skip
    registration = Registration(digest="abc", registered="2026-01-01T00:00:00", windows=1, scored=0)
    return [*(json.dumps(note).encode() for note in notes), to_json(registration)]


PARSERS = (
    Parser(name="part", valid=_list_parts, change=change_parquet, read=_read_part),
    Parser(name="windows", valid=_list_windows, change=change_parquet, read=_read_windows),
    Parser(name="store-notes", valid=_list_notes, change=change_json, read=_read_notes),
)
