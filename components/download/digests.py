"""Computes the SHA-256 of files that are used in place, once, and remembers it in the store."""

import hashlib
import json
import re
from collections.abc import Callable, Iterable

from byheart.components.download.transfer import hash_object
from byheart.contracts.errors import ModelError
from byheart.contracts.progress import Progress, format_size, say
from byheart.store import Place, Store
from byheart.store.stored import Stored

_MIB = 2**20
_SHA256 = re.compile(r"[0-9a-f]{64}")


def hash_objects(place: Place, names: Iterable[str], store: Store) -> dict[str, str]:
    """The SHA-256 of each file that exists, by name.

    A hash is remembered for a file's address, size and version (generation, or times of the last change and number in
    the file system): a file that was written again is hashed again, and so is one of that name on another machine.
    Whoever may write the store can forge what it remembers; `extract` finds that, since it hashes what it reads.

    Args:
        place: holds the files.
        store: remembers the hashes.

    Raises:
        ModelError: a file changes while it is hashed.
    """
    files = {name: file for name in names if (file := place.find(name))}
    hashed = {name: _read_note(store, _name_note(place, file)) for name, file in files.items()}
    unknown = {name: file for name, file in files.items() if not hashed[name]}
    total = sum(file.size_bytes for file in unknown.values())
    report: Callable[[int], None] = lambda _: None  # noqa: E731 a small model needs no progress
    if total > 100 * _MIB:
        say(f"hashing {format_size(total)}, once: it is remembered in the store")
        progress = Progress(total // _MIB + len(unknown), "MiB")
        report = lambda count: progress.add(-(-count // _MIB))  # noqa: E731
    for name, file in unknown.items():
        digest = hash_object(place, name, file.size_bytes, report)
        if place.find(name) != file:
            message = f"{place.locate(name)} must not change while it is used, found it changed: run again"
            raise ModelError(message, parameter="model", may_pass=True)
        note = {"file": place.locate(name), "size_bytes": file.size_bytes, "version": file.version, "sha256": digest}
        store.replace(_name_note(place, file), (json.dumps(note, indent=2) + "\n").encode())
        hashed[name] = digest
    return {name: digest for name, digest in hashed.items() if digest}


def _name_note(place: Place, file: Stored) -> str:
    key = json.dumps([place.locate(file.name), file.size_bytes, file.version, file.inode])
    return f"hashes/{hashlib.sha256(key.encode()).hexdigest()[:32]}.json"


def _read_note(store: Store, name: str) -> str | None:
    """The SHA-256 in a note of the store; None without a note, or if it cannot be read."""
    try:
        digest = json.loads(store.read(name))["sha256"] if store.exists(name) else None
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    return digest if isinstance(digest, str) and _SHA256.fullmatch(digest) else None
