"""Starts each stage as a fork of a process that has loaded what the stages share, on Linux.

Every stage stays a process of its own, with its own memory, environment and exit code. But Python, KFP, NumPy and Arrow
are loaded once and not six times. JAX and matplotlib are not loaded before a fork: JAX's threads would not be in it.

    KFP -> sh -> python3, which is launch/ask.py  --socket-->  this process -> a fork that waits -> a fork: the stage

On other systems a fork is not safe once libraries are loaded, and stages start as KFP starts them.
"""

import atexit
import contextlib
import gc
import importlib
import json
import os
import runpy
import select
import socket
import sys
from pathlib import Path

SOCKET = "stages"
"""The name of the socket, in the folder of the program that asks."""
ARE_FORKS = sys.platform == "linux"
"""Whether stages start so on this system."""

_SHARED = ("kfp.dsl.executor", "byheart.scores.store", "byheart.machines.planned", "byheart.models.adapted")
"""Modules that are loaded before any stage starts, with all that they import."""
_DESCRIPTORS = 3
_SIGNALLED = 128
"""A shell adds it to the number of the signal that ended a command."""


def offer_stages(folder: Path) -> None:
    """Fork the process that starts stages, and return; it ends when this process ends.

    This process must have one thread only, and must end by itself if this raises SystemExit: then it is a stage.

    Args:
        folder: gets the socket.
    """
    listener = socket.socket(socket.AF_UNIX)
    with contextlib.chdir(folder):  # the path of a socket has at most 107 bytes
        listener.bind(SOCKET)
    listener.listen()
    alive, open_while_alive = os.pipe()
    if starter := os.fork():
        listener.close()
        os.close(alive)
        atexit.register(_end, starter, open_while_alive)
        return
    os.close(open_while_alive)
    for name in _SHARED:
        with contextlib.suppress(ImportError):  # the stage that needs it will say so
            importlib.import_module(name)
    gc.freeze()
    connection = _wait_for_request(listener, alive)
    if connection is None:
        os._exit(0)
    os.close(alive)
    _become_stage(connection)
    sys.exit()


def _end(starter: int, open_while_alive: int) -> None:
    """End the process that starts stages; if this process is killed, the pipe is closed all the same."""
    os.close(open_while_alive)
    os.waitpid(starter, 0)


def _wait_for_request(listener: socket.socket, alive: int) -> socket.socket | None:
    """Fork for each request; returns its connection, in the fork, or None when the run has ended."""
    while listener.fileno() in select.select([listener.fileno(), alive], [], [])[0]:
        connection, _ = listener.accept()
        if not os.fork():
            listener.close()
            return connection
        connection.close()
    with contextlib.suppress(ChildProcessError):
        while True:
            os.wait()
    return None


def _become_stage(connection: socket.socket) -> None:
    """Fork once more: one process runs the module that was asked for, the other answers with its exit code."""
    _, descriptors, *_ = socket.recv_fds(connection, 1, _DESCRIPTORS)
    request = json.loads(connection.makefile("rb").read())
    if stage := os.fork():
        for descriptor in descriptors:
            os.close(descriptor)
        code = os.waitstatus_to_exitcode(os.waitpid(stage, 0)[1])
        connection.sendall(f"{code if code >= 0 else _SIGNALLED - code}".encode())
        os._exit(0)
    connection.close()
    for number, descriptor in enumerate(descriptors):
        os.dup2(descriptor, number)
        os.close(descriptor)
    os.environ.clear()
    os.environ.update(request["environment"])
    os.chdir(request["folder"])
    _, module, *arguments = request["arguments"]  # -m MODULE
    sys.argv = [module, *arguments]
    runpy.run_module(module, run_name="__main__", alter_sys=True)
