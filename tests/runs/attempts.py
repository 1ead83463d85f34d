"""Runs that are about to be started with something bad, and the makers of the bad thing."""

import dataclasses
import enum
import json
import os
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import load_file, save_file

from tests.conftest import BOOK, MODEL
from tests.disks import UNSHARE, need_disks

WEIGHTS = "model.safetensors"
SHARD = "model-00001-of-00001.safetensors"
TEXT = BOOK.read_text(encoding="utf-8")[:3_000]


class Absent(enum.Enum):
    """In place of a field of a JSON file: there is none."""

    ABSENT = 1


ABSENT = Absent.ABSENT


@dataclasses.dataclass(frozen=True, kw_only=True)
class Attempt:
    """A run that is about to be started; a leading `@` is the case's own folder."""

    books: tuple[str, ...] = ("@/good/book.txt",)
    controls: tuple[str, ...] = ()
    model: str = str(MODEL)
    store: str = "@/store"
    out: str = "@/out"
    settings: tuple[str, ...] = ()
    inside: tuple[str, ...] = ()
    """A command that starts the one it is given."""
    environment: Mapping[str, str] = dataclasses.field(default_factory=dict)


Spoil = Callable[[Path], object]
Make = Callable[[Path], Attempt]
"""Puts the bad thing into an empty folder."""


def run(prepare: Spoil = lambda _: None, **changes: Any) -> Make:
    """A run that differs from a good one so, in a folder that is prepared."""

    def make(folder: Path) -> Attempt:
        prepare(folder)
        return Attempt(**changes)

    return make


def book(data: bytes) -> Make:
    """A run whose book holds these bytes."""
    return run(lambda folder: (folder / "book.txt").write_bytes(data), books=("@/book.txt",))


def model(spoil: Spoil, *settings: str) -> Make:
    """A run of a copy of the sample model with one thing broken."""

    def prepare(folder: Path) -> None:
        shutil.copytree(MODEL, folder / "model")
        spoil(folder / "model")

    return run(prepare, model="@/model", settings=settings)


def file(name: str, content: bytes | None) -> Make:
    """A run of a model one of whose files holds something else, or is gone."""
    return model(lambda copy: (copy / name).unlink() if content is None else (copy / name).write_bytes(content))


def index(content: bytes) -> Make:
    """A run of a model whose weights are in `SHARD`, of which the index says `content`."""

    def spoil(copy: Path) -> None:
        (copy / WEIGHTS).rename(copy / SHARD)
        (copy / f"{WEIGHTS}.index.json").write_bytes(content)

    return model(spoil)


def change_json(name: str, change: Callable[[dict[str, Any]], object] = lambda _: None, **fields: Any) -> Spoil:
    """Changes a JSON file of the model in place, and its fields."""

    def spoil(copy: Path) -> None:
        content = json.loads((copy / name).read_text(encoding="utf-8"))
        change(content)
        changed = {field: value for field, value in (content | fields).items() if value is not ABSENT}
        (copy / name).write_text(json.dumps(changed), encoding="utf-8")

    return spoil


def tensor(name: str, change: Callable[[np.ndarray], np.ndarray | None], **fields: Any) -> Make:
    """A run of a model with one tensor changed, or removed, and fields of its config.json."""

    def spoil(copy: Path) -> None:
        weights = load_file(copy / WEIGHTS)
        changed = change(weights.pop(name))
        save_file(weights if changed is None else weights | {name: changed}, copy / WEIGHTS)
        change_json("config.json", **fields)(copy)

    return model(spoil)


def words_without_unknown(content: dict[str, Any]) -> None:
    """A vocabulary of one word, and no token for all others."""
    content["model"] = {"type": "WordLevel", "vocab": {"ferryman": 0}, "unk_token": "?"}


def raise_bos(copy: Path) -> None:
    """A BOS behind the vocabulary."""

    def add(content: dict[str, Any]) -> None:
        content["added_tokens"].append({**content["added_tokens"][0], "id": 1024, "content": "<far>"})

    change_json("tokenizer.json", add)(copy)
    change_json("tokenizer_config.json", bos_token="<far>")(copy)


def disk(name: str, *, options: str = "size=64k", fill: bool = False) -> Make:
    """A run with a small disk of its own at `name` in the folder."""

    def make(folder: Path) -> Attempt:
        need_disks()
        mounted = folder / name
        mounted.mkdir()
        fills = f"dd if=/dev/zero of='{mounted}/filler' bs=1k count=999 status=none 2>/dev/null;" if fill else ""
        script = f'mount -t tmpfs -o {options} tmpfs \'{mounted}\' || exit 9; {fills} exec "$0" "$@"'
        environment = {"TMPDIR": str(mounted)} if name == "temporary" else {}
        return Attempt(inside=(*UNSHARE, script), environment=environment)

    return make


def unreadable_book(folder: Path) -> Attempt:
    """A book that its owner may not read; root may read anything, but not as nobody."""
    path = folder / "book.txt"
    path.write_text(TEXT)
    path.chmod(0)
    if os.access(path, os.R_OK):
        need_disks()
    return Attempt(books=(str(path),), inside=("unshare", "-U") if os.access(path, os.R_OK) else ())


def block_path(name: str, *, is_folder: bool = False) -> Spoil:
    """Something among the results that no result can take the place of."""

    def prepare(folder: Path) -> None:
        path = folder / "out" / name
        path.parent.mkdir(parents=True)
        path.mkdir() if is_folder else path.write_text("mine")

    return prepare
