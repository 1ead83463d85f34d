"""The termination message of a container: why its stage ended, in the place where Kubernetes looks for it.

It is in the status of the pod, so `kubectl describe pod` shows it, and in Argo's message of the node. There the retry
expression of k8s/kubeflow/workflow-controller-configmap.yaml reads it: a message with the mark ends the run.
"""

import contextlib
from pathlib import Path

REFUSED = "[refused]"
"""The mark of an error that may not pass: every further attempt would end with it."""

_FILE = Path("/dev/termination-log")
"""Kubernetes makes it in every container, and lets every user write it."""
_MOST_BYTES = 4096
"""The size at which Kubernetes cuts a message."""


def write_termination_message(message: str, *, may_pass: bool) -> None:
    """Write why the stage ended; does nothing where Kubernetes made no file for it, or it cannot be written.

    Args:
        message: one line.
        may_pass: whether another attempt may succeed.
    """
    text = message if may_pass else f"{REFUSED} {message}"
    data = text.encode("utf-8", "backslashreplace")[:_MOST_BYTES].decode(errors="ignore").encode()  # no half character
    with contextlib.suppress(OSError), _FILE.open("r+b") as file:  # which makes no file
        file.truncate()
        file.write(data)
