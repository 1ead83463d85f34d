"""Whatever is wrong with the input, a run ends in one line that says what was needed, what was found and what to do.

Through the command line, as a person starts it. Nothing is scored, no weight is loaded, and nothing that was there is
changed.
"""

import dataclasses
import functools
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple, cast

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from tests.conftest import BOOK, MODEL, ROOT, launch, launch_command
from tests.gcs import GcsServer
from tests.hub import HubServer

INDEX, WEIGHTS = "model.safetensors.index.json", "model.safetensors"
NORM = "model.norm.weight"
TEXT = BOOK.read_text(encoding="utf-8")[:3_000]
ABSENT = object()


@dataclasses.dataclass(frozen=True, kw_only=True)
class Attempt:
    """A run that is about to be started; `@` is the case's own folder."""

    books: tuple[str, ...] = ("@/good/book.txt",)
    controls: tuple[str, ...] = ()
    model: str = str(MODEL)
    store: str = "@/store"
    out: str = "@/out"
    settings: tuple[str, ...] = ()
    pipeline: str | None = None
    inside: tuple[str, ...] = ()
    """A command that starts the one it is given."""
    environment: Mapping[str, str] = dataclasses.field(default_factory=dict)


Make = Callable[[Path], Attempt]


class Case(NamedTuple):
    """A run that must be refused."""

    what: str
    make: Make
    """Puts the bad thing into an empty folder."""
    needed: str
    found: str
    remedy: str


def run(**changes: Any) -> Make:
    """A run for which nothing needs to be made."""
    return lambda _: Attempt(**changes)


def book(data: bytes, name: str = "book.txt") -> Make:
    """A file as the book."""

    def make(folder: Path) -> Attempt:
        (folder / name).write_bytes(data)
        return Attempt(books=(f"@/{name}",))

    return make


def books(*paths: str, prepare: Callable[[Path], object] = lambda _: None) -> Make:
    """Paths as books."""

    def make(folder: Path) -> Attempt:
        prepare(folder)
        return Attempt(books=paths)

    return make


def setting(*settings: str) -> Make:
    """Settings on the command line."""
    return run(settings=settings)


def model(spoil: Callable[[Path], object], *settings: str) -> Make:
    """A copy of the sample model with one thing broken."""

    def make(folder: Path) -> Attempt:
        copy = folder / "model"
        shutil.copytree(MODEL, copy)
        spoil(copy)
        return Attempt(model="@/model", settings=settings)

    return make


def file(name: str, content: bytes | None, *settings: str) -> Make:
    """A model one of whose files holds something else, or is gone."""
    return model(
        lambda copy: (copy / name).unlink() if content is None else (copy / name).write_bytes(content), *settings
    )


def change_json(path: Path, changes: dict[str, Any]) -> None:
    """Change or remove fields of a JSON file."""
    content = json.loads(path.read_text(encoding="utf-8")) | changes
    path.write_text(json.dumps({name: value for name, value in content.items() if value is not ABSENT}))


def config(*settings: str, **changes: Any) -> Make:
    """A model whose config.json has other fields."""
    return model(lambda copy: change_json(copy / "config.json", changes), *settings)


def tokenizer_config(*settings: str, **changes: Any) -> Make:
    """A model whose tokenizer_config.json has other fields."""
    return model(lambda copy: change_json(copy / "tokenizer_config.json", changes), *settings)


def tensor(name: str, change: Callable[[np.ndarray], np.ndarray | None], **fields: Any) -> Make:
    """A model with one tensor changed, or removed, and fields of its config.json."""

    def spoil(copy: Path) -> None:
        weights = load_file(copy / WEIGHTS)
        changed = change(weights.pop(name))
        save_file(weights if changed is None else weights | {name: changed}, copy / WEIGHTS)
        change_json(copy / "config.json", fields)

    return model(spoil)


def index(content: object) -> Make:
    """A model with an index of shards."""
    return model(lambda copy: (copy / INDEX).write_text(json.dumps(content)))


def tokenizer(change: Callable[[dict[str, Any]], object], *settings: str, bos: str | None = None) -> Make:
    """A model whose tokenizer.json is changed in place."""

    def spoil(copy: Path) -> None:
        path = copy / "tokenizer.json"
        content = json.loads(path.read_text(encoding="utf-8"))
        change(content)
        path.write_text(json.dumps(content), encoding="utf-8")
        if bos:
            change_json(copy / "tokenizer_config.json", {"bos_token": bos})

    return model(spoil, *settings)


