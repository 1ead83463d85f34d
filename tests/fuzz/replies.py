"""Replies of servers over HTTP, and a server that gives each caller the same bytes."""

import socket
import ssl
import threading
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from random import Random

from tests.fuzz.changed import change_bytes, change_json

_ENDS = b"\r\n\r\n"
_HEADERS = {
    "Content-Length": ["0", "1", "-1", "+5", "5, 5", "99999999999", "9" * 5_000, "abc", "0x10", "٣"],
    "Transfer-Encoding": ["chunked", "gzip, chunked", "identity", "x"],
    "Content-Encoding": ["gzip", "deflate", "br", "zstd", "gzip, gzip", "x"],
    "Content-Type": ["text/html", "application/json; charset=x", "multipart/mixed", "x" * 3_000,
        "text/plain; charset=utf-7"],
    "Content-Range": ["bytes 0-1/2", "bytes */0", "bytes 5-1/x", "bytes 0-99999999999999999999/1", "x"],
    "Location": ["", "/", "http://127.0.0.1:1/", "https://[", "ftp://127.0.0.1/", "//", "http://\xff/",
        "http://127.0.0.1:99999/", "file:///etc/passwd", "http://127.0.0.1:1/\x1b[2J"],
    "Retry-After": ["-1", "x", "9" * 5_000, "Fri, 31 Dec 9999 23:59:59 GMT", "²"],
    "X-Goog-Hash": ["crc32c=AAAAAA==", "crc32c=", "md5=x", "x", "crc32c=AAAAAA==,md5=!"],
    "X-Goog-Generation": ["-1", "x", "9" * 5_000],
    "X-Goog-Stored-Content-Encoding": ["gzip", "x"],
    "X-Goog-Stored-Content-Length": ["-1", "x", "0"],
    "X-Error-Code": ["GatedRepo", "RepoNotFound", "RevisionNotFound", "EntryNotFound", "x" * 3_000],
    "X-Error-Message": ["\x1b[2J", "x" * 3_000, ""],
    "X-Linked-Etag": ['"x"', ""],
    "Set-Cookie": ["a=b; Domain=x", "x" * 3_000],
    "Connection": ["keep-alive", "close"],
    "Content-Disposition": ["attachment; filename=../../x"],
}  # fmt: skip
_STATUSES = [b"200 OK", b"206 Partial Content", b"204 No Content", b"301 Moved", b"302 Found", b"304 Not Modified",
             b"400 Bad", b"401 Unauthorized", b"403 Forbidden", b"404 Not Found", b"409 Conflict", b"410 Gone",
             b"412 Precondition Failed", b"416 Range", b"418 \x1b[2J", b"299 " + b"x" * 3_000,
             b"100 Continue"]  # fmt: skip


def write_reply(body: bytes, status: bytes = b"200 OK", headers: Mapping[str, str] | None = None) -> bytes:
    """A reply, whose length is right unless the headers say otherwise."""
    named = {"Content-Length": str(len(body)), "Connection": "close"} | dict(headers or {})
    lines = [f"{name}: {value}".encode() for name, value in named.items()]
    return b"\r\n".join([b"HTTP/1.1 " + status, *lines]) + _ENDS + body


def change_reply(data: bytes, random: Random) -> bytes:
    """A reply with another status, other headers or another body, and sometimes other bytes."""
    head, _, body = data.partition(_ENDS)
    first, *lines = head.split(b"\r\n")
    pairs = (line.decode("latin-1").partition(": ") for line in lines)
    headers = {name: value for name, _, value in pairs}
    for name in random.sample(sorted(_HEADERS), random.randint(0, 2)):
        headers[name] = random.choice(_HEADERS[name])
    status = random.choice(_STATUSES) if not random.randint(0, 2) else first.removeprefix(b"HTTP/1.1 ")
    if random.randint(0, 3):
        body = change_json(body, random)
        if headers.get("Content-Length") not in _HEADERS["Content-Length"]:
            headers["Content-Length"] = str(len(body))
    changed = write_reply(body, status, headers)
    return change_bytes(changed, random) if not random.randint(0, 5) else changed


class Server:
    """Gives each caller `reply`, whatever it asks, and hangs up.

    Args:
        certificate: with its key, for a server at https://.
    """

    def __init__(self, certificate: Path | None = None) -> None:
        self.reply = b""
        self._socket = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.address = f"{'https' if certificate else 'http'}://127.0.0.1:{self._socket.getsockname()[1]}"
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            self._socket = context.wrap_socket(self._socket, server_side=True)
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            with suppress(OSError):  # no TLS
                connection, _ = self._socket.accept()
                threading.Thread(target=self._answer, args=(connection,), daemon=True).start()

    def _answer(self, connection: socket.socket) -> None:
        with connection, suppress(OSError):
            connection.settimeout(5)
            self._wait_for_request(connection)
            connection.sendall(self.reply)
            connection.shutdown(socket.SHUT_WR)
            while connection.recv(65_536):  # else bytes that nobody read would reset the connection
                pass

    def _wait_for_request(self, connection: socket.socket) -> None:
        received = b""
        while _ENDS not in received:
            chunk = connection.recv(65_536)
            if not chunk:
                return
            received += chunk
