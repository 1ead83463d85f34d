"""The other origin: signed addresses and the large files behind them."""

import hashlib
import hmac
import secrets
import threading
import time
from urllib.parse import quote, urlencode

from tests.hub.files import File
from tests.hub.messages import Answer, Refusal, answer_file
from tests.servers.requests import Request

PREFIX = "/cdn/"
"""What every path there begins with, so that a fault can be about this origin."""


class Cdn:
    """Large files by their SHA-256. An address is good for `lifetime_seconds` from its signature on."""

    def __init__(self) -> None:
        self.lifetime_seconds: float = 3600
        self._files: dict[str, File] = {}
        self._secret = secrets.token_bytes()
        self._lock = threading.Lock()

    def sign(self, file: File) -> str:
        """A path and query from which whoever has them may download `file`; no two are alike."""
        assert file.sha256 is not None, f"{file.name} is not large"
        path = PREFIX + file.sha256
        with self._lock:
            self._files[path] = file
        name = file.name.rpartition("/")[2]
        query = {
            "response-content-disposition": f"inline; filename*=UTF-8''{quote(name)}; filename=\"{name}\";",
            "X-Amz-Algorithm": "AWS4-HMAC-SHA256",
            "X-Amz-Credential": f"cas/{secrets.token_hex(8)}/us-east-1/s3/aws4_request",
            "Expires": f"{time.time() + self.lifetime_seconds:.3f}",
        }
        unsigned = f"{path}?{urlencode(query)}"
        return f"{unsigned}&X-Amz-Signature={self._signature(unsigned)}"

    def _signature(self, unsigned: str) -> str:
        return hmac.new(self._secret, unsigned.encode(), hashlib.sha256).hexdigest()

    def answer(self, request: Request) -> Answer:
        """What a signed address leads to; the signature is the authorization, and with a second one there is none.

        Raises:
            Refusal: the address is not signed, or no longer good, or a token came along.
        """
        unsigned, _, signature = request.url.partition("&X-Amz-Signature=")
        if "Authorization" in request.headers:
            message = (
                "Only one auth mechanism allowed; only the X-Amz-Algorithm query parameter, Signature query string"
            )
            raise Refusal(
                400, f"{message} parameter or the Authorization header should be specified", "InvalidArgument"
            )
        if not hmac.compare_digest(signature.encode(), self._signature(unsigned).encode()):
            message = "The request signature we calculated does not match the signature you provided."
            raise Refusal(403, message, "SignatureDoesNotMatch")
        if time.time() > float(request.query["Expires"]):
            raise Refusal(403, "Request has expired", "AccessDenied")
        file = self._files[request.path]
        headers = {
            "ETag": f'"{hashlib.md5((file.sha256 or "").encode()).hexdigest()}"',
            "Content-Disposition": request.query["response-content-disposition"],
        }
        return answer_file(file, request.headers.get("Range"), headers)