def words_without_unknown(content: dict[str, Any]) -> None:
    """A vocabulary of one word, and no token for all others."""
    content["model"] = {"type": "WordLevel", "vocab": {"ferryman": 0}, "unk_token": "?"}


def far_token(content: dict[str, Any]) -> None:
    """A special token behind the vocabulary."""
    content["added_tokens"].append({**content["added_tokens"][0], "id": 1024, "content": "<far>"})


def only_pickle(copy: Path) -> None:
    """Weights as PyTorch used to save them."""
    (copy / WEIGHTS).rename(copy / "pytorch_model.bin")


def only_sentencepiece(copy: Path) -> None:
    """A tokenizer as Llama 2 was published with, which gives no offsets."""
    (copy / "tokenizer.json").rename(copy / "tokenizer.model")


def place(prepare: Callable[[Path], object] = lambda _: None, **paths: str) -> Make:
    """Other places for results and scores."""

    def make(folder: Path) -> Attempt:
        prepare(folder)
        return Attempt(**paths)  # type: ignore[arg-type]

    return make


def disk(name: str, *settings: str, options: str = "size=64k", fill: bool = False) -> Make:
    """A small disk of its own at `name` in the folder."""

    def make(folder: Path) -> Attempt:
        _need_unshare()
        mounted = folder / name
        mounted.mkdir()
        fills = f"dd if=/dev/zero of='{mounted}/filler' bs=1k count=999 status=none 2>/dev/null;" if fill else ""
        script = f'mount -t tmpfs -o {options} tmpfs \'{mounted}\' || exit 9; {fills} exec "$0" "$@"'
        environment = {"TMPDIR": str(mounted)} if name == "temporary" else {}
        return Attempt(settings=settings, inside=("unshare", "-rm", "sh", "-c", script), environment=environment)

    return make


def unreadable_book(folder: Path) -> Attempt:
    """A book that its owner may not read; root may read anything, but not as nobody."""
    path = folder / "book.txt"
    path.write_text(TEXT)
    path.chmod(0)
    if os.access(path, os.R_OK):
        _need_unshare()
    return Attempt(books=(str(path),), inside=("unshare", "-U") if os.access(path, os.R_OK) else ())


@functools.cache
def _need_unshare() -> None:
    tried = subprocess.run(
        ["unshare", "-rm", "mount", "-t", "tmpfs", "tmpfs", "/mnt"], capture_output=True, check=False
    )
    if tried.returncode:
        pytest.skip("this machine lets nobody mount a disk of their own (unshare -rm)")


def full_log(folder: Path) -> None:
    """A log on a device that is always full."""
    (folder / "out").mkdir()
    (folder / "out" / "log.txt").symlink_to("/dev/full")


def in_the_way(name: str, *, is_folder: bool = False) -> Callable[[Path], None]:
    """Something among the results that no result can take the place of."""

    def prepare(folder: Path) -> None:
        path = folder / "out" / name
        path.parent.mkdir(parents=True)
        path.mkdir() if is_folder else path.write_text("mine")

    return prepare


CLOUD = {"STORAGE_EMULATOR_HOST": "@cloud"}
WHOLE_MAP = dict.fromkeys(load_file(MODEL / WEIGHTS), WEIGHTS)
LLAMA3 = {"rope_type": "llama3", "factor": 8.0, "original_max_position_embeddings": 64}
JSON_CASES = "must be a readable JSON file"

