"""The speed of scoring, compared with a plain loop over transformers and PyTorch, and with lm-evaluation-harness.

    python -m benchmarks.extract                          # SmolLM2-135M's shape, float32, on the CPU
    python -m benchmarks.extract --shape llama-3.1-8b --device gpu --precision bfloat16 --batch 64 --windows 64

Weights are random, of a known model's shape; windows are 100 random tokens, of which the last 50 are scored. Each
contestant is a process that loads the same files, warms up, and waits for its turns; all have the same cores and the
same windows, and only one works at a time. Every second round has the reverse order, so that other work of the machine
slows all of them; each ratio, and each share of the peak, is of one round. A contestant whose log_p_z differ from the
first peer's is an error.

The peak is the speed of one large matmul in the same round, in PyTorch or in JAX, whichever is faster; both are
printed, since on some CPUs they differ much. The work is counted in the same way for all, so that waste shows:

    2 x (parameters of the layers' matrices) x (tokens - 1)           all positions but the last are fed
    + 4 x layers x heads x head_dim x (tokens - 1) x tokens / 2       attention, causal
    + 2 x vocab x embed x (scored tokens)                             the head, where a token is scored
"""

import argparse
import dataclasses
import json
import math
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np

from byheart.models.decoder_config import DecoderConfig
from byheart.models.families import find_family
from byheart.models.parameters import Parameter, leaves

