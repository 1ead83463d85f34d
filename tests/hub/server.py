"""Reads requests, injects faults, keeps the journal, answers, at two origins."""

import os
import re
import time
import traceback
from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from urllib.parse import unquote

from tests.hub import models_api, resolve
from tests.hub.cdn import Cdn
from tests.hub.files import File, Source
from tests.hub.messages import Answer, Call, Origin, Refusal, failure
from tests.hub.repositories import Repositories, Repository
from tests.servers.faults import Fault, Faults
from tests.servers.listener import Connection, Listener
from tests.servers.requests import Request

BLOCK_BYTES = 8 * 2**20
HARNESSES = "/api/agent-harnesses"
"""For these the client asks for its own sake, once in a process: they stand in no journal, and no fault strikes."""
REPO = "([^/]+/[^/]+|[^/]+)"
REVISION = "([^/]+)"
ROUTES: list[tuple[str, str, Callable[..., Answer]]] = [
    ("GET", HARNESSES, models_api.harnesses),
    ("GET", f"/api/models/{REPO}/revision/{REVISION}", models_api.model),
    ("GET", f"/api/models/{REPO}/tree/{REVISION}", models_api.tree),
    ("GET", f"/api/models/{REPO}", models_api.model),
    ("GET HEAD", f"/api/resolve-cache/models/{REPO}/([0-9a-f]{{40}})/(.+)", resolve.download),
]
"""Who answers what at the Hub: methods, the path with a group for every name in it, and the function."""


class HubServer:
    """The Hub and its CDN, each at a port of its own of 127.0.0.1; they serve from `with` to the end of the block.

    `faults` holds what goes wrong, `calls` the journal, `cdn` how long signed addresses are good, `bytes_per_second`
    what a connection is given at most (0 is any number): all may be used while it serves.
    """

    def __init__(self) -> None:
        self.repositories = Repositories()
        self.cdn = Cdn()
        self.faults = Faults()
        self.calls: list[Call] = []
        self.bytes_per_second = 0
        self._hub = _Origin(self, "hub")
        self._cdn = _Origin(self, "cdn")
        self._running = ExitStack()

    @property
    def endpoint(self) -> str:
        """What HF_ENDPOINT is to be."""
        return self._hub.address

    def __enter__(self) -> "HubServer":
        self._running.enter_context(self._hub)
        self._running.enter_context(self._cdn)
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._running.close()

    def add_repo(
        self, name: str, files: Mapping[str, Source], *, private: bool = False, gated: bool = False
    ) -> Repository:
        """A new repository with these files."""
        self.repositories.all[name] = Repository(name, files, private, gated)
        return self.repositories.all[name]

    def add_folder(self, name: str, folder: Path, *, gated: bool = False) -> Repository:
        """A new repository with the files of a folder."""
        return self.add_repo(name, {path.name: path for path in folder.iterdir()}, gated=gated)

    def add_token(self, token: str, access: Iterable[str] = ()) -> None:
        """Let a token open the private and gated repositories of `access`."""
        self.repositories.open_to[token] = frozenset(access)

    def answer(self, origin: Origin, request: Request) -> Answer:
        """What is answered where nothing goes wrong."""
        try:
            return self.cdn.answer(request) if origin == "cdn" else self._answer_hub(request)
        except Refusal as refusal:
            return refusal.as_xml() if origin == "cdn" else refusal.as_json()
        except Exception:  # noqa: BLE001 - a bug here must end in a status that no client retries
            traceback.print_exc()
            return Refusal(501, traceback.format_exc().splitlines()[-1]).as_json()

    def _answer_hub(self, request: Request) -> Answer:
        for methods, path, function in ROUTES:
            names = re.fullmatch(path, request.path)
            if names is not None and request.method in methods.split():
                return function(self.repositories, request, *map(unquote, names.groups()))
        names = re.fullmatch(f"/{REPO}/resolve/{REVISION}/(.+)", request.path)
        if names is not None and request.method in ("GET", "HEAD"):
            return resolve.resolve(self.repositories, self._sign, request, *map(unquote, names.groups()))
        raise Refusal(404, "Sorry, we can't find the page you are looking for.")

    def _sign(self, file: File) -> str:
        return self._cdn.address + self.cdn.sign(file)


