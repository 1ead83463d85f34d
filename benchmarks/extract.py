"""The speed of scoring, compared with inference runtimes, with transformers, and with lm-evaluation-harness.

    python -m benchmarks.extract                          # SmolLM2-135M's shape, float32, on the CPU
    python -m benchmarks.extract --shape llama-3.1-8b --device gpu --precision bfloat16 --batch 64 --windows 64

Weights are random, of a known model's shape; windows are 100 random tokens, of which the last 50 are scored. Each
contestant is a process that loads the same files, warms up, and waits for its turns; all have the same cores and the
same windows, and only one works at a time. Every second round has the reverse order, so that other work of the machine
slows all of them; each ratio, and each share of the peak, is of one round. CPU time tells more than windows a second
where others use the cores. A contestant whose log_p_z differ from the first peer's is an error. Peers have the batch at
which they were the fastest of 8 and 16 on two cores.

What was found is written as JSON, as a table and as a chart (`benchmarks.results`); with `--readme` into README.md too.

The peak is the speed of one large matmul in the same round, in PyTorch or in JAX, whichever is faster; both are
printed, since on some CPUs they differ much. The work is counted in the same way for all, so that waste shows:

    2 x (parameters of the layers' matrices) x (tokens - 1)           all positions but the last are fed
    + 4 x layers x heads x head_dim x (tokens - 1) x tokens / 2       attention, causal
    + 2 x vocab x embed x (scored tokens)                             the head, where a token is scored
"""

import argparse
import dataclasses
import datetime
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.results import Race, Result, fill_readme
from benchmarks.shapes import LLAMA, SHAPES, write_checkpoint
from byheart.models.decoder_config import DecoderConfig
from byheart.models.families import find_family

TOKENS, SCORED = 100, 50
AGREE_NATS = {"float32": 50 * 1e-4, "bfloat16": 5.0}
"""The most that two log_p_z of a window may differ: each is a sum of 50 token_log_probs of about -14, and in float32
those of two runtimes may differ by 1e-4, as in the tests."""
_ROOT = Path(__file__).parent.parent


@dataclasses.dataclass(frozen=True, kw_only=True)
class Row:
    """A contestant of the table."""

    name: str
    way: str
    batch: int


ENGINE = "byheart"
PEERS = (
    Row(name="transformers, a plain loop", way="loop", batch=8),
    Row(name="transformers with logits_to_keep", way="kept", batch=16),
    Row(name="transformers, compiled, with oneDNN", way="compiled", batch=16),
    Row(name="lm-evaluation-harness", way="harness", batch=16),
)
RUNTIMES = (
    Row(name="OpenVINO", way="openvino", batch=8),
    Row(name="ONNX Runtime", way="onnxruntime", batch=16),
)
"""Peers on a CPU, in float32."""


class Process:
    """The process of a contestant."""

    def __init__(self, row: Row, process: "subprocess.Popen[str]") -> None:
        self.row, self._process = row, process
        self.about: str = self._answer()["about"]
        self.rates: list[float] = []
        self.cpu_seconds: list[float] = []

    def ask(self, ask: str, **details: int) -> dict[str, Any]:
        """The answer to a question."""
        assert self._process.stdin is not None
        print(json.dumps({"ask": ask, **details}), file=self._process.stdin, flush=True)
        return self._answer()

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise SystemExit(f"{self.row.name} must answer, found it ended with status {self._process.wait()}")
        return json.loads(line)


def main(arguments: Sequence[str]) -> None:
    """Run every contestant, print the table, and write it, the JSON and the chart."""
    chosen = _parse(arguments)
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: chosen.threads])
    config = LLAMA | SHAPES[chosen.shape]
    runtimes = RUNTIMES if (chosen.device, chosen.precision) == ("cpu", "float32") else ()
    rows = [*PEERS, *runtimes, *(Row(name=ENGINE, way="engine", batch=batch) for batch in chosen.batch)]
    with tempfile.TemporaryDirectory(prefix="byheart-") as folder, ExitStack() as stack:
        random = np.random.default_rng(0)
        write_checkpoint(Path(folder), config, random)
        ids = random.integers(0, config["vocab_size"], (chosen.windows, TOKENS)).astype(np.int32)
        np.save(Path(folder) / "windows.npy", ids)
        processes = [stack.enter_context(_start(row, Path(folder), chosen)) for row in rows]
        difference, peaks, busy = _compete(processes, chosen)
        memory = [process.ask("memory")["bytes"] for process in processes]
    race = Race(
        date=datetime.date.today().isoformat(),
        machine=_describe_machine(chosen),
        cores=chosen.threads,
        busy=busy,
        shape=chosen.shape,
        precision=chosen.precision,
        windows=chosen.windows,
        flops_per_window=count_useful_flops(find_family(config).parse_config(config)),
        difference=difference,
        peaks=peaks,
        results=[
            Result(
                name=process.row.name,
                is_peer=process.row.way != "engine",
                makes_ranks=process.row.way == "engine",
                batch=process.row.batch,
                about=process.about,
                rates=process.rates,
                cpu_seconds=process.cpu_seconds,
                peak_bytes=most_bytes,
            )
            for process, most_bytes in zip(processes, memory, strict=True)
        ],
    )
    print(race.describe())
    print(race.tabulate())
    race.write(chosen.out / f"{chosen.shape}.json")
    (chosen.out / f"{chosen.shape}.md").write_text(f"{race.describe()}\n{race.tabulate()}", encoding="utf-8")
    race.draw(chosen.out / f"{chosen.shape}.png")
    if chosen.readme:
        fill_readme(race)


