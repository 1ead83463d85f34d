import gzip
import socket
import socketserver
import ssl
import threading
import tracemalloc
from contextlib import suppress
from pathlib import Path

import pytest
import requests
from urllib3 import HTTPSConnectionPool
from urllib3.connection import HTTPSConnection
from urllib3.exceptions import MaxRetryError, NameResolutionError

from byheart.components.download.https import Https, _find_cause
from byheart.components.download.size import MOST_BYTES
from byheart.contracts.errors import BookError
from tests.download.conftest import Shelf

TEXT = "Länder\r\nand soap\n".encode()
AT_ONCE = 0.001


def read(address: str) -> bytes:
    return Https(backoff_seconds=AT_ONCE).read(address)


def refused(address: str) -> BookError:
    with pytest.raises(BookError) as caught:
        read(address)
    assert "\n" not in str(caught.value)
    return caught.value


def refusal(address: str) -> str:
    """What is refused for good."""
    error = refused(address)
    assert not error.may_pass
    return str(error)


def test_bytes_are_those_of_the_file(web: Shelf) -> None:
    assert read(web.put("/a%20book.txt", TEXT)) == TEXT


def test_compressed_reply_is_unpacked(web: Shelf) -> None:
    assert read(web.put("/a.txt", gzip.compress(TEXT), Content_Encoding="gzip")) == TEXT


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_busy_server_is_asked_again(web: Shelf, status: int) -> None:
    web.put("/a.txt", b"", status)
    web.put("/a.txt", b"", status)
    assert read(web.put("/a.txt", TEXT)) == TEXT
    assert len(web.asked) == 3


def test_body_that_breaks_off_is_asked_for_again(web: Shelf) -> None:
    web.put("/a.txt", TEXT[:5], Content_Length=str(len(TEXT)))
    assert read(web.put("/a.txt", TEXT)) == TEXT


def test_body_that_always_breaks_off_is_refused(web: Shelf) -> None:
    address = web.put("/a.txt", TEXT[:5], Content_Length=str(len(TEXT)))
    error = refused(address)
    assert str(error) == f"cannot read {address}: found that it broke off 3 times: run again"
    assert error.may_pass


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (401, "found that it needs a login (401): check the address"),
        (403, "found that it may not be read (403)"),
        (404, "found no such file there (404): check the address"),
        (410, "found that it is gone (410)"),
        (418, "found status 418 I'm a Teapot: check"),
        (429, "found that the server wants fewer requests (429), after retries: run again later"),
        (503, "found status 503 Service Unavailable, after retries: run again later"),
    ],
)
def test_reply_that_is_no_file_is_said_in_words(web: Shelf, status: int, said: str) -> None:
    address = web.put("/a.txt", b"", status)
    error = refused(address)
    assert f"cannot read {address}: {said}" in str(error)
    assert error.may_pass == (status in (429, 503))


def test_page_is_no_book(web: Shelf) -> None:
    address = web.put("/a", b"<html>", Content_Type="text/html; charset=utf-8")
    assert f"{address} must be a plain text, found a web page (text/html)" in refusal(address)


def test_file_that_says_it_is_too_large_is_not_read(web: Shelf) -> None:
    address = web.put("/a.txt", b"", Content_Length=str(MOST_BYTES + 1))
    assert "must have at most 100,000,000 bytes, found more: divide it" in refusal(address)


def test_file_that_turns_out_too_large_is_left(web: Shelf) -> None:
    """110 MB in a reply of 100 kB."""
    packed = gzip.compress(bytes(110_000_000), 1)
    address = web.put("/a.txt", packed, Content_Encoding="gzip")
    assert "must have at most 100,000,000 bytes" in refusal(address)


def test_redirect_is_followed(web: Shelf) -> None:
    web.put("/b.txt", TEXT)
    assert read(web.put("/a.txt", b"", 302, Location="/b.txt")) == TEXT


def test_redirect_away_from_https_is_not(web: Shelf) -> None:
    address = web.put("/a.txt", b"", 302, Location="http://127.0.0.1:9/b.txt")
    assert "found a redirect away from https" in refusal(address)


def test_redirects_without_end_are_refused(web: Shelf) -> None:
    assert "found redirects without end" in refusal(web.put("/a.txt", b"", 302, Location="/a.txt"))


def test_certificate_that_is_not_trusted_is_refused(untrusted: Shelf) -> None:
    said = refusal(untrusted.put("/a.txt", TEXT))
    assert "found no certificate that is trusted" in said
    assert "REQUESTS_CA_BUNDLE" in said
    assert not untrusted.asked


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("REQUESTS_CA_BUNDLE", "/nope", "REQUESTS_CA_BUNDLE must name certificates that are there, found no /nope: "),
        ("CURL_CA_BUNDLE", "/nope", "CURL_CA_BUNDLE must name certificates that are there, found no /nope: name"),
        ("ALL_PROXY", "socks5h://me:secret@proxy:1080", "ALL_PROXY must name a proxy at http://, found one at socks5h"),
        ("https_proxy", "htp://proxy:1080", "https_proxy must name a proxy at http://host:port, found one at htp://: "),
    ],
)  # fmt: skip
@pytest.mark.usefixtures("no_proxies")
def test_variable_of_the_network_that_is_at_fault_is_named(
    name: str, value: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)
    message = refusal("https://books.invalid/a.txt")
    assert said in message
    assert "secret" not in message


