"""Serve until stdin closes or SIGTERM comes; the endpoint is the one line that is printed.

For example: python -m tests.hub --repo org/name=samples/model
"""

import argparse
from pathlib import Path

from tests.hub.server import HubServer
from tests.servers.listener import serve_until_told


def main() -> None:
    """Serve as the command line says."""
    parser = argparse.ArgumentParser(prog="python -m tests.hub", description=__doc__)
    parser.add_argument("--repo", action="append", default=[], metavar="NAME=FOLDER", help="may be given again")
    args = parser.parse_args()
    with HubServer() as hub:
        for repo in args.repo:
            name, _, folder = repo.partition("=")
            hub.add_folder(name, Path(folder))
        serve_until_told(hub.endpoint)


if __name__ == "__main__":
    main()