CASES = [
    # Books
    Case("book that is missing", books("@/no.txt"), "must name files that exist", "no.txt", "check the path"),
    Case("both books missing", books("@/a.txt", "@/b.txt"), "leave one to measure", "found 2 that", "check the path"),
    Case(
        "book without a name", books(""),
        "must be a path", "found an empty text", "give --books one",
    ),
    Case("folder without .txt", books("@"), "at least one .txt file", "found none", "name the book's file"),
    Case("book below a file", books(f"{BOOK}/x.txt"), "must be a readable file", "Not a directory", "name another"),
    Case("book of a device", books("/dev/zero"), "/dev/zero must be a file", "a pipe or a device", "save the text"),
    Case(
        "book of a pipe", books("@/pipe", prepare=lambda folder: os.mkfifo(folder / "pipe")),
        "must be a file", "a pipe or a device", "save the text",
    ),
    Case("book that may not be read", unreadable_book, "must be a readable file", "Permission denied", "permit it"),
    Case(
        "book in a bucket without an account",
        run(books=("gs://bucket/b.txt",), environment={"GOOGLE_APPLICATION_CREDENTIALS": "/nonexistent.json"}),
        "cannot list gs://bucket/b.txt", "no valid credentials", "gcloud auth application-default login",
    ),
    Case("book in no bucket", books("gs://"), "books must name a bucket", "found gs://", "such as gs://my-bucket"),
    Case("book on the plain web", books("http://a.org/b.txt"), "or https://", "http://a.org/b.txt", "write https://"),
    Case("book on another cloud", books("s3://b/b.txt"), "at gs:// or https://", "s3://b/b.txt", "copy it"),
    Case("glob that matches nothing", books("@/*.txt"), "must match at least one file", "found none", "name the book"),
    Case("path longer than any", books("x" * 300), "must be a readable file", "File name too long", "name another"),
    Case("more books than fit", books(*["@/a-book"] * 9_000), "at most 100,000 characters", "found", "name a folder"),
    Case("path that is no text", books("@/\udcff.txt"), "books must be UTF-8", r"\udcff.txt'", "change it"),
    Case(
        "book of an unknown home", books("~nobody-here/b.txt"),
        "home that is known", "~nobody", "give the whole path",
    ),
    Case("book that is empty", book(b""), "must hold text", "found none", "name another file"),
    Case("book of white space", book(b" \r\n\t\n"), "must hold text", "found none", "name another file"),
    Case("book in Latin-1", book("Caf\xe9".encode("latin-1")), "UTF-8 text", "byte 0xe9 at offset 3", "convert it"),
    Case(
        "book in UTF-16", book(TEXT.encode("utf-16")),
        "UTF-8 text", "UTF-16 (bytes 0xfffe at offset 0)", "convert it",
    ),
    Case("book in UTF-16 without a mark", book(b"T\0h\0e\0"), "must be text", "NUL byte at offset 1", "convert it"),
    Case("book with a NUL", book(b"PK\3\4 some\0"), "must be text", "NUL byte at offset 9", "name another file"),
    Case("book that is an image", book(b"\x89PNG\r\n"), "UTF-8 text", "byte 0x89 at offset 0", "convert it"),
    Case(
        "book too short", book(b"The ferryman."),
        "long enough for one window of 100", "13 characters", "leave the book",
    ),
    Case("slices too short", setting("slice_length=20"), "one window of 100", "in slices of 20", "raise slice_length"),
    # Settings
    Case("setting without =", setting("top_k"), "name=value", "found 'top_k'", "write it so"),
    Case(
        "setting that is unknown", setting("chunksize=5"),
        "name a parameter", "'chunksize'", "did you mean chunk_size?",
    ),
    Case("setting like no other", setting("zzz=5"), "name a parameter", "found 'zzz'", "known are accelerator, books"),
    Case(
        "place among settings", setting("store=a"),
        "must be given as --store", "found it among the settings", "STORE=...",
    ),
    Case("word for a whole number", setting("top_k=many"), "top_k must be a whole number", "found 'many'", "give one"),
    Case("fraction for a whole number", setting("dpi=2.5"), "dpi must be a whole number", "found '2.5'", "give one"),
    Case(
        "number beyond Kubeflow's", setting(f"top_k={2**53 + 1}"),
        "9,007,199,254,740,992", f"found {2**53 + 1}", "choose a smaller",
    ),
    Case("word for a number", setting("temperature=hot"), "must be a finite number", "found 'hot'", "give one"),
    Case("temperature NaN", setting("temperature=nan"), "must be a finite number", "found 'nan'", "give one"),
    Case("temperature infinite", setting("temperature=inf"), "must be a finite number", "found 'inf'", "give one"),
    Case("temperature too large", setting("temperature=1e999"), "must be a finite number", "'1e999'", "give one"),
    Case("temperature zero", setting("temperature=0"), "from 0.01 to 100", "found 0", "1 is the model's own"),
    Case("temperature negative", setting("temperature=-1"), "from 0.01 to 100", "found -1", "1 is the model's own"),
    Case("chunk_size zero", setting("chunk_size=0"), "chunk_size must be at least 2 tokens", "found 0", "raise it"),
    Case(
        "chunk_size negative", setting("chunk_size=-5"),
        "chunk_size must be at least 2 tokens", "found -5", "raise it",
    ),
    Case("slice_length zero", setting("slice_length=0"), "at least 1 character,", "found 0", "raise it"),
    Case("slice_length negative", setting("slice_length=-1"), "at least 1 character,", "found -1", "raise it"),
    Case("cursor_inc zero", setting("cursor_inc=0"), "cursor_inc must be at least 1", "found 0", "raise it"),
    Case("cursor_inc negative", setting("cursor_inc=-10"), "cursor_inc must be at least 1", "found -10", "raise it"),
    Case("prompt_tokens zero", setting("prompt_tokens=0"), "prompt_tokens must be at least 1", "found 0", "raise it"),
    Case("prompt_tokens negative", setting("prompt_tokens=-1"), "prompt_tokens must be at least 1", "-1", "raise it"),
    Case(
        "prompt that takes all", setting("prompt_tokens=100"),
        "less than chunk_size=100", "found 100", "lower prompt",
    ),
    Case("max_length negative", setting("max_length=-1"), "max_length must be at least 0", "found -1", "raise it"),
    Case("cut that leaves no suffix", setting("max_length=50"), "must leave a suffix", "max_length=50", "more than 50"),
    Case(
        "cut that leaves no suffix after a BOS", setting("max_length=51", "bos=true"),
        "must leave a suffix after the BOS", "max_length=51", "to 0 or to more than 51",
    ),
    Case("batch_size negative", setting("batch_size=-1"), "batch_size must be at least 0", "found -1", "raise it"),
    Case("top_k negative", setting("top_k=-1"), "top_k must be at least 0", "found -1", "raise it"),
    Case("bos unknown", setting("bos=yes"), "bos must be one of auto, true, false", "found 'yes'", "choose one"),
    Case("precision unknown", setting("precision=int8"), "auto, float32, bfloat16, float16", "'int8'", "choose one"),
    Case("accelerator unknown", setting("accelerator=abacus"), "a generation and a topology", "'abacus'", "gpu-8, cpu"),
    Case(
        "topology that there is not", setting("accelerator=v6e-2x2x1"),
        "a generation and a topology", "found 'v6e-2x2x1'", "choose one of v6e-1x1, v6e-2x2, v6e-2x4",
    ),
    Case(
        "accelerator of many hosts", setting("accelerator=v5p-2x2x2"),
        "must have its chips on one host", "8 chips on 2", "choose v5p-2x2x1, and shards=N for N of them",
    ),
    Case("memory without a unit", setting("memory=32"), "memory must be auto or a quantity", "'32'", "as 32Gi"),
    Case("spot that is neither", setting("spot=maybe"), "spot must be true or false", "'maybe'", "give one"),
    Case("coverage unknown", setting("coverage=all"), "coverage must be one of suffix, window", "'all'", "choose one"),
    Case("colormap unknown", setting("colormap=jet"), "colormap must be one of viridis", "found 'jet'", "choose one"),
    Case("figsize in another form", setting("figsize=20,3"), "WIDTHxHEIGHT", "found '20,3'", "write 20x3"),
    Case("figsize without a width", setting("figsize=0x3"), "from 6x2 to 100x100", "found '0x3'", "write 20x3"),
    Case("preset unknown", setting("preset=book"), "preset must be one of none, paper, marin", "'book'", "choose one"),
    Case(
        "preset contradicted", setting("preset=marin", "prompt_tokens=60"),
        "prompt_tokens must be 49 where preset=marin", "found 60", "leave one of the two out",
    ),
    Case("chapters that are no pattern", setting("chapters=(Part"), "a regular expression", "found '(Part'", "mend it"),
    Case("control sample negative", setting("control_sample=-1"), "at least 0 suffixes", "found -1", "raise it"),
    Case("encoding unknown", setting("encoding=utf-9"), "one that Python knows", "found 'utf-9'", "such as utf-8"),
    Case("gutenberg unknown", setting("gutenberg=drop"), "one of keep, cut", "found 'drop'", "choose one of them"),
    Case("on_bad_book unknown", setting("on_bad_book=stop"), "one of fail, skip", "found 'stop'", "choose one of them"),
    Case("unwrap that is neither", setting("unwrap=maybe"), "unwrap must be true or false", "'maybe'", "give one"),
    Case("dpi zero", setting("dpi=0"), "dpi must be at least 10", "found 0", "raise it"),
    Case("picture beyond measure", setting("dpi=9999"), "100,000,000 dots", "20x3 at 9999", "lower dpi"),
    Case("title that is no text", setting("plot_title=\udcff"), "plot_title must be UTF-8", r"'\udcff'", "change it"),
    Case("title that is Kubeflow's", setting("plot_title={{$.a}}"), "must not hold '{{$'", "'{{$.a}}'", "change it"),
    # Model
    Case("model that is missing", run(model="no/such/model"), "must be a folder", "'no/such/model'", "check it"),
    Case(
        "model that the Hub has not", run(model="no/model"),
        "must be a folder, or a repository on the Hub", "no folder 'no/model' and no @hub/no/model", "check it",
    ),
    Case(
        "model that is gated", run(model="org/gated"),
        "needs an account that has accepted its licence", "no token in HF_TOKEN", "accept it at @hub/org/gated and set",
    ),
    Case(
        "model that is gated for others", run(model="org/gated", environment={"HF_TOKEN": "hf_stranger"}),
        "needs an account that has accepted", "a token of another account", "set HF_TOKEN to a token of that account",
    ),
    Case(
        "token that is none", run(model="org/gated", environment={"HF_TOKEN": "hf_none"}),
        "HF_TOKEN must be a valid token", "found one that @hub refuses", "set it anew, or unset it",
    ),
    Case(
        "revision that is unknown", run(model="org/gated@v9"),
        "must have a branch, a tag or a commit", "found no 'v9'", "see @hub/org/gated/commits/main",
    ),
    Case(
        "revision of a folder", run(model=f"{MODEL}@main"),
        "model must name no revision of a folder", "found 'main'", "leave it out",
    ),
    Case("model without a name", run(model=""), "must be a path", "empty text", "give --model one"),
    Case(
        "model in a bucket that is missing", run(model="gs://gone/m", environment=CLOUD),
        "model must be in a bucket that exists", "found no gs://gone", "create it",
    ),
    Case(
        "model missing in its bucket", run(model="gs://shelf/m", environment=CLOUD),
        "gs://shelf/m/config.json must be a JSON file", "found none", "fetch the model again",
    ),
    Case(
        "model in no bucket", run(model="gs://", environment=CLOUD),
        "model must name a bucket", "found 'gs://'", "such as gs://my-bucket",
    ),
    Case("model on another cloud", run(model="s3://b/m"), "must be a folder", "'s3://b/m'", "check it"),
    Case("model that is a file", run(model=str(BOOK)), "must be a folder", BOOK.name, "check it"),
    Case(
        "config.json missing", file("config.json", None),
        "must be a JSON file", "found none", "fetch the model again",
    ),
    Case("config.json cut", file("config.json", b'{"model_'), JSON_CASES, "JSONDecodeError", "fetch the model again"),
    Case("config.json empty", file("config.json", b""), JSON_CASES, "JSONDecodeError", "fetch the model again"),
    Case("config.json binary", file("config.json", b"\xff\0"), JSON_CASES, "UnicodeDecodeError", "fetch the model"),
    Case("config.json bottomless", file("config.json", b"[" * 10**5), JSON_CASES, "RecursionError", "fetch the model"),
    Case("config.json a list", file("config.json", b"[]"), "must be a JSON object", "found a list", "fetch the model"),
    Case("model_type unknown", config(model_type="gpt_j"), "must have a model_type of llama", "'gpt_j'", "choose such"),
    Case(
        "model_type missing", config(model_type=ABSENT),
        "must have a model_type of llama", "found None", "choose such",
    ),
    Case(
        "model_type a list", config(model_type=["llama"]),
        "must have a model_type of llama", "['llama']", "choose such",
    ),
    Case(
        "weights quantised", config(quantization_config={"bits": 4}),
        "plain weights", "quantization_config", "original",
    ),
    Case("field missing", config(hidden_size=ABSENT), "must have 'hidden_size'", "found none", "the file is broken"),
    Case("field negative", config(num_hidden_layers=-3), "a positive num_hidden_layers", "found -3", "file is broken"),
    Case("field zero", config(vocab_size=0), "a positive vocab_size", "found 0", "the file is broken"),
    Case("field a text", config(vocab_size="1024"), "a whole number as 'vocab_size'", "found '1024'", "file is broken"),
    Case("field infinite", config(rope_theta=10**400), "a positive rope_theta", "found 1000", "the file is broken"),
    Case("heads that do not divide", config(num_attention_heads=5), "a multiple of kv heads", "5 and 2", "is broken"),
    Case("head_dim odd", config(head_dim=31), "an even head_dim", "found 31", "the file is broken"),
    Case(
        "layers without end", config(num_hidden_layers=10**12),
        "1,000,000,000,000 layers", "found 29", "fetch the model",
    ),
    Case(
        "activation unknown", config(hidden_act="xielu"),
        "a hidden_act of silu", "found 'xielu'", "cannot be computed here",
    ),
    Case(
        "rope unknown", config(rope_scaling={"type": "spiral"}),
        "default, linear, dynamic, llama3", "'spiral'", "be computed here",
    ),
    Case("rope a list", config(rope_scaling=[8]), "must have an object as", "found [8]", "the file is broken"),
    Case(
        "llama3 rope without a slope", config(rope_scaling=LLAMA3 | {"low_freq_factor": 4, "high_freq_factor": 4}),
        "low_freq_factor below high_freq_factor", "found 4.0 and 4.0", "the file is broken",
    ),
    Case(
        "weights missing", file(WEIGHTS, None),
        f"must hold {WEIGHTS}", "found none", "fetch the model as safetensors",
    ),
    Case("weights pickled", model(only_pickle), f"must hold {WEIGHTS}", "pickle and can run code", "convert or fetch"),
    Case(
        "weights cut", file(WEIGHTS, (MODEL / WEIGHTS).read_bytes()[:-1]),
        "must be a whole safetensors file", "found damage", "fetch the model again",
    ),
    Case("weights garbage", file(WEIGHTS, b"\x89" * 999), "whole safetensors file", "found damage", "fetch the model"),
    Case("weights empty", file(WEIGHTS, b""), "whole safetensors file", "found damage", "fetch the model again"),
    Case("index cut", file(INDEX, b'{"weight_map": {'), JSON_CASES, "JSONDecodeError", "fetch the model again"),
    Case("index without a map", index({}), "must have a weight_map", "found none", "fetch the model again"),
    Case(
        "index of a missing file", index({"weight_map": WHOLE_MAP | {NORM: "gone.safetensors"}}),
        "must hold gone.safetensors, which", "found none", "fetch the model again",
    ),
    Case(
        "index of too little", index({"weight_map": {NORM: WEIGHTS}}),
        "must hold the tensors of 3 layers", "found 1 in all", "fetch the model again",
    ),
    Case(
        "tensor missing", tensor(NORM, lambda _: None),
        "29 tensors", f"found 28; missing is {NORM}", "fetch the model",
    ),
    Case(
        "tensor of another shape", tensor(NORM, lambda values: values[:-1].copy()),
        f"must hold {NORM} as [192]", "found [191] in F32", "config.json is of another model",
    ),
    Case(
        "tensor of int32", tensor(NORM, lambda values: values.astype(np.int32)),
        "in one of F32, F16, BF16", "found [192] in I32", "config.json is of another model",
    ),
    Case(
        "tensor of int64", tensor(NORM, lambda values: values.astype(np.int64)),
        "in one of F32, F16, BF16", "found [192] in I64", "config.json is of another model",
    ),
    # Tokenizer
    Case(
        "tokenizer missing", file("tokenizer.json", None),
        "must hold tokenizer.json", "found none", "fetch or convert",
    ),
    Case("tokenizer without offsets", model(only_sentencepiece), "gives character offsets", "found none", "convert it"),
    Case("tokenizer cut", file("tokenizer.json", b'{"version'), "must be a tokenizer that can be read", "EOF", "fetch"),
    Case(
        "tokenizer_config cut", file("tokenizer_config.json", b"{"),
        "tokenizer_config.json must be settings that can be read", "found: ", "fetch the model again",
    ),
    Case(
        "tokenizer without some words", tokenizer(words_without_unknown),
        "must encode any text", "found: WordLevel error", "fetch the model again",
    ),
    Case(
        "tokenizer larger than the model",
        tensor("model.embed_tokens.weight", lambda values: values[:700].copy(), vocab_size=700),
        "stay below vocab_size=700", "found id", "fetch both from one place",
    ),
    Case(
        "BOS beyond the model", tokenizer(far_token, "bos=true", bos="<far>"),
        "stay below vocab_size=1,024", "found id 1,024", "fetch both from one place",
    ),
    Case(
        "BOS that there is none of", tokenizer_config("bos=true", bos_token=ABSENT),
        "bos=true needs a tokenizer with a bos_token", "found none", "use bos=false",
    ),
    Case(
        "window beyond the model's positions", setting("chunk_size=600"),
        "512 positions", "found 599 fed", "lower chunk_size or set max_length",
    ),
    Case(
        "BOS beyond the model's positions", setting("chunk_size=513", "bos=true"),
        "512 positions", "found 513 fed", "lower chunk_size or set max_length",
    ),
    # Places
    Case("out that is a file", place(out=str(BOOK)), "out must be a folder", "File exists", "choose another"),
    Case("out below a file", place(out=f"{BOOK}/out"), "out must be a folder", "Not a directory", "choose another"),
    Case("out without a name", place(out=""), "out must be a path", "found an empty text", "give --out one"),
    Case(
        "out in a bucket", place(out="gs://bucket/out"),
        "out must be a local folder", "gs://bucket/out", "choose one",
    ),
    Case("out that cannot be made", place(out="/proc/out"), "out must be a folder", "/proc/out", "choose another"),
    Case("log on a full disk", place(full_log), "out must be a folder", "No space left on device", "make room"),
    Case(
        "log that is a folder", place(in_the_way("log.txt", is_folder=True)),
        "out must be a folder that can be written", "Is a directory", "choose another",
    ),
    Case(
        "file where a book's results will be", place(in_the_way("book")),
        "must have room for a folder", "found a file there", "move it or choose another out",
    ),
    Case(
        "folder where a file will be", place(in_the_way("provenance.json", is_folder=True)),
        "must have room for a file", "found a folder there", "move it or choose another out",
    ),
    Case("out on a full disk", disk("out", fill=True), "out must be a folder", "No space left on device", "make room"),
    Case(
        "out on a disk to read", disk("out", options="ro"),
        "out must be a folder", "Read-only file", "choose another",
    ),
    Case("store that is a file", place(store=str(BOOK)), "store must be a folder", "File exists", "choose another"),
    Case("store below a file", place(store=f"{BOOK}/s"), "store must be a folder", "Not a directory", "choose another"),
    Case("store without a name", place(store=""), "store must be a path", "found an empty text", "give --store one"),
    Case("store on another cloud", place(store="s3://bucket/s"), "gs://bucket/prefix", "'s3://bucket/s'", "give one"),
    Case("store in no bucket", place(store="gs://"), "must name a bucket", "found 'gs://'", "such as gs://my-bucket"),
    Case(
        "store whose account is not found",
        run(store="gs://bucket/s", environment={"GOOGLE_APPLICATION_CREDENTIALS": "/nonexistent.json"}),
        "cannot write gs://bucket/s", "no valid credentials", "gcloud auth application-default login",
    ),
    Case("force that is neither", setting("force=perhaps"), "force must be true or false", "'perhaps'", "give one"),
    Case("store on a full disk", disk("store", fill=True), "store must be a folder", "No space left", "make room"),
    Case("store on a disk to read", disk("store", options="ro"), "store must be a folder", "Read-only", "permit it"),
    Case("store too small", disk("store"), "bytes free for the scores to come", "found 5", "make room or choose"),
    Case(
        "temporary files on a full disk", disk("temporary", options="size=16k"),
        "cannot write or read", "No space left on device", "make room or choose another",
    ),
    # Pipeline
    Case("pipeline missing", run(pipeline="no.yaml"), "a compiled pipeline", "No such file", "make compile"),
    Case("pipeline of a text", run(pipeline=str(BOOK)), "compiled pipeline", "another file", "make compile"),
]  # fmt: skip


