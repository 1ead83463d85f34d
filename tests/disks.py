"""Small disks of a test's own, which fill up."""

import functools
import subprocess

import pytest

UNSHARE = ("unshare", "-rm", "sh", "-c")


@functools.cache
def _may_mount() -> bool:
    tried = [*UNSHARE, "mount -t tmpfs tmpfs /mnt"]
    return subprocess.run(tried, capture_output=True, check=False).returncode == 0


def need_disks() -> None:
    """Skip where this machine lets nobody mount a disk of their own."""
    if not _may_mount():
        pytest.skip("this machine lets nobody mount a disk of their own (unshare -rm)")
