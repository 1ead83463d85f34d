"""The speed of scoring on one GPU, beside two compiled models in PyTorch that do the same work.

    python -m benchmarks.gpu                                           # Llama 3.1 8B's shape in bfloat16, 256 windows
    python -m benchmarks.gpu --shape smollm2-135m --windows 4096
    python -m benchmarks.gpu --device cpu --shape tiny --windows 32    # shows that it runs, and nothing else

It is laid out for under ten minutes on a card with 80 GB, of which most is PyTorch's compiler; no GPU has tried it yet.
Windows are 100 random tokens, of which the last 50 are scored, with ranks and the mass of the top 40; weights are
random. The contestants are this engine in its form for GPUs, the same in the plain form (BYHEART_KERNELS=0), and the
two in gpu_peers.py, each with its own batch. Two models do not fit a card together, so each contestant has the card for
itself and is timed for some rounds; the engine comes first and again last, which shows whether the card became slower
meanwhile. A contestant whose log_p_z differ from the first's is an error. The share of the peak counts the work by the
formula of `benchmarks.extract`, and the peak is that of the card's data sheet.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.extract import AGREE_NATS, SCORED, TOKENS, count_useful_flops
from benchmarks.shapes import SHAPES, write_checkpoint
from byheart.machines.accelerators import find_accelerator
from byheart.models.families import find_family

_ROOT = Path(__file__).parent.parent
_LLAMA = {"architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_act": "silu", "rms_norm_eps": 1e-5}
_TINY = {
    "vocab_size": 4096,
    "hidden_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "intermediate_size": 128,
    "max_position_embeddings": 128,
    "rope_theta": 10_000.0,
    "tie_word_embeddings": False,
}
_CONTESTANTS = (
    ("this engine", "engine", "1"),
    ("transformers, compiled", "compiled", "1"),
    ("hand-written PyTorch, compiled", "hand-written", "1"),
    ("this engine, plain form", "engine", "0"),
    ("this engine, again", "engine", "1"),
)
"""Names, ways, and BYHEART_KERNELS."""


class _Block:
    """Normal numbers that repeat after some millions: eight billion new ones would take minutes."""

    def __init__(self, seed: int) -> None:
        self._random = np.random.default_rng(seed)
        self._values = self._random.standard_normal(1 << 24, np.float32)

    def standard_normal(self, shape: tuple[int, ...], _: type) -> np.ndarray:
        """Numbers of this shape, from a random place on."""
        return np.resize(np.roll(self._values, self._random.integers(1 << 24)), shape)


def main(arguments: Sequence[str]) -> int:
    """Time every contestant, and print the table."""
    chosen = _parse(arguments)
    config: dict[str, Any] = _LLAMA | (_TINY if chosen.shape == "tiny" else SHAPES[chosen.shape])
    began = time.monotonic()
    rows = []
    with tempfile.TemporaryDirectory(prefix="byheart-", dir=chosen.folder) as folder:
        write_checkpoint(Path(folder), config, _Block(0))  # type: ignore[arg-type]
        ids = np.random.default_rng(0).integers(0, config["vocab_size"], (chosen.windows, TOKENS)).astype(np.int32)
        np.save(Path(folder) / "windows.npy", ids)
        expected = None
        for name, way, kernels in _CONTESTANTS:
            batch = chosen.batch if way == "engine" else chosen.peer_batch
            about, rates, log_p_z, peak_bytes = _time(way, kernels, batch, folder, chosen)
            expected = log_p_z if expected is None else expected
            difference = float(np.abs(log_p_z - expected).max())
            if not difference <= AGREE_NATS[chosen.precision]:
                raise SystemExit(f"{name} must give the same log_p_z, found {difference} nats of difference")
            rows.append((name, batch, rates, difference, peak_bytes, about))
            print(f"{name}: {statistics.median(rates):,.0f} windows/s, {about}", file=sys.stderr)

    flops = count_useful_flops(find_family(config).parse_config(config))
    peak = find_accelerator(chosen.accelerator).generation.peak_flops
    print(
        f"{chosen.shape}'s shape, {chosen.precision}, {chosen.device}; {'; '.join(sorted({row[-1] for row in rows}))}"
    )
    print(f"{chosen.rounds} rounds of {chosen.windows:,} windows; {time.monotonic() - began:.0f} s in all\n")
    print(f"| | batch | windows/s (least to most) | share of {chosen.accelerator}'s peak | memory, GB | nats apart |")
    print("|---|---|---|---|---|---|")
    for name, batch, rates, difference, peak_bytes, _ in rows:
        rate = statistics.median(rates)
        print(
            f"| {name} | {batch:,} | {rate:,.0f} ({min(rates):,.0f} to {max(rates):,.0f}) | {rate * flops / peak:.1%} "
            f"| {peak_bytes / 1e9:.1f} | {difference:.1g} |"
        )
    return 0


def _time(
    way: str, kernels: str, batch: int, folder: str, chosen: argparse.Namespace
) -> tuple[str, list[float], np.ndarray, int]:
    """A contestant's libraries, its windows a second in each round, log_p_z and peak memory."""
    job = {
        "way": way,
        "batch": batch,
        "model": folder,
        "windows": f"{folder}/windows.npy",
        "scored": SCORED,
        "precision": chosen.precision,
        "device": chosen.device,
        "threads": len(os.sched_getaffinity(0)),
        "side": 1024,
    }
    python, module = (
        (sys.executable, "benchmarks.engine") if way == "engine" else (chosen.peers, "benchmarks.gpu_peers")
    )
    environment = os.environ | {"XLA_PYTHON_CLIENT_PREALLOCATE": "false", "BYHEART_KERNELS": kernels}
    environment |= {"HF_HUB_OFFLINE": "1"}
    questions = [{"ask": "score", "first": 0, "stop": chosen.windows}] * (chosen.rounds + 1) + [{"ask": "memory"}]
    done = subprocess.run(
        [python, "-m", module, json.dumps(job)],
        cwd=_ROOT, env=environment, input="\n".join(map(json.dumps, questions)), stdout=subprocess.PIPE, text=True,
        check=False,
    )  # fmt: skip
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    if len(answers) != len(questions) + 1:
        raise SystemExit(f"{way} must answer, found it ended with status {done.returncode}")
    about, _, *scored, memory = answers
    rates = [chosen.windows / answer["seconds"] for answer in scored]
    return about["about"], rates, np.asarray(scored[0]["log_p_z"]), memory["bytes"]


def _parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="benchmarks.gpu")
    parser.add_argument("--shape", choices=[*SHAPES, "tiny"], default="llama-3.1-8b")
    parser.add_argument("--device", choices=["cpu", "gpu"], default="gpu")
    parser.add_argument("--accelerator", default="h100-1", help="whose peak counts")
    parser.add_argument("--precision", choices=AGREE_NATS, default="bfloat16")
    parser.add_argument("--batch", type=int, default=256, help="windows at once, of this engine")
    parser.add_argument("--peer-batch", type=int, default=128)
    parser.add_argument("--windows", type=int, default=2048, help="windows a round")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--folder", help="where the weights are written for the time; needs 16 GB for 8B")
    parser.add_argument("--peers", default=str(_ROOT / ".venv-peers" / "bin" / "python"), help="the peers' Python")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
