"""Whatever is wrong with the input, a run ends in one line that says what was needed, what was found and what to do.

Through the command line, as a person starts it. Nothing is scored, no weight is loaded, and nothing that was there is
changed. In each table the message stands beside what is wrong; `…` is for what it says between.
"""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple, cast

import numpy as np
import pytest
from safetensors.numpy import load_file

from tests.conftest import BOOK, MODEL, ROOT, launch
from tests.gcs import GcsServer
from tests.hub import HubServer
from tests.runs.attempts import (
    ABSENT,
    SHARD,
    TEXT,
    WEIGHTS,
    Make,
    block_path,
    book,
    change_json,
    disk,
    file,
    index,
    model,
    raise_bos,
    run,
    tensor,
    unreadable_book,
    words_without_unknown,
)

NORM, EMBED = "model.norm.weight", "model.embed_tokens.weight"
WHOLE = dict.fromkeys(load_file(MODEL / WEIGHTS), SHARD)
LLAMA3 = {"rope_type": "llama3", "factor": 8.0, "original_max_position_embeddings": 64}
CLOUD = {"STORAGE_EMULATOR_HOST": "@cloud"}
NOBODY = {"GOOGLE_APPLICATION_CREDENTIALS": "/nonexistent.json"}


def make_index(weight_map: dict[str, str]) -> bytes:
    return json.dumps({"weight_map": weight_map}).encode()


class Case(NamedTuple):
    """A run that must be refused, and the message."""

    what: str
    make: Make
    said: str


SETTINGS = {
    "slice_length=20": "one window of 100 … in slices of 20 … raise slice_length",
    "top_k": "name=value … found 'top_k' … write it so",
    "chunksize=5": "name a parameter … 'chunksize' … did you mean chunk_size?",
    "zzz=5": "name a parameter … found 'zzz' … known are accelerator, books",
    "store=a": "must be given as --store … found it among the settings … give it there",
    "top_k=many": "top_k must be a whole number … found 'many' … give one",
    f"top_k={2**53 + 1}": f"9,007,199,254,740,992 … found {2**53 + 1} … choose a smaller",
    "temperature=1e999": "must be a finite number … '1e999' … give one",
    "temperature=0": "from 0.01 to 100 … found 0 … 1 is the model's own",
    "cursor_inc=0": "cursor_inc must be at least 1 … found 0 … raise it",
    "max_length=51 bos=true": "must leave a suffix after the BOS … max_length=51 … to 0 or to more than 51",
    "only=three": "only must name chapters, as 3,5-7, or characters … found 'three' … write it so",
    "only=3": "must have chapter 3, which only=3 asks for, found that the book has no chapters … set chapters",
    "only=3000:4000": "must reach character 3,000 … found that the book has 3,000 characters … choose a range inside",
    "only=:60": "whose suffix lies in the 60 characters that only=:60 asks for, found none … ask for more",
    "windows=-1": "windows must be at least 0 windows (0 is all), found -1 … raise it",
    "bos=maybe": "bos must be one of auto, true, false … found 'maybe' … choose one",
    "accelerator=abacus": "a generation and a topology … 'abacus' … gpu-8, cpu",
    "accelerator=v6e-2x2x1":
        "a generation and a topology … found 'v6e-2x2x1' … choose one of v6e-1x1, v6e-2x2, v6e-2x4",
    "accelerator=v5p-2x2x2":
        "must have its chips on one host … 8 chips on 2 … choose v5p-2x2x1, and shards=N for N of them",
    "spot=maybe": "spot must be true or false … 'maybe' … give one",
    "figsize=0x3": "from 6x2 to 100x100 … found '0x3' … choose such a size",
    "mesh_shape=(1;8)": "mesh_shape must be auto or DATAxMODEL … found '(1;8)' … write 1x8",
    "cursor_inc=10,000": "cursor_inc must be a whole number … found '10,000' … write 10000",
    "stride=5": "name a parameter … 'stride' … did you mean cursor_inc?",
    "preset=book": "preset must be one of none, paper, marin … 'book' … choose one",
    "preset=marin prompt_tokens=60":
        "prompt_tokens must be 49 where preset=marin … found 60 … leave one of the two out",
    "chapters=(Part": "a regular expression … found '(Part' … mend it",
    "dpi=9999": "100,000,000 dots … auto at 9999 … lower dpi",
    "plot_title=\udcff": "plot_title must be UTF-8 … '\\udcff' … change it",
    "plot_title={{$.a}}": "must not hold '{{$' … '{{$.a}}' … change it",
    "chunk_size=600": "512 positions … found 599 fed … lower chunk_size or set max_length",
    "chunk_size=513 bos=true": "512 positions … found 513 fed … lower chunk_size or set max_length",
}  # fmt: skip

