"""The file of a model in the store that is written last, and names its other files with their sizes and hashes."""

import json
from typing import Any

from byheart.contracts.progress import say
from byheart.contracts.version import code_version
from byheart.store import Store

MANIFEST = "manifest.json"


def read_manifest(store: Store, folder: str) -> dict[str, str] | None:
    """The SHA-256 of each file in the manifest; None without a manifest, or if a file is missing or damaged."""
    name = f"{folder}/{MANIFEST}"
    if not store.exists(name):
        return None
    try:
        files = json.loads(store.read(name))["files"]
        sizes = {file: int(entry["size_bytes"]) for file, entry in files.items()}
        hashed = {file: bytes.fromhex(entry["sha256"]).hex() for file, entry in files.items()}
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError):
        say(f"damaged, and written again: {store.locate(name)}")
        store.delete(name)
        return None
    complete = remove_damaged(store, folder, sizes)
    return hashed if complete == sizes.keys() else None


def remove_damaged(store: Store, folder: str, sizes: dict[str, int]) -> set[str]:
    """Remove files that have another size than in `sizes`, and return the names of files that have the right size."""
    stored_sizes = {stored.name.removeprefix(f"{folder}/"): stored.size_bytes for stored in store.list(f"{folder}/")}
    for name in stored_sizes.keys() & sizes.keys():
        if stored_sizes[name] != sizes[name]:
            say(f"damaged, and fetched again: {store.locate(f'{folder}/{name}')}")
            store.delete(f"{folder}/{name}")
    return {name for name, size_bytes in sizes.items() if stored_sizes.get(name) == size_bytes}


def write_manifest(store: Store, folder: str, sizes: dict[str, int], hashed: dict[str, str], **origin: Any) -> None:
    """Write a folder's manifest: its files' sizes and SHA-256 by name, and where they are from."""
    files = {name: {"size_bytes": sizes[name], "sha256": hashed[name]} for name in hashed}
    manifest = {**origin, "files": files, "code": code_version()}
    store.create(f"{folder}/{MANIFEST}", (json.dumps(manifest, indent=2) + "\n").encode())
