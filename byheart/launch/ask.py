"""Asks `launch.stages` to run `-m MODULE ARGUMENTS` here, and ends as that ended.

    python -I -S ask.py FOLDER -m MODULE ARGUMENTS

It imports nothing of byheart: to start as fast as Python can is its purpose.
"""

import json
import os
import socket
import sys


def ask(folder: str, arguments: list[str]) -> int:
    """Run the module in this folder, with this environment and these standard streams, and return its exit code.

    Args:
        folder: holds the socket.
        arguments: `-m`, the module and its own.
    """
    request = {"arguments": arguments, "environment": dict(os.environ), "folder": os.getcwd()}  # noqa: PTH109  pathlib takes longer to import than all else here
    os.chdir(folder)
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect("stages")
        socket.send_fds(connection, [b"\n"], [0, 1, 2])
        connection.sendall(json.dumps(request).encode())
        connection.shutdown(socket.SHUT_WR)
        answer = connection.recv(16)
    return int(answer or 1)


if __name__ == "__main__":
    sys.exit(ask(sys.argv[1], sys.argv[2:]))
