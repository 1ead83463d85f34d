"""The HTTP surface: reads requests, injects faults, keeps the journal, answers."""

import dataclasses
import re
import traceback
from collections.abc import Callable
from urllib.parse import unquote

from tests.gcs import json_api
from tests.gcs.messages import Answer, Call, Refusal, failure
from tests.gcs.objects import Storage
from tests.gcs.uploads import Uploads
from tests.servers.faults import Fault, Faults
from tests.servers.listener import Connection, Listener
from tests.servers.requests import Request

BUCKET, OBJECT, UPLOAD = "/storage/v1/b/([^/]+)", "/storage/v1/b/([^/]+)/o/([^/]+)", "/upload/storage/v1/b/([^/]+)/o"


class GcsServer(Listener):
    """The server, on 127.0.0.1; it serves from `with` to the end of the block.

    `storage` holds the buckets, `faults` what goes wrong, `calls` the journal: all may be used while it serves.
    """

    def __init__(self, port: int = 0, page_size: int = 1000, seed: int = 0) -> None:
        super().__init__(port, _Handler)
        self.storage = Storage(page_size)
        self.faults = Faults(seed)
        self.uploads = Uploads()
        self.calls: list[Call] = []
        self._routes: list[tuple[str, str, Callable[..., Answer]]] = [
            ("GET", BUCKET, json_api.get_bucket),
            ("GET", f"{BUCKET}/o", json_api.list_objects),
            ("GET", f"(?:/download)?{OBJECT}", json_api.get_object),
            ("DELETE", OBJECT, json_api.delete_object),
            ("POST", f"{OBJECT}/compose", json_api.compose_object),
            ("POST", UPLOAD, self.uploads.create),
            ("PUT", UPLOAD, self.uploads.resume),
        ]

    def strike(self, method: str, url: str) -> Fault | None:
        """The fault of a call that has just come in."""
        return self.faults.strike(method, url, is_download=method == "GET" and "alt=media" in url)

    def answer(self, request: Request, chunk: Callable[..., Answer] | None = None) -> Answer:
        """What the service answers where nothing goes wrong; `chunk` takes the chunks of resumable uploads instead."""
        try:
            for method, path, function in self._routes:
                names = re.fullmatch(path, request.path)
                if names is not None and request.method == method:
                    called = chunk if chunk is not None and function == self.uploads.resume else function
                    return called(self.storage, request, *map(unquote, names.groups()))
            raise Refusal(501, "notImplemented", f"{request.method} {request.path} is not spoken here.")
        except Refusal as refusal:
            return refusal.as_json()
        except Exception:  # noqa: BLE001 - a bug here must end in a status that no client retries
            traceback.print_exc()
            return Refusal(501, "notImplemented", traceback.format_exc()).as_json()


class _Handler(Connection):
    """One connection, for as many requests as come."""

    server: GcsServer

    def _serve(self) -> None:
        """Read one request, as far as its fault lets it come, and answer it or not."""
        fault = self.server.strike(self.command, self.path)
        kind = None if fault is None else fault.kind
        request = self.read_request({"reset_before": 0, "reset_halfway": 0.5}.get(kind or "", 1))
        if request is None:
            return
        answer = self._answer(request, fault)
        sent = b"" if answer is None else _spoiled(answer.body, kind)
        self.server.calls.append(
            Call(
                method=self.command,
                url=self.path,
                range=self.headers.get("Range") or self.headers.get("Content-Range"),
                status=None if answer is None else answer.status,
                fault=kind,
                received_bytes=len(request.body),
                sent_bytes=len(sent),
            )
        )
        if answer is None:
            self.reset()
        else:
            self._send(answer, sent)

    do_GET = do_POST = do_PUT = do_DELETE = _serve  # noqa: N815 - the base class looks for these

    def _answer(self, request: Request, fault: Fault | None) -> Answer | None:
        """The answer; None where the connection is reset instead."""
        server = self.server
        match fault.kind if fault is not None else None:
            case "status" if fault is not None:
                return failure(fault.status, fault.reason).as_json()
            case "reset_before" | "reset_after":
                return None
            case "reset_halfway":
                if "upload_id=" in request.url:
                    server.answer(request, server.uploads.keep_part)
                return None
            case "keep_half":
                half = dataclasses.replace(request, body=request.body[: len(request.body) // 2])
                return server.answer(half, server.uploads.keep_part)
            case "lost_reply":
                server.answer(request)
                return None
            case "delay" if fault is not None:
                answer = server.answer(request)
                server.stopping.wait(fault.seconds)
                return answer
            case _:
                return server.answer(request)

    def _send(self, answer: Answer, sent: bytes) -> None:
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        if answer.status != 204:
            self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        self.wfile.write(sent)
        if len(sent) < len(answer.body):
            self.close_connection = True


def _spoiled(body: bytes, kind: str | None) -> bytes:
    """The body as it goes out."""
    if kind == "cut":
        return body[: len(body) // 2]
    if kind == "corrupt" and body:
        middle = len(body) // 2
        return body[:middle] + bytes([body[middle] ^ 1]) + body[middle + 1 :]
    return body
