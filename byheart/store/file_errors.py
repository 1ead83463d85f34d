"""Errors of the file system, as a store raises them."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from byheart.contracts.errors import StoreError, os_error_may_pass


@contextmanager
def explained(action: str, path: Path) -> Iterator[None]:
    """Turn errors of the file system into a StoreError that names the file, the cause and the remedy."""
    remedy = {"read": "run again to compute it anew"}.get(action, "make room or permit it, and run again")
    try:
        yield
    except OSError as error:
        raise StoreError(
            f"cannot {action} {path}: {error.strerror or error}: {remedy}", may_pass=os_error_may_pass(error)
        ) from error
