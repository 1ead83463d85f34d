"""Serve until stdin closes or SIGTERM comes; the endpoint is the one line that is printed.

For example: python -m tests.hub --repo org/name=samples/model --gated org/name --token hf_x --rate 1000000
"""

import argparse
import os
import signal
import sys
from pathlib import Path

from tests.hub.server import HubServer


def main() -> None:
    """Serve as the command line says."""
    parser = argparse.ArgumentParser(prog="python -m tests.hub", description=__doc__)
    parser.add_argument("--repo", action="append", default=[], metavar="NAME=FOLDER", help="may be given again")
    parser.add_argument("--gated", action="append", default=[], metavar="NAME", help="a token is needed for its files")
    parser.add_argument(
        "--private", action="append", default=[], metavar="NAME", help="a token is needed for all of it"
    )
    parser.add_argument("--token", action="append", default=[], help="one to which every repository is open")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--rate", type=int, default=0, metavar="BYTES", help="a second, for every connection")
    parser.add_argument("--faults", metavar="SEED:RATE", default="0:0", help="fail this share of all calls")
    args = parser.parse_args()
    seed, _, rate = args.faults.partition(":")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with HubServer(args.port, int(seed)) as hub:
        hub.bytes_per_second = args.rate
        for repo in args.repo:
            name, _, folder = repo.partition("=")
            hub.add_folder(name, Path(folder), private=name in args.private, gated=name in args.gated)
        for token in args.token:
            hub.add_token(token, access=list(hub.repositories.all))
        if float(rate):
            hub.faults.storm(float(rate))
        print(hub.endpoint, flush=True)
        while os.read(sys.stdin.fileno(), 4096):
            pass


if __name__ == "__main__":
    main()