class _Origin(Listener):
    """One of the two."""

    def __init__(self, hub: HubServer, name: Origin) -> None:
        super().__init__(0, _Handler)
        self.hub, self.name = hub, name


class _Handler(Connection):
    """One connection, for as many requests as come."""

    server: _Origin

    def _serve(self) -> None:
        """Read one request, and answer it or not."""
        hub, request = self.server.hub, self.read_request()
        if request is None:
            return
        answer = hub.answer(self.server.name, request)
        is_download = self.command == "GET" and answer.file is not None
        fault = None if self.path == HARNESSES else hub.faults.strike(self.command, self.path, is_download)
        kind = None if fault is None else fault.kind
        struck = self._struck(answer, fault, is_download)
        call = Call(
            origin=self.server.name,
            method=self.command,
            url=self.path,
            range=self.headers.get("Range"),
            status=None if struck is None else struck.status,
            fault=kind,
            authorized="Authorization" in self.headers,
        )
        if self.path != HARNESSES:
            hub.calls.append(call)
        if struck is None:
            self.reset()
        else:
            self._send(struck, call)

    do_GET = do_HEAD = _serve  # noqa: N815 - the base class looks for these

    def _struck(self, answer: Answer, fault: Fault | None, is_download: bool) -> Answer | None:
        """The answer that goes out; None where the connection is reset instead."""
        match fault.kind if fault is not None else None:
            case "status" if fault is not None:
                refusal = failure(fault.status, fault.reason, fault.seconds)
                return refusal.as_xml() if self.server.name == "cdn" else refusal.as_json()
            case "reset_halfway" if is_download:
                return answer
            case "reset_before" | "reset_halfway" | "reset_after" | "lost_reply":
                return None
            case "delay" if fault is not None:
                self.server.stopping.wait(fault.seconds)
                return answer
            case _:
                return answer

    def _send(self, answer: Answer, call: Call) -> None:
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value.encode("latin-1", "backslashreplace").decode("latin-1"))
        self.send_header("Content-Length", str(answer.size_bytes))
        self.end_headers()
        if self.command == "HEAD":
            return
        if answer.file is None:
            call.sent_bytes = len(answer.body)
            self.wfile.write(answer.body)
            return
        self._send_file(answer.file.source, answer.start, answer.stop, call)

    def _send_file(self, source: bytes | Path, start: int, stop: int, call: Call) -> None:
        """Send the bytes from `start` up to `stop` as the call's fault has it, at the rate that is given."""
        middle = start + (stop - start) // 2
        spoiled = middle if call.fault == "corrupt" else -1
        rate = self.server.hub.bytes_per_second
        block_bytes = min(max(rate // 20, 1), BLOCK_BYTES) if rate else BLOCK_BYTES
        until = middle if call.fault in ("cut", "reset_halfway") else stop
        began = time.monotonic()
        with ExitStack() as opened:
            disk = opened.enter_context(source.open("rb")) if isinstance(source, Path) else None
            for first in range(start, until, block_bytes):
                last = min(first + block_bytes, until)
                call.sent_bytes += last - first
                if disk is not None and not first <= spoiled < last:
                    self._send_from_disk(disk.fileno(), first, last)
                else:
                    block = bytearray(source[first:last] if isinstance(source, bytes) else _read(source, first, last))
                    if first <= spoiled < last:
                        block[spoiled - first] ^= 1
                    self.wfile.write(block)
                if rate:
                    self.server.stopping.wait(began + (last - start) / rate - time.monotonic())
                if self.server.stopping.is_set():
                    break
        if call.fault == "reset_halfway":
            self.reset()
        elif call.sent_bytes < stop - start:
            self.close_connection = True

    def _send_from_disk(self, file: int, first: int, last: int) -> None:
        """Let the system copy from the file to the connection."""
        while first < last:
            sent = os.sendfile(self.connection.fileno(), file, first, last - first)
            if not sent:
                raise OSError("The file has become shorter than when it was added.")
            first += sent


def _read(path: Path, first: int, last: int) -> bytes:
    with path.open("rb") as stream:
        stream.seek(first)
        return stream.read(last - first)
