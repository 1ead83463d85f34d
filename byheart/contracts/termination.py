"""The termination message of a container: why its stage ended, in the place where Kubernetes looks for it.

It is in the status of the pod, so `kubectl describe pod` shows it, and in Argo's message of the node. There the retry
expression of k8s/kubeflow/workflow-controller-configmap.yaml reads it: a message with the mark ends the run.
"""

import contextlib
import os
from pathlib import Path

REFUSED = "[refused]"
"""The mark of an error that every further attempt would end with."""

_FILE = Path("/dev/termination-log")
"""Kubernetes makes it in every container."""
_MOST_BYTES = 4096
"""The size at which Kubernetes cuts a message."""


def write_termination_message(message: str, *, is_refused: bool) -> None:
    """Write why the stage ended; does nothing where Kubernetes made no file for it, or it cannot be written.

    Args:
        message: one line.
        is_refused: whether another attempt would end in the same way.
    """
    text = f"{REFUSED} {message}" if is_refused else message
    data = text.encode("utf-8", "backslashreplace")[:_MOST_BYTES].decode(errors="ignore").encode()  # no half character
    with contextlib.suppress(OSError):  # the stage's own error counts, and is in the log
        if _FILE.is_file():
            file = os.open(_FILE, os.O_WRONLY | os.O_TRUNC)  # without O_CREAT
            try:
                os.write(file, data)
            finally:
                os.close(file)
