"""Writes the folder that a GGUF file amounts to into the store, once for each file.

    file.gguf --read a few rows--> dequantised --16 MiB--> store, hashed on the way

All other stages read safetensors and tokenizer.json, and need to know nothing of GGUF.
"""

import hashlib
import json
from pathlib import PurePosixPath

from byheart.components.download import transfer
from byheart.components.download.describe import describe_model, resolve_address
from byheart.components.download.digests import hash_objects
from byheart.components.download.gguf.folder import TOKENIZER, TOKENIZER_CONFIG, GgufFolder
from byheart.components.download.gguf.header import GgufFile, read_gguf
from byheart.components.download.manifest import read_manifest, remove_damaged, write_manifest
from byheart.contracts.errors import ModelError
from byheart.contracts.model import Model
from byheart.contracts.progress import Progress, format_size, say
from byheart.models.folder import hash_files, open_model, open_model_at
from byheart.store import Place, Store
from byheart.store.in_order import map_in_order

_VERSION = 1
"""The version of what is made of a file: another one needs another folder, since objects never change."""
_MIB = 2**20


def use_gguf(place: Place, file: str, store: Store, *, source: str, commit: str | None) -> Model:
    """The model in a GGUF file, converted into the store unless it is there.

    Args:
        place, file: where the file is.
        source, commit: its origin, as results name it.

    Raises:
        ModelError: the file cannot be read, or holds another model than one that can be computed.
        StoreError: the store cannot be written.
    """
    gguf = read_gguf(place, file)
    folder = GgufFolder(gguf, read_tokenizer_beside(gguf))
    open_model_at(folder).check_tensors()
    before = place.find(file)
    hashed = hash_objects(place, [file], store)
    digest = hash_files(hashed | folder.hash_beside()) if folder.hash_beside() else hashed[file]
    target = f"models/gguf-{_VERSION}--{PurePosixPath(file).stem}@{digest}"
    converted = read_manifest(store, target)
    if converted is None:
        converted = _convert(folder, store, target, source)
        if place.find(file) != before:
            message = f"{gguf.path} must not change while it is used, found it changed: run again"
            raise ModelError(message, parameter="model", may_pass=True)
        sizes = {stored.name: stored.size_bytes for stored in folder.list()}
        write_manifest(store, target, sizes, converted, gguf={"file": file, "sha256": hashed[file]})
    address = resolve_address(store, target)
    return describe_model(
        open_model(address),
        converted,
        source=source,
        commit=commit,
        address=address,
        quantisation=folder.quantisation,
        gguf_sha256=hashed[file],
    )


def read_tokenizer_beside(gguf: GgufFile) -> dict[str, bytes]:
    """The files of a tokenizer that lie beside a GGUF file, by name; empty without a tokenizer.json.

    Raises:
        ModelError: it has other tokens than the GGUF file.
    """
    beside = PurePosixPath(gguf.file).parent
    files = {name: str(beside / name) for name in (TOKENIZER, TOKENIZER_CONFIG)}
    if not gguf.place.find(files[TOKENIZER]):
        return {}
    contents = {name: gguf.place.read(path) for name, path in files.items() if gguf.place.find(path)}
    tokens = gguf.fields.get("tokenizer.ggml.tokens", ())
    try:
        content = json.loads(contents[TOKENIZER])
        vocab = content["model"]["vocab"]
        pairs = list(vocab.items()) if isinstance(vocab, dict) else [(entry[0], i) for i, entry in enumerate(vocab)]
        pairs += [(added["content"], added["id"]) for added in content["added_tokens"]]
        other = [token for token, index in pairs if index >= len(tokens) or tokens[index] != token]
    except (ValueError, KeyError, TypeError, AttributeError, IndexError, RecursionError) as error:
        other = [f"{type(error).__name__}"]
    if other:
        gguf.refuse(f"have the tokens of {files[TOKENIZER]} beside it", f"{other[0][:60]!r}", "take that file away")
    return contents


def _convert(folder: GgufFolder, store: Store, target: str, source: str) -> dict[str, str]:
    """Write the folder's files, and return the SHA-256 of each by name."""
    sizes = {stored.name: stored.size_bytes for stored in folder.list()}
    remove_damaged(store, target, sizes)
    transfer.check_room(store, target, sizes, source)
    total = sum(sizes.values())
    say(f"converting {source} ({folder.quantisation}) to safetensors: {format_size(total)} in the store, once")
    progress = Progress(total // _MIB + len(sizes), "MiB")
    return {name: _write(folder, name, sizes[name], store, f"{target}/{name}", progress) for name in sizes}


def _write(folder: GgufFolder, name: str, size_bytes: int, store: Store, target: str, progress: Progress) -> str:
    """Write a file in pieces, after those of an earlier attempt, and return its SHA-256."""

    def read(start: int) -> bytes:
        return folder.read_range(name, start, min(start + transfer.PIECE_BYTES, size_bytes))

    digest = hashlib.sha256()
    with store.grow(target, transfer.PIECE_BYTES) as growing:
        if growing is None:
            return transfer.hash_object(store, target, size_bytes, lambda count: progress.skip(-(-count // _MIB)))
        for piece in range(growing.pieces):
            digest.update(data := growing.read(piece))
            progress.skip(-(-len(data) // _MIB))
        starts = range(growing.pieces * transfer.PIECE_BYTES, size_bytes, transfer.PIECE_BYTES)
        for data in map_in_order(read, starts, threads=2, ahead=2):
            digest.update(growing.append(data))
            progress.add(-(-len(data) // _MIB))
        growing.finish()
    return digest.hexdigest()
