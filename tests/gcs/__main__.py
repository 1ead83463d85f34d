"""Serve until stdin closes or SIGTERM comes; the address is the one line that is printed.

For example: python -m tests.gcs --bucket parts
"""

import argparse

from tests.gcs.server import GcsServer
from tests.servers.listener import serve_until_told


def main() -> None:
    """Serve as the command line says."""
    parser = argparse.ArgumentParser(prog="python -m tests.gcs", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--bucket", action="append", default=[], help="a bucket that is there; may be given again")
    args = parser.parse_args()
    with GcsServer(args.port) as server:
        for bucket in args.bucket:
            server.storage.create_bucket(bucket)
        serve_until_told(server.address)


if __name__ == "__main__":
    main()
