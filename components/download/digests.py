"""The SHA-256 of files that are used where they are: computed once, and remembered in the store."""

import hashlib
import json
from collections.abc import Callable, Iterable

from byheart.components.download.transfer import sha256_of
from byheart.contracts.errors import ModelError
from byheart.contracts.progress import Progress, format_size, say
from byheart.store import Place, Store
from byheart.store.stored import Stored

_MIB = 2**20


def sha256_in_place(place: Place, names: Iterable[str], store: Store) -> dict[str, str]:
    """The SHA-256 of each file by name.

    What is remembered is that of a file at this address with this size and version (generation, or time of the last
    change): a file that was written anew is hashed anew.

    Args:
        store: where hashes are remembered.

    Raises:
        ModelError: a file changes while it is hashed.
    """
    found = {name: place.find(name) for name in names}
    files = {name: file for name, file in found.items() if file}
    known = {name: _recall(store, _memory_name(place, file)) for name, file in files.items()}
    wanting = {name: file for name, file in files.items() if not known[name]}
    total = sum(file.size_bytes for file in wanting.values())
    report: Callable[[int], None] = lambda _: None  # noqa: E731 a small model is hashed in no time
    if total > 100 * _MIB:
        say(f"hashing {format_size(total)}, once: it is remembered in the store")
        progress = Progress(total // _MIB + len(wanting), "MiB")
        report = lambda count: progress.add(-(-count // _MIB))  # noqa: E731
    for name, file in wanting.items():
        digest = sha256_of(place, name, file.size_bytes, report)
        if place.find(name) != file:
            message = f"{place.locate(name)} must not change while it is used, found it changed: run again"
            raise ModelError(message, parameter="model", may_pass=True)
        note = {"file": place.locate(name), "size_bytes": file.size_bytes, "version": file.version, "sha256": digest}
        store.replace(_memory_name(place, file), (json.dumps(note, indent=2) + "\n").encode())
        known[name] = digest
    return {name: digest for name, digest in known.items() if digest}


def _memory_name(place: Place, file: Stored) -> str:
    what = json.dumps([place.locate(file.name), file.size_bytes, file.version])
    return f"hashes/{hashlib.sha256(what.encode()).hexdigest()[:32]}.json"


def _recall(store: Store, name: str) -> str | None:
    """The SHA-256 that was noted; None where none was, or it cannot be read any more."""
    try:
        return str(json.loads(store.read(name))["sha256"]) if store.exists(name) else None
    except (ValueError, KeyError, TypeError):
        return None
