"""The time, the memory and the disk, other than the store's, that fetching a model from the Hub into a store takes.

    python -m benchmarks.download [GIGABYTES] [ROUNDS]

It is compared with plain streaming to files (one connection, no hash, but flushed to the disk, as a store's objects
are), with `huggingface_hub.snapshot_download`, and with SHA-256 alone; each runs in its own process, in another order
in every round. The Hub is the tests' stand-in on this machine, and the weights are zeros, so that only the programs'
own work is measured. The first round does not count, since it warms the system up.
"""

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

NAME = "org/sparse"
EMBED, FFN, VOCAB, FILES = 2048, 5632, 32_000, 4
LAYER = {
    "input_layernorm": [EMBED],
    "post_attention_layernorm": [EMBED],
    **{f"self_attn.{letter}_proj": [EMBED, EMBED] for letter in "qkvo"},
    "mlp.gate_proj": [FFN, EMBED],
    "mlp.up_proj": [FFN, EMBED],
    "mlp.down_proj": [EMBED, FFN],
}
LAYER_BYTES = 2 * (2 * EMBED + 4 * EMBED**2 + 3 * EMBED * FFN)
CONFIG = {
    "model_type": "llama",
    "vocab_size": VOCAB,
    "hidden_size": EMBED,
    "num_attention_heads": 16,
    "intermediate_size": FFN,
    "tie_word_embeddings": True,
}
MEASURED = """
import json, os, resource, sys, time
from pathlib import Path
def work():
{work}
{imports}
began = time.monotonic()
work()
seconds = time.monotonic() - began
used = resource.getrusage(resource.RUSAGE_SELF)
print(json.dumps([seconds, used.ru_utime + used.ru_stime, used.ru_maxrss * 1024]))
"""
OURS = "from byheart.components.download.model import bring_model", "bring_model(sys.argv[1], sys.argv[2])"
STREAM = (
    "import httpx2\nfrom huggingface_hub import HfApi, hf_hub_url",
    """for name in sorted(HfApi().list_repo_files(sys.argv[1])):
    with httpx2.stream("GET", hf_hub_url(sys.argv[1], name), follow_redirects=True) as answer:
        with open(Path(sys.argv[2]) / name, "wb") as file:
            for chunk in answer.iter_bytes():
                file.write(chunk)
            os.fsync(file.fileno())""",
)
SNAPSHOT = "from huggingface_hub import snapshot_download", "snapshot_download(sys.argv[1], cache_dir=sys.argv[2])"
HASH = (
    "import hashlib",
    "for path in sorted(Path(sys.argv[1]).iterdir()): hashlib.file_digest(path.open('rb'), 'sha256')",
)
WORKS = {"into a local store": OURS, "plain streaming": STREAM, "snapshot_download": SNAPSHOT, "SHA-256 alone": HASH}


def main(gigabytes: float = 2, rounds: int = 3) -> int:
    """Make the model, serve it, print what each way took, and return 1 if byheart wrote outside its store."""
    with tempfile.TemporaryDirectory(prefix="byheart-") as folder, ExitStack() as running:
        here = Path(folder)
        size_bytes = make(here / "model", gigabytes)
        hub = running.enter_context(serve("tests.hub", "--repo", f"{NAME}={here / 'model'}"))
        bucket = running.enter_context(serve("tests.gcs", "--bucket", "shelf"))
        environment = {
            "HF_ENDPOINT": hub,
            "STORAGE_EMULATOR_HOST": bucket,
            "HF_HUB_DISABLE_XET": "1",
            "HF_HUB_DISABLE_PROGRESS_BARS": "1",
        }
        taken: dict[str, list[tuple[float, float, float, float]]] = {}
        print(f"{size_bytes / 1e9:.2f} GB in {FILES} files, {rounds} rounds")
        for number in range(rounds + 1):
            for name in [*WORKS][number % len(WORKS) :] + [*WORKS][: number % len(WORKS)]:
                source = str(here / "model") if WORKS[name] is HASH else NAME
                taken.setdefault(name, []).append(measure(WORKS[name], source, here / "target", environment))
        taken = {name: taken[name][1:] for name in WORKS}
        taken["into gs://, once"] = [measure(OURS, NAME, "gs://shelf/store", environment)]
        plain = [row[0] for row in taken["plain streaming"]]
        print(f"{'':20}{'seconds':>9}{'of plain streaming':>28}{'of a core':>12}{'memory':>11}{'disk beside':>14}")
        for name, rows in taken.items():
            ratios = [row[0] / least for row, least in zip(rows, plain, strict=False)]
            print(
                f"{name:20}{statistics.median(row[0] for row in rows):9.2f}"
                f"{statistics.median(ratios):12.2f} ({min(ratios):.2f} to {max(ratios):.2f})"
                f"{statistics.median(row[1] for row in rows):10.2f} s"
                f"{max(row[2] for row in rows) / 1e6:8.0f} MB{max(row[3] for row in rows) / 1e6:11.1f} MB"
            )
    return int(max(row[3] for name, rows in taken.items() if name.startswith("into") for row in rows) > 1e6)


