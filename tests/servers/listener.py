"""A listening socket, its connections, and their end."""

import contextlib
import os
import signal
import socket
import struct
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

from tests.servers.requests import Request


def serve_until_told(address: str) -> None:
    """Print the address, and wait until stdin closes or SIGTERM comes: for a server in a process of its own."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    print(address, flush=True)
    while os.read(sys.stdin.fileno(), 4096):
        pass


class Listener(ThreadingHTTPServer):
    """A server on 127.0.0.1, a thread for every connection; it serves from `with` to the end of the block."""

    request_queue_size = 128
    daemon_threads = True

    def __init__(self, port: int, handler: type[BaseHTTPRequestHandler]) -> None:
        super().__init__(("127.0.0.1", port), handler)
        self.stopping = threading.Event()
        self._connections: set[socket.socket] = set()
        self._thread = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)

    @property
    def address(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self.server_port}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self.stopping.set()
        self.shutdown()
        self._thread.join()
        self.server_close()
        for connection in list(self._connections):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def get_request(self) -> tuple[socket.socket, Any]:
        """A new connection, remembered until it ends."""
        connection, address = super().get_request()
        self._connections.add(connection)
        return connection, address

    def shutdown_request(self, request: Any) -> None:
        """The end of a connection."""
        self._connections.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A caller that went away is no error of the server's."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


class Connection(BaseHTTPRequestHandler):
    """One connection, for as many requests as come."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def read_request(self, body_share: float = 1.0) -> Request | None:
        """The request with this share of its body; None where the caller has gone, or sends less."""
        wanted = int(int(self.headers.get("Content-Length", 0)) * body_share)
        body = self.rfile.read(wanted)
        if len(body) < wanted:
            self.close_connection = True
            return None
        base = f"http://{self.headers.get('Host', '')}"
        return Request(method=self.command, url=self.path, headers=self.headers, body=body, base=base)

    def reset(self) -> None:
        """End the connection with a RST: what closing a socket sends that does not linger."""
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.rfile.close()
        self.connection.close()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name in the base class
        """Nothing: the journal has it."""
