"""Servers that books and models are brought from; here, one of files under a certificate of its own."""

import ssl
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.download.fixtures import clock as clock
from tests.download.fixtures import files as files
from tests.download.fixtures import hub as hub
from tests.download.fixtures import repository as repository
from tests.download.fixtures import store as store
from tests.servers.certificate import write_certificate
from tests.store.conftest import server as server


class Shelf(ThreadingHTTPServer):
    """A server whose replies the test writes: for each path, those to give one after the other; the last one stays."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.replies: dict[str, list[tuple[int, dict[str, str], bytes]]] = {}
        self.asked: list[str] = []

    @property
    def address(self) -> str:
        """Where it is, without a slash behind."""
        return f"https://127.0.0.1:{self.server_port}"

    def put(self, path: str, body: bytes, status: int = 200, **headers: str) -> str:
        """Add a reply at a path; its address."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self.replies.setdefault(path, []).append((status, named, body))
        return f"{self.address}{path}"

    def handle_error(self, *_: object) -> None:
        """Say nothing of a client that hung up."""


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        assert isinstance(self.server, Shelf)
        self.server.asked.append(self.path)
        replies = self.server.replies.get(self.path, [(404, {}, b"")])
        status, headers, body = replies.pop(0) if len(replies) > 1 else replies[0]
        self.send_response(status)
        for name, value in ({"Content-Length": str(len(body))} | headers).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for this machine that it has signed itself, and its key, in one file."""
    path = tmp_path_factory.mktemp("certificate") / "shelf.pem"
    write_certificate(path)
    return path


@pytest.fixture
def untrusted(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shelf]:
    """A server of files whose certificate nobody knows."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with Shelf() as shelf:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        shelf.socket = context.wrap_socket(shelf.socket, server_side=True)
        thread = threading.Thread(target=shelf.serve_forever, args=(0.01,))
        thread.start()
        yield shelf
        shelf.shutdown()
        thread.join()


@pytest.fixture
def web(untrusted: Shelf, certificate: Path, monkeypatch: pytest.MonkeyPatch) -> Shelf:
    """A server of files whose certificate is trusted."""
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
    return untrusted


@pytest.fixture
def no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    """An environment that names no proxy and no certificates."""
    for name in ("HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR"):
        monkeypatch.delenv(name, raising=False)