def count_useful_flops(config: DecoderConfig) -> float:
    """Floating point operations that a window needs, by the formula at the top of this file."""
    fed, heads_dim = TOKENS - 1, config.heads * config.head_dim
    attention = config.embed * config.head_dim * 2 * (config.heads + config.kv_heads)
    matrices = config.layers * (attention + 3 * config.embed * config.ffn)
    shares = 4 * config.layers * heads_dim * fed * (fed + 1) / 2
    return 2 * matrices * fed + shares + 2 * config.vocab * config.embed * SCORED


def _compete(processes: list[Process], chosen: argparse.Namespace) -> tuple[float, dict[str, list[float]], float]:
    """Time every contestant in every round; return the largest difference of log_p_z, each round's peaks, and how many
    processes wanted to run on average.
    """
    rulers = {
        name: next(p for p in processes if p.row.way == way) for name, way in (("JAX", "engine"), ("PyTorch", "loop"))
    }
    peaks: dict[str, list[float]] = {name: [] for name in rulers}
    for process in processes:
        process.ask("score", first=0, stop=chosen.windows)
    expected, difference, loads = np.zeros(0), 0.0, []
    for turn in range(chosen.rounds):
        for name, ruler in rulers.items():
            peaks[name].append(ruler.ask("peak")["flops_per_second"])
        for process in processes if turn % 2 == 0 else processes[::-1]:
            answer = process.ask("score", first=0, stop=chosen.windows)
            process.rates.append(chosen.windows / answer["seconds"])
            process.cpu_seconds.append(answer["cpu_seconds"] / chosen.windows)
            log_p_z = np.asarray(answer["log_p_z"])
            expected = log_p_z if not len(expected) else expected
            difference = max(difference, float(np.abs(log_p_z - expected).max()))
            if not difference <= AGREE_NATS[chosen.precision]:
                raise SystemExit(
                    f"{process.row.name} must give the same log_p_z, found {difference} nats of difference"
                )
        loads.append(os.getloadavg()[0])
        rates = ", ".join(f"{p.row.name} {p.row.batch}: {p.rates[-1]:.2f}" for p in processes)
        print(f"round {turn + 1} of {chosen.rounds}: windows/s of {rates}", file=sys.stderr)
    return difference, peaks, statistics.mean(loads)


@contextmanager
def _start(row: Row, folder: Path, chosen: argparse.Namespace) -> Iterator[Process]:
    """A contestant that has loaded its model, running while the `with` block lasts."""
    job = {
        "way": row.way,
        "batch": row.batch,
        "model": str(folder),
        "windows": str(folder / "windows.npy"),
        "scored": SCORED,
        "precision": chosen.precision,
        "device": chosen.device,
        "threads": chosen.threads,
        "attention": chosen.attention,
        "side": 2048 if chosen.device == "cpu" else 8192,
    }
    module = {"engine": "engine", "openvino": "runtimes", "onnxruntime": "runtimes"}.get(row.way, "peers")
    python = sys.executable if row.way == "engine" else chosen.peers
    environment = os.environ | {"XLA_PYTHON_CLIENT_PREALLOCATE": "false", "HF_HUB_OFFLINE": "1"}
    command = [python, "-m", f"benchmarks.{module}", json.dumps(job)]
    process = subprocess.Popen(
        command, cwd=_ROOT, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        yield Process(row, process)
    finally:
        process.kill()
        process.communicate()


def _describe_machine(chosen: argparse.Namespace) -> str:
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    model = next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), "unknown CPU")
    return model if chosen.device == "cpu" else f"{model} with a GPU"


def _parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="benchmarks.extract")
    parser.add_argument("--shape", choices=SHAPES, default="smollm2-135m")
    parser.add_argument("--device", choices=["cpu", "gpu"], default="cpu")
    parser.add_argument("--precision", choices=AGREE_NATS, default="float32")
    parser.add_argument("--batch", type=int, nargs="+", default=[16], help="windows at once, of this engine")
    parser.add_argument("--windows", type=int, default=16, help="windows a round")
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--attention", choices=["sdpa", "eager"], default="sdpa", help="the peers'")
    parser.add_argument("--peers", default=str(_ROOT / ".venv-peers" / "bin" / "python"), help="the peers' Python")
    parser.add_argument("--out", type=Path, default=_ROOT / "build" / "bench", help="the folder of what is written")
    parser.add_argument("--readme", action="store_true", help="write the table and the chart into README.md too")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main(sys.argv[1:])