AT_LEAST = 1.3
"""The least ratio to the best peer's speed, on a CPU."""
TOKENS, SCORED = 100, 50
AGREE_NATS = {"float32": 1e-3, "bfloat16": 5.0}
"""The most that two log_p_z of a window may differ: each is a sum of 50 token_log_probs of about -14."""
_ROOT = Path(__file__).parent.parent
_LLAMA: dict[str, Any] = {
    "architectures": ["LlamaForCausalLM"],
    "model_type": "llama",
    "hidden_act": "silu",
    "rms_norm_eps": 1e-5,
}
SHAPES: dict[str, dict[str, Any]] = {
    "smollm2-135m": {
        "vocab_size": 49152,
        "hidden_size": 576,
        "num_hidden_layers": 30,
        "num_attention_heads": 9,
        "num_key_value_heads": 3,
        "intermediate_size": 1536,
        "max_position_embeddings": 8192,
        "rope_theta": 100_000.0,
        "tie_word_embeddings": True,
    },
    "llama-3.1-8b": {
        "vocab_size": 128256,
        "hidden_size": 4096,
        "num_hidden_layers": 32,
        "num_attention_heads": 32,
        "num_key_value_heads": 8,
        "intermediate_size": 14336,
        "max_position_embeddings": 131072,
        "rope_theta": 500_000.0,
        "tie_word_embeddings": False,
    },
}
"""Each shape's fields of config.json, without those that all have."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Row:
    """A contestant of the table."""

    name: str
    way: str
    batch: int


ENGINE = "this engine"
PEERS = (
    Row(name="transformers loop", way="loop", batch=1),
    Row(name="transformers loop", way="loop", batch=8),
    Row(name="lm-evaluation-harness", way="harness", batch=16),
)


class Process:
    """The process of a contestant."""

    def __init__(self, row: Row, process: "subprocess.Popen[str]") -> None:
        self.row, self._process = row, process
        self.about: str = self._answer()["about"]
        self.rates: list[float] = []

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


def main(arguments: Sequence[str]) -> int:
    """Run every contestant, print the table, and return 1 if this engine is too slow on a CPU."""
    chosen = _parse(arguments)
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: chosen.threads])
    config = _LLAMA | SHAPES[chosen.shape]
    rows = [*PEERS, *(Row(name=ENGINE, way="engine", batch=batch) for batch in chosen.batch)]
    with tempfile.TemporaryDirectory(prefix="byheart-") as folder, ExitStack() as stack:
        random = np.random.default_rng(0)
        write_checkpoint(Path(folder), config, random)
        ids = random.integers(0, config["vocab_size"], (chosen.windows, TOKENS)).astype(np.int32)
        np.save(Path(folder) / "windows.npy", ids)
        processes = [stack.enter_context(_start(row, Path(folder), chosen)) for row in rows]
        difference, peaks = _compete(processes, chosen)
        memory = [process.ask("memory")["bytes"] for process in processes]

    decoder = find_family(config).parse_config(config)
    best = max((p for p in processes if p.row.way != "engine"), key=lambda p: statistics.median(p.rates))
    print(f"{chosen.shape}'s shape, {chosen.precision}, {_describe_machine(chosen)}; {_list_versions(processes)}")
    print(
        f"{chosen.rounds} rounds of {chosen.windows} windows, {count_useful_flops(decoder) / 1e9:.1f} GFLOP each; "
        f"log_p_z agree to {difference:.0e} nats"
    )
    spreads = (f"{name} {_format_spread([peak / 1e9 for peak in peaks[name]], '.0f')}" for name in peaks)
    print(f"matmul peak, GFLOP/s: {', '.join(spreads)}\n")
    print("| | batch | windows/s | times the best peer (least to most) | share of the matmul peak | peak memory, GB |")
    print("|---|---|---|---|---|---|")
    for process, most_bytes in zip(processes, memory, strict=True):
        best_peaks = map(max, *peaks.values())
        flops = count_useful_flops(decoder)
        shares = [rate * flops / peak for rate, peak in zip(process.rates, best_peaks, strict=True)]
        spread = _format_spread(_compute_ratios(process, best), ".2f")
        print(
            f"| {process.row.name} | {process.row.batch} | {statistics.median(process.rates):.2f} "
            f"| {spread} | {statistics.median(shares):.0%} | {most_bytes / 1e9:.1f} |"
        )
    times = max(statistics.median(_compute_ratios(p, best)) for p in processes if p.row.way == "engine")
    too_slow = chosen.device == "cpu" and times < AT_LEAST
    if too_slow:
        print(f"\nless than {AT_LEAST} times as fast as the best peer")
    return int(too_slow)


def write_checkpoint(folder: Path, config: dict[str, Any], random: np.random.Generator) -> None:
    """Write config.json and bfloat16 weights, drawn so that states keep their size from layer to layer, and logits
    vary as much as a trained model's.
    """
    family = find_family(config)
    parameters = leaves(family.describe_parameters(family.parse_config(config)))
    tensors = {name: parameter for parameter in parameters for name in parameter.name_tensors().values()}
    header, start = {}, 0
    for name, parameter in tensors.items():
        shape = parameter.source_shape
        stop = start + 2 * math.prod(shape)
        header[name], start = {"dtype": "BF16", "shape": shape, "data_offsets": [start, stop]}, stop
    encoded = json.dumps({"__metadata__": {"format": "pt"}, **header}).encode()
    with (folder / "model.safetensors").open("wb") as file:
        file.write(len(encoded).to_bytes(8, "little") + encoded)
        for parameter in tensors.values():
            file.write(_draw_values(parameter, random).astype(ml_dtypes.bfloat16).tobytes())
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")


def _draw_values(parameter: Parameter, random: np.random.Generator) -> np.ndarray:
    if len(parameter.source_shape) == 1:
        return np.ones(parameter.source_shape, np.float32)
    inputs = parameter.source_shape[1]
    deviation = (2.5 if "vocab" in parameter.axes else 0.5) / math.sqrt(inputs)
    return random.standard_normal(parameter.source_shape, np.float32) * np.float32(deviation)


def count_useful_flops(config: DecoderConfig) -> float:
    """Floating point operations that a window needs, by the formula at the top of this file."""
    fed, heads_dim = TOKENS - 1, config.heads * config.head_dim
    attention = config.embed * config.head_dim * 2 * (config.heads + config.kv_heads)
    matrices = config.layers * (attention + 3 * config.embed * config.ffn)
    shares = 4 * config.layers * heads_dim * fed * (fed + 1) / 2
    return 2 * matrices * fed + shares + 2 * config.vocab * config.embed * SCORED


def _compete(processes: list[Process], chosen: argparse.Namespace) -> tuple[float, dict[str, list[float]]]:
    """Time every contestant in every round; return the largest difference of log_p_z, and each round's peaks."""
    rulers = {
        name: next(p for p in processes if p.row.way == way) for name, way in (("JAX", "engine"), ("PyTorch", "loop"))
    }
    peaks: dict[str, list[float]] = {name: [] for name in rulers}
    for process in processes:
        process.ask("score", first=0, stop=chosen.windows)
    expected, difference = np.zeros(0), 0.0
    for turn in range(chosen.rounds):
        for name, ruler in rulers.items():
            peaks[name].append(ruler.ask("peak")["flops_per_second"])
        for process in processes if turn % 2 == 0 else processes[::-1]:
            answer = process.ask("score", first=0, stop=chosen.windows)
            process.rates.append(chosen.windows / answer["seconds"])
            log_p_z = np.asarray(answer["log_p_z"])
            expected = log_p_z if not len(expected) else expected
            difference = max(difference, float(np.abs(log_p_z - expected).max()))
            if not difference <= AGREE_NATS[chosen.precision]:
                raise SystemExit(
                    f"{process.row.name} must give the same log_p_z, found {difference} nats of difference"
                )
        rates = ", ".join(f"{p.row.name} {p.row.batch}: {p.rates[-1]:.2f}" for p in processes)
        print(f"round {turn + 1} of {chosen.rounds}: windows/s of {rates}", file=sys.stderr)
    return difference, peaks


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
    python, module = (
        (sys.executable, "benchmarks.engine") if row.way == "engine" else (chosen.peers, "benchmarks.peers")
    )
    environment = os.environ | {"XLA_PYTHON_CLIENT_PREALLOCATE": "false", "HF_HUB_OFFLINE": "1"}
    command = [python, "-m", module, json.dumps(job)]
    process = subprocess.Popen(
        command, cwd=_ROOT, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        yield Process(row, process)
    finally:
        process.kill()
        process.communicate()


def _compute_ratios(process: Process, other: Process) -> list[float]:
    return [rate / its for rate, its in zip(process.rates, other.rates, strict=True)]


def _format_spread(values: list[float], form: str) -> str:
    return f"{statistics.median(values):{form}} ({min(values):{form}} to {max(values):{form}})"


def _describe_machine(chosen: argparse.Namespace) -> str:
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    model = next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), "unknown CPU")
    return f"{chosen.device}, {model}, {chosen.threads} cores"


def _list_versions(processes: list[Process]) -> str:
    return "; ".join(sorted({version for process in processes for version in process.about.split(", ")}))


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
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