def held(folder: Path) -> dict[Path, bytes]:
    """What the files of a folder hold, but for the log, which is written anew."""
    files = [path for path in folder.rglob("*") if path.is_file() and os.access(path, os.R_OK)]
    return {path: path.read_bytes() for path in files if path.name != "log.txt"}


class Outcome(NamedTuple):
    """How a run ended."""

    code: int
    said: str
    errors: str
    folder: Path
    lost: list[Path]
    """What was there before, and is gone or changed."""


def attempt(case: Case, pipeline: Path, folder: Path, servers: Mapping[str, str]) -> Outcome:
    """The case's run, to its end; the Hub is never the real one."""
    (folder / "good").mkdir()
    (folder / "good" / "book.txt").write_text(TEXT, encoding="utf-8")
    made = case.make(folder)
    before = held(folder)
    options = [
        "--controls",
        *made.controls,
        "--model",
        made.model,
        "--store",
        made.store,
        "--out",
        made.out,
        "--set",
        *made.settings,
    ]
    command = [
        sys.executable,
        "-m",
        "byheart.launch",
        "run",
        made.pipeline or str(pipeline),
        "--books",
        *made.books,
        *options,
    ]
    done = subprocess.run(
        [*made.inside, *(re.sub("^@", str(folder), word) for word in command)],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
        env={
            **{name: value for name, value in os.environ.items() if name != "HF_TOKEN"},
            "HF_ENDPOINT": servers["@hub"],
            "HF_HOME": str(folder / "hf"),
            "HF_HUB_DISABLE_IMPLICIT_TOKEN": "0",
            **{name: servers.get(value, value) for name, value in made.environment.items()},
        },
        timeout=60,
    )
    after = held(folder)
    lost = [path for path, content in before.items() if after.get(path) != content]
    return Outcome(done.returncode, done.stdout, done.stderr.replace(servers["@hub"], "@hub"), folder, lost)


