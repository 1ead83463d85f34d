"""Environment variables by which a network library finds its certificates and its proxy, and which may be at fault."""

import importlib.util
import os
from pathlib import Path
from urllib.parse import urlsplit

OF_REQUESTS = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
"""Variables that name certificates to requests, and so to books at https:// and to Google's libraries."""
OF_HTTPX = ("SSL_CERT_FILE", "SSL_CERT_DIR")
"""Variables that name certificates to httpx, and so to the Hub."""
_PROXIES = ("https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY")
"""Variables that name a proxy for https:// addresses, the first that is set."""


def find_fault(certificates: tuple[str, ...]) -> str | None:
    """What is wrong with the variables, where a request failed; None where nothing is that can be seen from here.

    Args:
        certificates: `OF_REQUESTS` or `OF_HTTPX`.
    """
    for name in certificates:
        if (path := os.environ.get(name, "")) and not Path(path).exists():
            return f"{name} must name certificates that are there, found no {path}: name others, or unset it"
    proxy = find_proxy()
    if not proxy:
        return None
    scheme = urlsplit(os.environ[proxy]).scheme
    needed = "socks" if certificates == OF_REQUESTS else "socksio"  # the module of PySocks, and that of httpx
    if scheme.startswith("socks") and not importlib.util.find_spec(needed):
        package = {"socks": "PySocks", "socksio": "socksio"}[needed]
        return f"{proxy} must name a proxy at http://, found one at {scheme}://: name another, or install {package}"
    if scheme and scheme not in ("http", "https", "socks4", "socks4a", "socks5", "socks5h"):
        return f"{proxy} must name a proxy at http://host:port, found one at {scheme}://: name another, or unset it"
    return None


def find_proxy() -> str | None:
    """The variable that names the proxy for https:// addresses; None where there is none."""
    return next((name for name in _PROXIES if os.environ.get(name)), None)