BOOKS = {
    "@/no.txt": "must name files that exist … no.txt … check the path",
    "": "must be a path … found an empty text … give one",
    "@": "at least one .txt file … found none … name the book's file",
    f"{BOOK}/x.txt": "must be a readable file … Not a directory … name another",
    "/dev/zero": "/dev/zero must be a file … a pipe or a device … save the text",
    "gs://": "books must name a bucket … found gs:// … such as gs://my-bucket",
    "http://a.org/b.txt": "or https:// … http://a.org/b.txt … write https://",
    "s3://b/b.txt": "at gs:// or https:// … s3://b/b.txt … copy it",
    "@/*.txt": "must match at least one file … found none … name the book",
    "x" * 300: "must name files … found 300 characters … save a text as a file and name that",
    "@/\udcff.txt": "books must be UTF-8 … \\udcff.txt' … change it",
    "~nobody-here/b.txt": "home that is known … ~nobody … give the whole path",
}  # fmt: skip

TEXTS = {
    b"": "must hold text … found none … name another file",
    b" \r\n\t\n": "must hold text … found none … name another file",
    "Caf\xe9".encode("latin-1"): "UTF-8 text … byte 0xe9 at offset 3 … convert it",
    TEXT.encode("utf-16"): "UTF-8 text … UTF-16 (bytes 0xfffe at offset 0) … convert it",
    b"T\0h\0e\0": "must be text … NUL byte at offset 1 … convert it",
    b"Some text\0": "must be text … NUL byte at offset 9 … name another file",
    b"PK\3\4 some\0": "must be plain text, found a ZIP archive … unzip -l FILE",
    b"\x89PNG\r\n": "must be plain text, found a picture … a program for OCR",
    b"<!DOCTYPE html><p>The ferryman.": "must be plain text, found a web page (HTML) … pandoc -f html",
    b"The ferryman.": "long enough for one window of 100 … 13 characters … leave the book",
}  # fmt: skip
"""What a book holds."""

MODELS = {
    "no/such/model": "must be a folder … 'no/such/model' … check it",
    "no/model": "must be a folder, or a repository on the Hub … no folder 'no/model' and no @hub/no/model … check it",
    "org/gated":
        "needs an account that has accepted its licence … no token in HF_TOKEN … accept it at @hub/org/gated and set",
    "org/gated@v9": "must have a branch, a tag or a commit … found no 'v9' … see @hub/org/gated/commits/main",
    f"{MODEL}@main": "model must name no revision of a folder … found 'main' … leave it out",
    "": "must be a path … found an empty text … give one",
    "s3://b/m": "must be a folder … 's3://b/m' … check it",
    str(BOOK): f"must be a folder … {BOOK.name} … name its folder",
}  # fmt: skip

FILES = {
    ("config.json", None): f"must be a folder with config.json … but {WEIGHTS} … name the folder that has it",
    ("config.json", b'{"model_'): "must be a readable JSON file … JSONDecodeError … fetch the model again",
    ("config.json", b"[" * 10**5): "must be a readable JSON file … RecursionError … fetch the model",
    ("config.json", b"[]"): "must be a JSON object … found a list … fetch the model",
    (WEIGHTS, None): f"must hold {WEIGHTS} … found none … bring the weights beside config.json",
    (WEIGHTS, (MODEL / WEIGHTS).read_bytes()[:-1]):
        "must be a whole safetensors file … found damage … fetch the model again",
    ("tokenizer.json", None): "must hold tokenizer.json … found none … fetch or convert",
    ("tokenizer.json", b'{"version'): "must be a tokenizer that can be read … EOF … fetch",
    ("tokenizer_config.json", b"{"):
        "tokenizer_config.json must be a readable JSON file … JSONDecodeError … fetch the model again",
}  # fmt: skip
"""A file of the model, what it holds, or that it is gone."""