@pytest.fixture(scope="module")
def outcomes(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, Future[Outcome]]]:
    """How the chosen cases end, by name; they run on all cores, for each spends most of its time on imports."""
    folder = tmp_path_factory.mktemp("compiled")
    launch_command(folder)
    with HubServer() as hub, GcsServer() as cloud, ThreadPoolExecutor(os.cpu_count()) as pool:
        hub.add_folder("org/gated", MODEL, gated=True)
        hub.add_token("hf_stranger")
        cloud.storage.create_bucket("shelf")
        servers = {"@hub": hub.endpoint, "@cloud": cloud.address}
        items = (item for item in request.session.items if isinstance(item, pytest.Function))
        chosen = [cast(Case, item.callspec.params["case"]) for item in items if "outcomes" in item.fixturenames]
        yield {
            case.what: pool.submit(attempt, case, folder / "pipeline.yaml", tmp_path_factory.mktemp("case"), servers)
            for case in chosen
        }
        pool.shutdown(cancel_futures=True)


@pytest.mark.parametrize("case", CASES, ids=[case.what.replace(" ", "-") for case in CASES])
def test_bad_input_ends_in_one_message(case: Case, outcomes: dict[str, Future[Outcome]]) -> None:
    outcome = outcomes[case.what].result()
    assert outcome.code == 1, outcome.said + outcome.errors
    [message] = outcome.errors.splitlines()
    print(message)
    assert re.match(f"error: .*{'.*'.join(map(re.escape, (case.needed, case.found, case.remedy)))}", message)
    assert "fault of this program" not in message
    assert not re.search("^ *extract ", outcome.said, re.MULTILINE)
    assert not list(outcome.folder.rglob("part-*"))
    assert not outcome.lost


