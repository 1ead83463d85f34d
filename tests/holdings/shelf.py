"""A store that holds something of everything."""

import json
import random

from byheart.scores.store import Reuse, ScoreStore
from byheart.store import Store, open_store
from byheart.store.stored import Stored
from tests.scores.test_store import PARTS, computed

A, B = "a" * 32, "b" * 32
"""Addresses: of three parts, and of one."""
MODEL, OTHER = f"org--small@{'1' * 40}", f"org--other@{'2' * 40}"
PIECE_BYTES = 2**18
WEIGHTS = random.Random(1).randbytes(2 * PIECE_BYTES + 5)
"""Three pieces, of which the last is shorter."""
ABOUT = {
    "what": "windows",
    "book": {"name": "a-book"},
    "model": {"source": "org/small", "commit": "1" * 40},
    "parts": 3,
}


def fill(address: str) -> Store:
    """At A a finished part, two pieces of the second part and one of a forced run; at B a finished part; models."""
    store = open_store(address)
    scores = ScoreStore(store)
    scores.write(PARTS[0], computed(PARTS[0].windows), Reuse())
    scores.write(PARTS[1], computed(range(40, 50)), Reuse())
    scores.write(PARTS[1], computed(range(50, 55)), Reuse())
    scores.write(PARTS[2], computed(range(80, 84)), Reuse(run="forced"))
    scores.write(PARTS[3], computed(PARTS[3].windows), Reuse())
    scores.describe(A, ABOUT)
    add_model(store, MODEL, WEIGHTS)
    store.create(f"models/{OTHER}/config.json", b"{}")
    store.create("compiled/TPU-v6-lite-jax-0.10.2/jit_score-1234-cache", b"a program")
    store.create("runs/d1/submitted.json", b"{}")
    store.create("registered/d2.json", b"{}")
    store.create("hashes/h1.json", b"{}")
    return store


def add_model(store: Store, name: str, weights: bytes) -> None:
    files = {"config.json": b'{"model_type": "llama"}', "model.safetensors": weights}
    for file, data in files.items():
        store.create(f"models/{name}/{file}", data)
    sizes = {file: {"size_bytes": len(data), "sha256": ""} for file, data in files.items()}
    store.create(f"models/{name}/manifest.json", json.dumps({"files": sizes}).encode())


def everything(store: Store, prefix: str = "") -> dict[str, bytes]:
    """All objects with their bytes, what kills have left among them."""
    listed: list[Stored] = [*store.list(prefix), *store.leftovers(prefix)]
    return {stored.name: store.read(stored.name) for stored in listed}
