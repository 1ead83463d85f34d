"""Writes the folder that a GGUF file amounts to into the store, once for each file.

    file.gguf --read a few rows--> dequantised --16 MiB--> store, hashed on the way

All other stages read safetensors and tokenizer.json, and need to know nothing of GGUF.
"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import PurePosixPath

from byheart.components.download import transfer
from byheart.components.download.describe import describe_model, resolve_address
from byheart.components.download.digests import hash_objects
from byheart.components.download.gguf.folder import TOKENIZER, TOKENIZER_CONFIG, GgufFolder
from byheart.components.download.gguf.header import GgufFile, read_gguf
from byheart.components.download.gguf.tokenizer import describe_tokenizer
from byheart.components.download.manifest import read_manifest, remove_damaged, write_manifest
from byheart.contracts.errors import ModelError
from byheart.contracts.model import Model
from byheart.contracts.progress import Progress, format_size, say
from byheart.models.families.fields import list_ignored
from byheart.models.folder import hash_files, open_model, open_model_at
from byheart.store import Place, Store
from byheart.store.in_order import map_in_order

_VERSION = 1
"""The version of what is made of a file: another one needs another folder, since objects never change."""
_MIB = 2**20


def use_gguf(
    place: Place,
    file: str,
    store: Store,
    tokenizer: Mapping[str, bytes],
    ignored: tuple[str, ...] = (),
    *,
    source: str,
    commit: str | None,
) -> Model:
    """The model in a GGUF file, converted into the store unless it is there.

    Args:
        place, file: where the file is.
        tokenizer: the files of another tokenizer, by name; empty for the file's own.
        ignored: fields of unknown meaning that change no score, as the user says.
        source, commit: its origin, as results name it.

    Raises:
        ModelError: the file cannot be read, or holds another model than one that can be computed.
        StoreError: the store cannot be written.
    """
    gguf = read_gguf(place, file, ignored)
    folder = GgufFolder(gguf, choose_tokenizer(gguf, tokenizer))
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
        ignored=list_ignored(gguf.fields),
    )


def choose_tokenizer(gguf: GgufFile, given: Mapping[str, bytes]) -> Mapping[str, bytes]:
    """The files that take the place of a GGUF file's own tokenizer in what is made of it; empty if none do.

    Those beside it do, else the given ones if its own is not known: where it is, what is made of the file, and so the
    disk, is the same for any given tokenizer.

    Raises:
        ModelError: they have other tokens than the GGUF file.
    """
    beside = {name: str(PurePosixPath(gguf.file).with_name(name)) for name in (TOKENIZER, TOKENIZER_CONFIG)}
    contents = {name: gguf.place.read(path) for name, path in beside.items() if gguf.place.find(path)}
    if given and (other := _find_other_token(gguf, given[TOKENIZER])):
        raise ModelError(
            f"tokenizer must have the tokens of {gguf.path}, found {other}: name the tokenizer of this model",
            parameter="tokenizer",
        )
    if TOKENIZER in contents:
        if other := _find_other_token(gguf, contents[TOKENIZER]):
            gguf.refuse(f"have the tokens of {beside[TOKENIZER]} beside it", other, "take that file away")
        return contents
    return given if given and not _is_tokenizer_known(gguf) else {}


def _is_tokenizer_known(gguf: GgufFile) -> bool:
    try:
        describe_tokenizer(gguf)
    except ModelError:
        return False
    return True


def _find_other_token(gguf: GgufFile, tokenizer_json: bytes) -> str:
    """A token that a tokenizer.json has and the GGUF file has not, or has elsewhere; empty if there is none."""
    tokens = gguf.fields.get("tokenizer.ggml.tokens", ())
    try:
        content = json.loads(tokenizer_json)
        vocab = content["model"]["vocab"]
        pairs = list(vocab.items()) if isinstance(vocab, dict) else [(entry[0], i) for i, entry in enumerate(vocab)]
        pairs += [(added["content"], added["id"]) for added in content["added_tokens"]]
        other = [token for token, index in pairs if index >= len(tokens) or tokens[index] != token]
    except (ValueError, KeyError, TypeError, AttributeError, IndexError, RecursionError) as error:
        other = [type(error).__name__]
    return f"{other[0][:60]!r}" if other else ""


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
