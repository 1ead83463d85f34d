"""The TPUs that a run can be placed on.

Sources: Google Kubernetes Engine's tables of TPU slices; the generations' data sheets for memory and peak; for the
links the two directions of one ring, as the project's time model assumes. Memory counts decimal GB: what the compiler
lets a program have is a little more (15.75, 31.25 and 95.74 GiB on v5e, v6e and v5p).
"""

import math

from byheart.machines.generation import GB, TERA, Generation


def _list_cubes(pod_chips: int) -> tuple[str, ...]:
    """The three-dimensional topologies of several hosts: up to a cube of side 4, then boxes of such cubes."""
    sides = range(4, pod_chips // 16 + 1, 4)
    large = [
        (short, middle, long)
        for short in sides
        for middle in sides
        if short <= middle and short * middle**2 <= pod_chips  # most pairs leave no third side: all triples take 0.3 s
        for long in sides
        if middle <= long and 64 < short * middle * long <= pod_chips
    ]
    small = [(2, 2, 2), (2, 2, 4), (2, 4, 4), (4, 4, 4)]
    return tuple("x".join(map(str, cube)) for cube in small + sorted(large, key=math.prod))


_FLAT = ("1x1", "2x2", "2x4", "4x4", "4x8", "8x8", "8x16", "16x16")

TPUS = (
    Generation(
        name="v4",
        label="tpu-v4-podslice",
        resource="google.com/tpu",
        machines={4: "ct4p-hightpu-4t"},
        topologies=("2x2x1", *_list_cubes(4096)),
        hbm_bytes=32 * GB,
        peak_flops=275 * TERA,
        hbm_bytes_per_second=1228 * GB,
        link_bytes_per_second=90 * GB,
        float32_passes=6,
        windows_per_device=32,
        efficiency=0.88,
        measured=False,
        has_kernels=False,
        kinds=("TPU v4",),
    ),
    Generation(
        name="v5e",
        label="tpu-v5-lite-podslice",
        resource="google.com/tpu",
        machines={1: "ct5lp-hightpu-1t", 4: "ct5lp-hightpu-4t", 8: "ct5lp-hightpu-8t"},
        topologies=_FLAT,
        hbm_bytes=16 * GB,
        peak_flops=197 * TERA,
        hbm_bytes_per_second=819 * GB,
        link_bytes_per_second=90 * GB,
        float32_passes=6,
        windows_per_device=32,
        efficiency=0.88,
        kinds=("TPU v5 lite", "TPU v5e"),
    ),
    Generation(
        name="v5p",
        label="tpu-v5p-slice",
        resource="google.com/tpu",
        machines={4: "ct5p-hightpu-4t"},
        topologies=("2x2x1", *_list_cubes(6144)),
        hbm_bytes=95 * GB,
        peak_flops=459 * TERA,
        hbm_bytes_per_second=2765 * GB,
        link_bytes_per_second=180 * GB,
        float32_passes=6,
        windows_per_device=32,
        efficiency=0.88,
        kinds=("TPU v5", "TPU v5p"),
    ),
    Generation(
        name="v6e",
        label="tpu-v6e-slice",
        resource="google.com/tpu",
        machines={1: "ct6e-standard-1t", 4: "ct6e-standard-4t", 8: "ct6e-standard-8t"},
        topologies=_FLAT,
        hbm_bytes=32 * GB,
        peak_flops=918 * TERA,
        hbm_bytes_per_second=1640 * GB,
        link_bytes_per_second=180 * GB,
        float32_passes=6,
        windows_per_device=64,
        efficiency=0.77,
        kinds=("TPU v6 lite", "TPU v6e"),
    ),
    Generation(
        name="tpu7x",
        label="tpu7x",
        resource="google.com/tpu",
        machines={1: "tpu7x-standard-1t", 4: "tpu7x-standard-4t"},
        topologies=("1x1x1", "2x2x1", *_list_cubes(9216)),
        hbm_bytes=192 * GB,
        peak_flops=2307 * TERA,
        hbm_bytes_per_second=7370 * GB,
        link_bytes_per_second=180 * GB,
        float32_passes=6,
        windows_per_device=64,
        efficiency=0.77,
        measured=False,
        devices_per_chip=2,
        copies_weights=True,  # from tiles of 8 rows, in which they come, to tiles of 16
        kinds=("TPU7x", "TPU v7x"),
    ),
)
