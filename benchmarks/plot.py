"""The time and the memory that `plot` takes for a synthetic book of a million characters.

    python -m benchmarks.plot [CHARACTERS]

Text, tokens and scores are random: windows of 100 tokens every 10 characters, with all columns that `extract` writes.
The limits are 20 seconds and 1 GB, on a machine that does nothing else.
"""

import json
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict
from pathlib import Path

import numpy as np

from byheart.contracts.books import Book, Chapter, write_books
from byheart.contracts.model import Model, write_model
from byheart.contracts.only import Span
from byheart.contracts.pieces import write_pieces
from byheart.contracts.plan import Plan, write_plan
from byheart.contracts.selection import select_windows
from byheart.contracts.settings import Settings
from byheart.contracts.window_files import write_windows
from byheart.contracts.windows import Tokenization, Windows
from byheart.measures.provenance import Code, ComputedOn
from byheart.pipeline import DEFAULTS
from byheart.scores.kinds import SCORES
from byheart.scores.parts import Rows, list_parts
from byheart.scores.scores import Scores
from byheart.scores.store import Reuse, ScoreStore
from byheart.store import open_store

SECONDS, GIGABYTES = 20, 1.0
PROMPT = SUFFIX = 50
STRIDE = 10
_TOKENS = 128_000
"""In the vocabulary."""
_COMPUTED_ON = ComputedOn(
    device="none", devices=1, layout="1x1", precision="float32", batch_size=1, jax="none",
    code=Code(version="none", commit=None),
)  # fmt: skip
RUN = "import json, sys; from byheart.components.plot.run import run; run(**json.loads(sys.argv[1]))"


def main(characters: int = 1_000_000) -> int:
    """Make the book, plot it in another process, print time and memory, and return 1 if one is over its limit."""
    with tempfile.TemporaryDirectory(prefix="byheart-") as folder:
        inputs = make(Path(folder), characters)
        started = time.monotonic()
        command = [sys.executable, "-c", RUN, json.dumps(inputs)]
        subprocess.run(command, check=True)
        seconds = time.monotonic() - started
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        gigabytes = used.ru_maxrss * 1024 / 1e9
        print(f"{characters:,} characters, a window every {STRIDE}")
        print(f"{seconds:6.1f} s   of at most {SECONDS} s")
        print(f"{used.ru_utime + used.ru_stime:6.1f} s   of processors")
        print(f"{gigabytes:6.2f} GB  of at most {GIGABYTES} GB")
        for path in sorted(Path(inputs["results"]).rglob("*.*")):
            print(f"  {path.stat().st_size:12,} bytes  {path.name}")
    return int(seconds > SECONDS or gigabytes > GIGABYTES)


def make(folder: Path, characters: int) -> dict[str, str]:
    """Write the artifacts of the stages before `plot` into `folder`, and return their paths by parameter."""
    random = np.random.default_rng(1)
    text = _text(random, characters)
    chapters = tuple(
        Chapter(title=f"Chapter {n + 1}: Of {text[start + 20 : start + 40].split()[0]}", start=start)
        for n, start in enumerate(range(0, characters, max(characters // 40, 1)))
    )
    windows, tokenization = (
        _windows(random, characters),
        Tokenization(tokenizer_sha256="0" * 64, tokenizers="none", bos_id=None, scored_tokens=SUFFIX),
    )
    whole = [Span(start=0, stop=characters)]
    names = ("books", "model", "windows", "settings", "plan", "store", "results")
    inputs = {name: str(folder / name) for name in names}
    write_books(inputs["books"], [Book(name="synthetic", source="drawn", text=text, chapters=chapters)])
    write_model(
        inputs["model"],
        Model(
            source="drawn",
            commit=None,
            address="gone",
            model_type="none",
            parameters=0,
            weights_sha256="0" * 64,
            files={},
        ),
    )
    write_pieces(inputs["windows"], [f" {token:x}" for token in range(_TOKENS)])
    write_windows(inputs["windows"], tokenization, [("synthetic", windows, select_windows(windows, whole))])
    Settings.from_parameters(DEFAULTS).write(inputs["settings"])
    _write_scores(random, windows, inputs)
    return inputs


def _text(random: np.random.Generator, characters: int) -> str:
    letters = np.array(list("etaoinshrdlucmfwypvbgkjqxz"))
    frequency = 1 / np.arange(1, 27)
    words = [
        "".join(random.choice(letters, random.integers(1, 10), p=frequency / frequency.sum())) for _ in range(8_000)
    ]
    drawn = random.zipf(1.3, characters // 3) % len(words)
    return " ".join(words[index] for index in drawn)[:characters]


def _windows(random: np.random.Generator, characters: int) -> Windows:
    """Windows of tokens of four characters."""
    tokens = PROMPT + SUFFIX
    cursor = np.arange(0, characters - 4 * tokens, STRIDE)
    token_stops = cursor[:, None] + 4 * np.arange(1, tokens + 1)
    return Windows(
        cursor=cursor,
        start=cursor,
        suffix_start=token_stops[:, PROMPT - 1],
        stop=token_stops[:, -1],
        prompt_tokens=np.full(len(cursor), PROMPT, np.int32),
        suffix_tokens=np.full(len(cursor), SUFFIX, np.int32),
        flagged=np.zeros(len(cursor), bool),
        spill=np.zeros(len(cursor), np.int32),
        token_ids=random.integers(0, _TOKENS - 1, (len(cursor), tokens), dtype=np.int32),
        token_stops=token_stops,
        dropped_tail=4 * tokens // STRIDE,
        dropped_inside=0,
    )


def _write_scores(random: np.random.Generator, windows: Windows, inputs: dict[str, str]) -> None:
    """Write scores that change slowly along the book, with a few stretches that the model knows, and a plan."""
    mean = -6 + 8 * np.sin(np.arange(len(windows)) / 300) * random.random()
    token = -random.exponential(1, (len(windows), SUFFIX)) * np.exp(mean / 4)[:, None]
    known = (np.arange(len(windows)) // 200) % 9 == 0
    token[known] *= 0.01
    token = token.astype(np.float32)
    log_p_z = token.sum(axis=1, dtype=np.float64)
    ranks = (token < -1).astype(np.int32)
    scores = Scores(
        log_p_z=log_p_z,
        log_p_z_top_k=log_p_z / 1.05,
        greedy=(ranks == 0).all(axis=1),
        token_log_probs=token,
        token_ranks=ranks,
        top_token_ids=windows.token_ids[:, PROMPT:] + ranks,
        token_log_top_k_mass=(token / 20).astype(np.float32),
    )
    score_store, address, columns = ScoreStore(open_store(inputs["store"])), "synthetic", scores.columns()
    for part in list_parts(address, len(windows), SCORES):
        indices = np.array(part.windows)
        rows = {name: values[indices] for name, values in columns.items()}
        score_store.write(part, Rows.sort(indices, rows, asdict(_COMPUTED_ON)), Reuse())
    plan = Plan(
        run="drawn",
        accelerator="cpu",
        precision="float32",
        devices=None,
        addresses={"synthetic": address},
        control_addresses={},
        windows={address: len(windows)},
        missing=0,
        forced=False,
        replaced={},
    )
    write_plan(inputs["plan"], plan)


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])))
