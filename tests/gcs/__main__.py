"""Serve until stdin closes or SIGTERM comes; the address is the one line that is printed.

For example: python -m tests.gcs --bucket parts --faults 7:0.05
"""

import argparse
import os
import signal
import sys

from tests.gcs.server import GcsServer


def main() -> None:
    """Serve as the command line says."""
    parser = argparse.ArgumentParser(prog="python -m tests.gcs", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--bucket", action="append", default=[], help="a bucket that is there; may be given again")
    parser.add_argument("--page-size", type=int, default=1000, help="entries on a page of a list")
    parser.add_argument("--faults", metavar="SEED:RATE", default="0:0", help="fail this share of all calls")
    args = parser.parse_args()
    seed, _, rate = args.faults.partition(":")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with GcsServer(args.port, args.page_size, int(seed)) as server:
        for bucket in args.bucket:
            server.storage.create_bucket(bucket)
        if float(rate):
            server.faults.storm(float(rate))
        print(server.address, flush=True)
        while os.read(sys.stdin.fileno(), 4096):
            pass


if __name__ == "__main__":
    main()