CONFIGS: list[tuple[dict[str, Any], str]] = [
    ({"model_type": "gpt_j"}, "must have a model_type of llama … 'gpt_j' … choose such"),
    ({"model_type": ABSENT}, "must have a model_type of llama … found None … choose such"),
    ({"model_type": ["llama"]}, "must have a model_type of llama … ['llama'] … choose such"),
    ({"quantization_config": {"bits": 4}}, "plain weights … quantization_config … name the model that was quantised"),
    ({"hidden_size": ABSENT}, "must have 'hidden_size' … found none … the file is broken"),
    ({"num_hidden_layers": -3}, "a positive num_hidden_layers … found -3 … file is broken"),
    ({"vocab_size": 0}, "a positive vocab_size … found 0 … the file is broken"),
    ({"vocab_size": "1024"}, "a whole number as 'vocab_size' … found '1024' … file is broken"),
    ({"rope_theta": 10**400}, "a positive rope_theta … found a number of 1,329 bits … the file is broken"),
    ({"num_attention_heads": 5}, "a multiple of kv heads … 5 and 2 … is broken"),
    ({"head_dim": 31}, "an even head_dim … found 31 … the file is broken"),
    ({"num_hidden_layers": 10**12}, "num_hidden_layers of at most 10,000 … found 1000000000000 … choose another"),
    ({"hidden_act": "xielu"}, "a hidden_act of silu … found 'xielu' … cannot be computed here"),
    ({"rope_scaling": {"type": "spiral"}}, "default, linear, dynamic, llama3 … 'spiral' … be computed here"),
    ({"rope_scaling": [8]}, "must have an object as … found [8] … the file is broken"),
    ({"rope_scaling": LLAMA3 | {"low_freq_factor": 8, "high_freq_factor": 4}},
     "low_freq_factor of at most high_freq_factor … found 8.0 and 4.0 … the file is broken"),
]  # fmt: skip
"""Fields of config.json."""

PLACES: dict[tuple[str, Any], str] = {
    ("out", str(BOOK)): "out must be a folder … File exists … choose another",
    ("out", f"{BOOK}/out"): "out must be a folder … Not a directory … choose another",
    ("out", ""): "out must be a path … found an empty text … give one",
    ("out", "gs://bucket/out"): "out must be a local folder … gs://bucket/out … choose one",
    ("out", "/proc/out"): "out must be a folder … /proc/out … choose another",
    ("store", str(BOOK)): "store must be a folder … Not a directory … choose another",
    ("store", f"{BOOK}/s"): "store must be a folder … Not a directory … choose another",
    ("store", ""): "store must be a path, found an empty text: give one … leave --store out",
    ("store", "s3://bucket/s"): "gs://bucket/prefix … 's3://bucket/s' … give one",
    ("store", "gs://"): "must name a bucket … found 'gs://' … such as gs://my-bucket",
}  # fmt: skip
"""Where results or scores are to be."""

