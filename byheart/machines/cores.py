"""The processor of this machine: how many cores this process may use, and how fast one multiplies."""

import dataclasses
import functools
import math
import os
from pathlib import Path

_FLOPS = {"avx512f": 0.2e12, "avx2": 0.075e12}
"""Operations a second of a core in large products in float32, by what Linux says that it knows: half of what two cores
of an AMD EPYC did with AVX-512 (413 GFLOP/s), and half of what two did with AVX2."""
_OTHER_FLOPS = 0.075e12
"""Assumed of all others."""
_QUOTA = Path("/sys/fs/cgroup/cpu.max")
"""What Kubernetes and Docker let a container have: microseconds of each period, or `max`."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Cores:
    """The cores of a machine."""

    count: int
    flops: float
    """Operations a second of one, in float32."""


@functools.cache
def find_cores() -> Cores:
    """The cores that this process may use."""
    known = Path("/proc/cpuinfo")
    words = set(known.read_text(encoding="utf-8").split()) if known.exists() else set()
    flops = next((flops for name, flops in _FLOPS.items() if name in words), _OTHER_FLOPS)
    return Cores(count=count_cores(_QUOTA), flops=flops)


def count_cores(quota: Path) -> int:
    """The cores that this process may use: at most as many as a container's quota has, rounded up."""
    count = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    microseconds, period = quota.read_text(encoding="utf-8").split() if quota.exists() else ("max", "")
    return count if microseconds == "max" else max(1, min(count, math.ceil(int(microseconds) / int(period))))
