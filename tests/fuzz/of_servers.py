"""Parsers of what servers reply: the Hub, Google Cloud Storage, and servers of books."""

import functools
import hashlib
import itertools
import json
import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

from google.cloud.storage.retry import DEFAULT_RETRY
from huggingface_hub import constants

from byheart.components.download.https import Https
from byheart.components.download.hub import HubRepository
from byheart.store import gcs
from tests.fuzz.parser import Parser, may_refuse
from tests.fuzz.replies import Server, change_reply, write_reply
from tests.servers.certificate import write_certificate

_BODY = b"text " * 20
_DIGEST = hashlib.sha256(_BODY).hexdigest()
_COMMIT = "0" * 40
_IMPATIENT, _PATIENT = 1.0, 30.0
"""Seconds that bear no second try, which would come after one; and seconds for an answer that is valid."""
_MOST_LISTED = 100
"""A server that lists without end is trusted not to: its certificate says whose it is."""
_start_server = functools.cache(Server)


def _list_hub_answers() -> Sequence[bytes]:
    files = [
        {"rfilename": "config.json", "size": 2, "blobId": "1" * 40},
        {"rfilename": "model.safetensors", "size": len(_BODY), "blobId": "2" * 40, "lfs": {"sha256": _DIGEST,
        "size": len(_BODY), "pointerSize": 1}},
    ]  # fmt: skip
    about = {"id": "org/name", "sha": _COMMIT, "lastModified": "2026-01-01T00:00:00.000Z", "siblings": files,
        "private": False,
             "tags": ["x"], "cardData": {"license": "mit"}, "gated": False, "safetensors": {"parameters": {"F32": 1},
                 "total": 1}}  # fmt: skip
    error = {"error": "Repository not found"}
    return [
        write_reply(json.dumps(about).encode(), headers={"Content-Type": "application/json"}),
        write_reply(
            json.dumps(error).encode(), b"404 Not Found", {"X-Error-Code": "RepoNotFound", "X-Error-Message": "x"}
        ),
    ]


@contextmanager
def _use_hub() -> Iterator[Server]:
    server = _start_server()
    template = server.address + "/{repo_id}/resolve/{revision}/{filename}"
    names: dict[str, Any] = {
        "ENDPOINT": server.address,
        "HUGGINGFACE_CO_URL_TEMPLATE": template,
        "HF_HUB_DISABLE_IMPLICIT_TOKEN": True,
    }
    with patch.multiple(constants, **names), patch.dict(os.environ, NO_PROXY="127.0.0.1"):
        yield server


def _open_hub(seconds: float) -> HubRepository:
    return HubRepository("org/name", "main", patience_seconds=(seconds, _IMPATIENT))


def _read_hub_answer(data: bytes, folder: Path) -> object:  # noqa: ARG001 it needs none
    with _use_hub() as server:
        server.reply = data
        hub = _open_hub(_IMPATIENT)
        return [stored.name for stored in hub.list()], [hub.locate(name) for name in hub.files]


def _read_hub_file(data: bytes, folder: Path) -> object:  # noqa: ARG001 it needs none
    with _use_hub() as server:
        server.reply = _list_hub_answers()[0]
        hub = _open_hub(_PATIENT)
        server.reply = data
        return hub.read("model.safetensors")


def _list_files() -> Sequence[bytes]:
    return [
        write_reply(_BODY),
        write_reply(_BODY, b"206 Partial Content", {"Content-Range": f"bytes 0-{len(_BODY) - 1}/{len(_BODY)}"}),
        write_reply(b"", b"302 Found", {"Location": "http://127.0.0.1:1/"}),
    ]


def _list_gcs_answers() -> Sequence[bytes]:
    one = {
        "kind": "storage#object", "name": "some/a.txt", "bucket": "shelf", "generation": "1", "size": "100",
        "crc32c": "AAAAAA==",
        "timeCreated": "2026-01-01T00:00:00.000Z", "updated": "2026-01-01T00:00:00.000Z",
        "metadata": {"byheart-writer": "x"},
    }  # fmt: skip
    error = {"error": {"code": 403, "message": "no", "errors": [{"reason": "forbidden", "message": "no"}]}}
    return [
        write_reply(json.dumps(one).encode(), headers={"Content-Type": "application/json"}),
        write_reply(json.dumps({"kind": "storage#objects", "items": [one, one | {"name": "some/b"}]}).encode()),
        write_reply(json.dumps(error).encode(), b"403 Forbidden"),
    ]


@contextmanager
def _use_gcs() -> Iterator[tuple[Server, gcs.GcsStore]]:
    server = _start_server()
    at_once = DEFAULT_RETRY.with_timeout(0.001)
    around = {
        "STORAGE_EMULATOR_HOST": server.address,
        "DISABLE_GCS_PYTHON_CLIENT_OTEL_BUCKET_METADATA": "true",
        "NO_PROXY": "127.0.0.1",
    }
    with patch.dict(os.environ, around), patch.object(gcs, "_RETRY", at_once):
        yield server, gcs.GcsStore("gs://shelf/some")


def _read_gcs_answer(data: bytes, folder: Path) -> object:
    with _use_gcs() as (server, store):
        server.reply = data
        with may_refuse():
            list(itertools.islice(store.list(), _MOST_LISTED))
        with may_refuse():
            store.find("a.txt")
        with may_refuse():
            store.create("a.txt", b"x")
        with may_refuse():
            store.fetch("a.txt", folder / "a.txt")
        return store.exists("a.txt")


def _read_gcs_object(data: bytes, folder: Path) -> object:  # noqa: ARG001 it needs none
    with _use_gcs() as (server, store):
        server.reply = data
        with may_refuse():
            store.read_range("a.txt", 0, len(_BODY))
        return store.read("a.txt")


@functools.cache
def _start_web() -> tuple[Server, str]:
    """A server at https://, and the file with its certificate, which lasts as long as the process."""
    folder = tempfile.TemporaryDirectory(prefix="byheart-certificate-")
    path = Path(folder.name) / "shelf.pem"
    write_certificate(path)
    server = Server(path)
    _kept.append(folder)
    return server, str(path)


_kept: list[object] = []


def _read_web(data: bytes, folder: Path) -> object:  # noqa: ARG001 it needs none
    server, certificate = _start_web()
    with patch.dict(os.environ, NO_PROXY="127.0.0.1", REQUESTS_CA_BUNDLE=certificate):
        server.reply = data
        return Https(backoff_seconds=0.001).read(f"{server.address}/book.txt")


PARSERS = (
    Parser(name="hub-answer", valid=_list_hub_answers, change=change_reply, read=_read_hub_answer),
    Parser(name="hub-file", valid=_list_files, change=change_reply, read=_read_hub_file),
    Parser(name="gcs-answer", valid=_list_gcs_answers, change=change_reply, read=_read_gcs_answer),
    Parser(name="gcs-object", valid=lambda: _list_files()[:2], change=change_reply, read=_read_gcs_object),
    Parser(name="web-book", valid=lambda: _list_files()[:1], change=change_reply, read=_read_web),
)