OTHERS = [
    Case("more books than fit", run(books=("@/a-book",) * 9_000), "at most 100,000 characters … found … name a folder"),
    Case("both books missing", run(books=("@/a.txt", "@/b.txt")),
         "leave one to measure … found 2 that … check the path"),
    Case("book of a pipe", run(lambda folder: os.mkfifo(folder / "pipe"), books=("@/pipe",)),
         "must be a file … a pipe or a device … save the text"),
    Case("book that may not be read", unreadable_book, "must be a readable file … Permission denied … permit it"),
    Case("book in a bucket without an account", run(books=("gs://bucket/b.txt",), environment=NOBODY),
         "cannot list gs://bucket/b.txt … no valid credentials … gcloud auth application-default login"),
    Case("model that is gated for others", run(model="org/gated", environment={"HF_TOKEN": "hf_stranger"}),
         "needs an account that has accepted … a token of another account … set one of the two to a token of that"),
    Case("token that is none", run(model="org/gated", environment={"HF_TOKEN": "hf_none"}),
         "HF_TOKEN or the secret hf-token must be a valid token … found one that @hub refuses … set it anew"),
    Case("model in a bucket that is missing", run(model="gs://gone/m", environment=CLOUD),
         "model must be in a bucket that exists … found no gs://gone … create it"),
    Case("model missing in its bucket", run(model="gs://shelf/m", environment=CLOUD),
         "must be a folder with config.json … found nothing at gs://shelf/m … check the address"),
    Case("model in no bucket", run(model="gs://", environment=CLOUD),
         "model must name a bucket … found 'gs://' … such as gs://my-bucket"),
    Case("weights pickled", model(lambda copy: (copy / WEIGHTS).rename(copy / "pytorch_model.bin")),
         f"must hold {WEIGHTS} … pickle and can run code … convert or fetch"),
    Case("index cut off", index(b'{"weight_map": {'),
         "must be a readable JSON file … JSONDecodeError … fetch the model again"),
    Case("index without a map", index(b"{}"), "must have a weight_map … found none … fetch the model again"),
    Case("index of a missing file", index(make_index(WHOLE | {NORM: "gone.safetensors"})),
         "must hold gone.safetensors, which … found none … fetch the model again"),
    Case("index of too little", index(make_index({NORM: SHARD})),
         "must hold at least 3 tensors … found 1 in all … not all weights were saved"),
    Case("tensor missing", tensor(NORM, lambda _: None),
         f"29 tensors … found 28; missing is {NORM} … not all weights were saved"),
    Case("tensor of another shape", tensor(NORM, lambda values: values[:-1].copy()),
         f"must hold {NORM} as [192] … found [191] … config.json is of another model"),
    Case("tensor of int32", tensor(NORM, lambda values: values.astype(np.int32)),
         "in one of F64, F32, F16, BF16 … found I32, as quantised weights are … name the model that it was made of"),
    Case("tokenizer without offsets", model(lambda copy: (copy / "tokenizer.json").rename(copy / "tokenizer.model")),
         "gives character offsets … found none … convert it"),
    Case("tokenizer without some words", model(change_json("tokenizer.json", words_without_unknown)),
         "must encode any text … found: WordLevel error … fetch the model again"),
    Case("tokenizer larger than the model", tensor(EMBED, lambda values: values[:700].copy(), vocab_size=700),
         "stay below vocab_size=700 … found id … fetch both from one place"),
    Case("BOS beyond the model", model(raise_bos, "bos=true"),
         "stay below vocab_size=1,024 … found id 1,024 … fetch both from one place"),
    Case("BOS that there is none of", model(change_json("tokenizer_config.json", bos_token=ABSENT), "bos=true"),
         "bos=true needs a tokenizer with a bos_token … found none … use bos=false"),
    Case("file of the user's own where the log will be", run(block_path("log.txt")),
         "must have room for a file … found one that no run left there … move it or choose another out"),
    Case("folder of the user's own where a failed run will be", run(block_path("failed/letters.txt")),
         "must have room for a folder of byheart's own … found another thing there … move it or choose another out"),
    Case("file where a book's results will be", run(block_path("book")),
         "must have room for a folder … found a file there … move it or choose another out"),
    Case("folder where a file will be", run(block_path("provenance.json", is_folder=True)),
         "must have room for a file … found a folder there … move it or choose another out"),
    Case("out on a full disk", disk("out", fill=True), "out must be a folder … No space left on device … make room"),
    Case("out on a disk to read", disk("out", options="ro"), "out must be a folder … Read-only file … choose another"),
    Case("store whose account is not found", run(store="gs://bucket/s", environment=NOBODY),
         "cannot write gs://bucket/s … no valid credentials … gcloud auth application-default login"),
    Case("store on a full disk", disk("store", fill=True), "store must be a folder … No space left … make room"),
    Case("store on a disk to read", disk("store", options="ro"), "store must be a folder … Read-only … permit it"),
    Case("store too small", disk("store"), "bytes free for the scores to come … found 5 … make room or choose"),
    Case("temporary files on a full disk", disk("temporary", options="size=16k"),
         "cannot write or read … No space left on device … make room or choose another"),
]  # fmt: skip

TABLES = [
    [Case(text, run(settings=tuple(text.split())), said) for text, said in SETTINGS.items()],
    [Case(f"book {path[:30]}", run(books=(path,)), said) for path, said in BOOKS.items()],
    [Case(f"book {data[:20]!r}", book(data), said) for data, said in TEXTS.items()],
    [Case(f"model {place[-30:]}", run(model=place), said) for place, said in MODELS.items()],
    [Case(f"{name} {content!r:.20}", file(name, content), said) for (name, content), said in FILES.items()],
    [Case(f"{fields!r:.50}", model(change_json("config.json", **fields)), said) for fields, said in CONFIGS],
    [Case(f"{option} {place[-30:]}", run(**{option: place}), said) for (option, place), said in PLACES.items()],
    OTHERS,
]
EVERY = 3
"""Of each table, every third case is tried for each change; the others, which are like them, are nightly."""
CASES = [
    pytest.param(case, id=ascii(case.what).strip("'"), marks=[pytest.mark.nightly] if number % EVERY else [])
    for table in TABLES
    for number, case in enumerate(table)
]