NAMES = {
    "log.txt.txt": "log-txt",
    "provenance.json.txt": "provenance-json",
    "summary.csv.txt": "summary-csv",
    f"{'long' * 60}.txt": "long" * 30,
    f"{'long' * 60}er.txt": f"{'long' * 30}-2",
    "same.txt": "same",
    "SAME.TXT": "SAME-2",
}


def test_books_of_awkward_names_are_measured_side_by_side(tmp_path: Path) -> None:
    (tmp_path / "books").mkdir()
    for name in NAMES:
        (tmp_path / "books" / name).write_text(TEXT[:900], encoding="utf-8")
    done = launch(tmp_path, "cursor_inc=100", "dpi=20", books=str(tmp_path / "books"))
    assert done.returncode == 0, done.stderr
    assert "7 books" in done.stdout
    folders = [path.name for path in (tmp_path / "out").iterdir() if path.is_dir()]
    assert len(folders) == len({name.lower() for name in folders}) == len(NAMES)
    assert {name.lower() for name in folders} == {name.lower() for name in NAMES.values()}
    assert {path.name for path in (tmp_path / "out").iterdir() if path.is_file()} == {
        "log.txt", "methods.md", "provenance.json", "summary.csv", "summary.html", "summary.json", "summary.md",
    }  # fmt: skip


def test_result_that_finds_no_place_is_named_and_the_scores_are_kept(tmp_path: Path) -> None:
    (tmp_path / "book.txt").write_text(TEXT[:900], encoding="utf-8")
    in_the_way("book/heat_map.png", is_folder=True)(tmp_path)
    done = launch(tmp_path, "cursor_inc=100", "dpi=20", books=str(tmp_path / "book.txt"))
    assert done.returncode == 1
    [message] = done.stderr.splitlines()
    assert re.match(r"error: byheart: out must take the results, found: .*heat_map\.png.*: make room and run", message)
    assert list((tmp_path / "store").rglob("part-00000.parquet"))