@pytest.mark.usefixtures("no_proxies")
def test_proxy_that_does_not_answer_is_named_by_its_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    error = refused("https://books.invalid/a.txt")
    assert "found no connection through the proxy" in str(error)
    assert str(error).endswith("check HTTPS_PROXY and the network")
    assert error.may_pass


@pytest.mark.usefixtures("web")
def test_server_that_is_not_there_is_named() -> None:
    error = refused("https://127.0.0.1:9/a.txt")
    assert "found no connection" in str(error)
    assert error.may_pass


@pytest.mark.parametrize(("answer", "may_pass"), [(socket.EAI_NONAME, False), (socket.EAI_AGAIN, True)])
def test_host_that_is_unknown_is_called_so_and_may_be_known_later_if_nobody_answered(
    answer: int, may_pass: bool
) -> None:
    reason = NameResolutionError("books.invalid", HTTPSConnection("books.invalid"), socket.gaierror(answer, "no"))
    reason.__cause__ = socket.gaierror(answer, "no")  # as urllib3 raises it
    error = requests.ConnectionError(MaxRetryError(HTTPSConnectionPool("books.invalid"), "/a.txt", reason))
    assert _find_cause(error) == ("no such host", "check the address and the network", may_pass)


@pytest.mark.parametrize(
    "address",
    ["https://", "https:///a.txt", "https://[::1/a.txt", "https://me:secret@127.0.0.1/a.txt", "https://me:secret/x@h/"],
)
def test_address_without_a_host_or_with_a_password_is_refused(address: str) -> None:
    said = refusal(address)
    assert "https://host/path without a user or password" in said
    assert "secret" not in said


class Drip(socketserver.BaseRequestHandler):
    """Sends what the server has, then a byte from time to time, for ever."""

    def handle(self) -> None:
        assert isinstance(self.server, Dripping)
        with suppress(OSError), self.server.context.wrap_socket(self.request, server_side=True) as stream:
            stream.recv(4096)
            stream.sendall(self.server.begins)
            while not self.server.is_done.wait(0.02):
                stream.sendall(b"a")


class Dripping(socketserver.ThreadingTCPServer):
    """A server of which no answer ends."""

    daemon_threads = True

    def __init__(self, certificate: Path, begins: bytes) -> None:
        super().__init__(("127.0.0.1", 0), Drip)
        self.begins, self.is_done = begins, threading.Event()
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(certificate)


@pytest.mark.parametrize(
    "begins",
    [
        b"HTTP/1.1 200 OK\r\nX-Slow: ",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n",
        b"HTTP/1.1 302 Found\r\nContent-Length: 1000000\r\nX-Slow: ",
    ],
    ids=["header", "body", "redirect"],
)
def test_answer_that_drips_is_given_up_in_time(
    begins: bytes, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
    monkeypatch.setattr("byheart.components.download.https._LONGEST_SECONDS", 1)
    with Dripping(certificate, begins) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        error = refused(f"https://127.0.0.1:{server.server_address[1]}/a.txt?signature=secret")
        server.is_done.set()
        for thread in [thread for thread in threading.enumerate() if thread.name == "call_within"]:
            thread.join()
        server.shutdown()
    assert "/a.txt: found it unfinished after 1 s: save it here" in str(error)
    assert error.may_pass


def test_body_of_a_redirect_is_not_read(web: Shelf) -> None:
    """110 MB in a body of 100 kB, which would be too large."""
    web.put("/b.txt", TEXT)
    packed = gzip.compress(bytes(110_000_000), 1)
    address = web.put("/a.txt", packed, 302, Location="/b.txt", Content_Encoding="gzip")
    tracemalloc.start()
    assert read(address) == TEXT
    assert tracemalloc.get_traced_memory()[1] < 50_000_000
    tracemalloc.stop()


@pytest.mark.parametrize(
    "location",
    [
        "http://127.0.0.1:9/x.txt?X-Goog-Signature=SIGSECRET",
        "ftp://me:SIGSECRET@host/x",
        "https://[::1/SIGSECRET",
        f"https://{'a' * 300}/x?SIGSECRET",
        "https://me:SIGSECRET@127.0.0.1/x",
        "https://me:SIG/SECRET@127.0.0.1/x",
        "/\xff\xfe",
        "https:///x?SIGSECRET",
    ],
)
def test_redirect_to_no_file_is_refused_in_a_sentence_without_its_signature(web: Shelf, location: str) -> None:
    said = str(refused(web.put("/a.txt", b"", 302, Location=location)))
    assert "cannot read https://127.0.0.1" in said
    assert "SECRET" not in said


def test_length_of_too_many_digits_is_too_large(web: Shelf) -> None:
    assert "must have at most 100,000,000 bytes" in refusal(web.put("/a.txt", TEXT, Content_Length="9" * 5_000))


def test_signature_of_the_address_stands_in_no_message(web: Shelf) -> None:
    for status in (200, 404, 503):
        web.put(f"/{status}?sig=SECRET", b"<", status, Content_Type="text/html")
        assert "SECRET" not in str(refused(f"{web.address}/{status}?sig=SECRET"))