def read_files(folder: Path) -> dict[Path, bytes]:
    """What the files of a folder hold."""
    files = [path for path in folder.rglob("*") if path.is_file() and os.access(path, os.R_OK)]
    return {path: path.read_bytes() for path in files}


class Outcome(NamedTuple):
    """How a run ended."""

    code: int
    said: str
    errors: str
    folder: Path
    lost: list[Path]
    """What was there before, and is gone or changed."""


def attempt(case: Case, folder: Path, servers: Mapping[str, str]) -> Outcome:
    """The case's run, to its end; the Hub is never the real one."""
    (folder / "good").mkdir()
    (folder / "good" / "book.txt").write_text(TEXT, encoding="utf-8")
    made = case.make(folder)
    before = read_files(folder)
    places = ["--model", made.model, "--store", made.store, "--out", made.out]
    controls = [word for control in made.controls for word in ("--control", control)]
    command = [sys.executable, "-m", "byheart", "run", *made.books, *made.settings, *controls, *places]
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
        timeout=300,
    )
    after = read_files(folder)
    lost = [path for path, content in before.items() if after.get(path) != content]
    return Outcome(done.returncode, done.stdout, done.stderr.replace(servers["@hub"], "@hub"), folder, lost)


@pytest.fixture(scope="module")
def outcomes(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, Future[Outcome]]]:
    """How the chosen cases end, by name; they run on all cores, for each spends most of its time on imports."""
    with HubServer() as hub, GcsServer() as cloud, ThreadPoolExecutor(os.cpu_count()) as pool:
        hub.add_folder("org/gated", MODEL, gated=True)
        hub.add_token("hf_stranger")
        cloud.storage.create_bucket("shelf")
        servers = {"@hub": hub.endpoint, "@cloud": cloud.address}
        items = (item for item in request.session.items if isinstance(item, pytest.Function))
        chosen = [cast(Case, item.callspec.params["case"]) for item in items if "outcomes" in item.fixturenames]
        yield {case.what: pool.submit(attempt, case, tmp_path_factory.mktemp("case"), servers) for case in chosen}
        pool.shutdown(cancel_futures=True)


@pytest.mark.parametrize("case", CASES)
def test_bad_input_ends_in_one_message(case: Case, outcomes: dict[str, Future[Outcome]]) -> None:
    outcome = outcomes[case.what].result()
    assert outcome.code == 1, outcome.said + outcome.errors
    [message] = outcome.errors.splitlines()
    print(message)
    assert re.match(f"error: .*{'.*'.join(map(re.escape, case.said.split(' … ')))}", message)
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
    "FAILED.txt": "FAILED-2",
    "same.txt": "same",
    "SAME.TXT": "SAME-2",
}


def test_books_of_awkward_names_are_measured_side_by_side(tmp_path: Path) -> None:
    (tmp_path / "books").mkdir()
    for name in NAMES:
        (tmp_path / "books" / name).write_text(TEXT[:900], encoding="utf-8")
    done = launch(tmp_path, "cursor_inc=100", "dpi=20", books=str(tmp_path / "books"))
    assert done.returncode == 0, done.stderr
    assert "8 books" in done.stdout
    folders = [path.name for path in (tmp_path / "out").iterdir() if path.is_dir()]
    assert len(folders) == len({name.lower() for name in folders}) == len(NAMES)
    assert {name.lower() for name in folders} == {name.lower() for name in NAMES.values()}
    assert {path.name for path in (tmp_path / "out").iterdir() if path.is_file()} == {
        ".lock", "log.txt", "methods.md", "provenance.json", "run.yaml", "SHA256SUMS", "summary.csv", "report.html",
        "summary.json", "summary.md", "tokens.parquet",
    }  # fmt: skip


def test_result_that_finds_no_place_is_named_and_the_scores_are_kept(tmp_path: Path) -> None:
    (tmp_path / "book.txt").write_text(TEXT[:900], encoding="utf-8")
    block_path("book/heat_map.png")(tmp_path)
    done = launch(tmp_path, "cursor_inc=100", "dpi=20", books=str(tmp_path / "book.txt"))
    assert done.returncode == 1
    [message] = done.stderr.splitlines()
    assert re.match(r"error: out must have room for a file .*/book/heat_map\.png, found one that no run", message)
    assert (tmp_path / "out" / "book" / "heat_map.png").read_text() == "mine"
    assert (tmp_path / "out" / "failed" / "book" / "heat_map.png").exists(), "what there is of the run is kept"
    assert list((tmp_path / "store").rglob("part-00000.parquet"))
