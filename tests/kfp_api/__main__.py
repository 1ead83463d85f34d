"""Serve until stdin closes or SIGTERM comes; the address is the one line that is printed.

For example: python -m tests.kfp_api --port 8080
"""

import argparse
import sys

from tests.kfp_api.server import KfpServer
from tests.servers.listener import serve_until_told


def main() -> int:
    """Serve as the command line says; 1 if somebody asked against the published API."""
    parser = argparse.ArgumentParser(prog="python -m tests.kfp_api", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    args = parser.parse_args()
    with KfpServer(args.port) as server:
        serve_until_told(server.address)
    for violation in server.violations:
        print(violation, file=sys.stderr)
    return bool(server.violations)


if __name__ == "__main__":
    sys.exit(main())