def make(folder: Path, gigabytes: float) -> int:
    """Write a model whose weights are zeros, and return its size in bytes."""
    layers = max(round(gigabytes * 1e9 / LAYER_BYTES), FILES)
    shapes = {"model.embed_tokens.weight": [VOCAB, EMBED], "model.norm.weight": [EMBED]} | {
        f"model.layers.{layer}.{name}.weight": shape for layer in range(layers) for name, shape in LAYER.items()
    }
    folder.mkdir()
    files = {name: f"model-{1 + index * FILES // len(shapes)}.safetensors" for index, name in enumerate(shapes)}
    for file in set(files.values()):
        header: dict[str, Any] = {}
        stop = 0
        for name in (name for name in shapes if files[name] == file):
            start, stop = stop, stop + 2 * shapes[name][0] * (shapes[name][1] if len(shapes[name]) > 1 else 1)
            header[name] = {"dtype": "BF16", "shape": shapes[name], "data_offsets": [start, stop]}
        text = json.dumps(header).encode()
        with (folder / file).open("wb") as sparse:
            sparse.write(len(text).to_bytes(8, "little") + text)
            sparse.truncate(8 + len(text) + stop)
    (folder / "config.json").write_text(json.dumps(CONFIG | {"num_hidden_layers": layers}))
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": files}))
    shutil.copy(Path(__file__).parent.parent / "samples" / "model" / "tokenizer.json", folder)
    return sum(path.stat().st_size for path in folder.iterdir())


@contextmanager
def serve(*command: str) -> Iterator[str]:
    """Run a server in another process while the `with` block lasts, and give its address."""
    with subprocess.Popen(
        [sys.executable, "-m", *command], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin
        assert process.stdout
        yield process.stdout.readline().strip()
        process.stdin.close()


def measure(
    work: tuple[str, str], source: str, target: Path | str, environment: dict[str, str]
) -> tuple[float, float, float, float]:
    """Seconds, core seconds, peak memory, and the peak of bytes outside the target, which is removed afterwards."""
    imports, lines = work
    code = MEASURED.format(imports=imports, work="\n".join(f"    {line}" for line in lines.splitlines()))
    with tempfile.TemporaryDirectory(prefix="byheart-") as home:
        folders = {"HOME": home, "HF_HOME": f"{home}/hf", "TMPDIR": home}
        if isinstance(target, Path):
            target.mkdir()
        done = threading.Event()
        seen = [0]
        watch = threading.Thread(target=_watch, args=(Path(home), done, seen))
        watch.start()
        try:
            command = [sys.executable, "-c", code, source, str(target)]
            process = subprocess.run(
                command, check=True, stdout=subprocess.PIPE, text=True, env={**os.environ, **environment, **folders}
            )
        finally:
            done.set()
            watch.join()
            if isinstance(target, Path):
                shutil.rmtree(target)
    seconds, core_seconds, memory = json.loads(process.stdout.splitlines()[-1])
    return seconds, core_seconds, memory, seen[0]


def _watch(folder: Path, done: threading.Event, seen: list[int]) -> None:
    """Keep the most bytes that the folder has held in `seen[0]`."""
    while not done.wait(0.05):
        size_bytes = 0
        for parent, _, names in os.walk(folder):
            for name in names:
                path = Path(parent, name)
                size_bytes += path.lstat().st_size if path.exists() else 0
        seen[0] = max(seen[0], size_bytes)


if __name__ == "__main__":
    sys.exit(main(*(kind(text) for kind, text in zip((float, int), sys.argv[1:], strict=False))))
