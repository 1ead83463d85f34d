"""The protocol between the benchmark and a contestant: each question and each answer is a line of JSON.

    {"ask": "score", "first": 0, "stop": 16}    ->   {"seconds": 4.1, "cpu_seconds": 8.0, "log_p_z": [...]}
    {"ask": "peak"}                             ->   {"flops_per_second": 1.5e11}
    {"ask": "memory"}                           ->   {"bytes": 2.1e9}

The contestant prints the first line when its weights are loaded: {"about": "jax 0.10.2"}.
"""

import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import numpy as np


class Contestant(Protocol):
    """An engine that scores windows."""

    about: str
    """Its libraries and their versions."""

    def score(self, token_ids: np.ndarray) -> np.ndarray:
        """log_p_z [W], nats, of windows int32 [W, T]."""

    def multiply(self) -> float:
        """Floating point operations a second in one large matmul of the measured precision."""

    def device_bytes(self) -> int | None:
        """The peak memory of the accelerator; None without one."""


def serve(make: Callable[[dict[str, Any]], Contestant]) -> None:
    """Answer the questions on standard input until it ends; other output is sent to standard error."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    job = json.loads(sys.argv[1])
    contestant, token_ids = make(job), np.load(job["windows"])

    def say(answer: dict[str, Any]) -> None:
        print(json.dumps(answer), file=answers, flush=True)

    say({"about": contestant.about})
    for line in sys.stdin:
        question = json.loads(line)
        if question["ask"] == "score":
            rows = token_ids[question["first"] : question["stop"]]
            started, cpu_started = time.perf_counter(), time.process_time()
            log_p_z = contestant.score(rows)
            seconds, cpu_seconds = time.perf_counter() - started, time.process_time() - cpu_started
            say({"seconds": seconds, "cpu_seconds": cpu_seconds, "log_p_z": log_p_z.tolist()})
        elif question["ask"] == "peak":
            say({"flops_per_second": contestant.multiply()})
        else:
            say({"bytes": contestant.device_bytes() or _most_resident_bytes()})


def time_fastest(call: Callable[[], object], times: int = 3) -> float:
    """Seconds of the fastest of several calls, after one that is not timed."""
    call()
    seconds = []
    for _ in range(times):
        started = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - started)
    return min(seconds)


def _most_resident_bytes() -> int:
    """The peak memory of this process, from its start."""
    (line,) = (line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) * 1024
