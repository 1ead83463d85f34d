"""The GPUs that a run can be placed on, all NVIDIA's.

Memory, peaks without sparsity, in bfloat16 with float32 sums, and links are those of NVIDIA's data sheets (of the RTX
cards, of its Ada and GA102 white papers); a card on PCIe has a ring of PCIe 4.0 x16. Where a card has several forms,
the row is that of the SXM module with the most memory. float32 runs on the ordinary units, whose peak is on the same
sheet. Machine types and labels are Google Kubernetes Engine's; cards without a label are not there.

The H100's row was fitted on one H100 with 80 GB, by an earlier commit under JAX 0.11.2 and CUDA 13: 355, 388 and 402
windows/s of Llama 3.1 8B in batches of 64, 128 and 256, and 5.5 s to compile. No other card was timed.
"""

import dataclasses
import os

from byheart.machines.generation import GB, TERA, Generation

GPU = "nvidia.com/gpu"
"""The Kubernetes resource."""
_SHARES = ("XLA_CLIENT_MEM_FRACTION", "XLA_PYTHON_CLIENT_MEM_FRACTION")
"""The environment variables that tell JAX which share of a GPU's memory it may take, 0.75 without them; it refuses to
be told by both."""
_SHARE = 0.9
"""The share that this program asks for. The rest holds the driver's own memory, libraries, programs and CUDA graphs."""
GPU_HEAD_WINDOWS = 32
"""Windows whose logits a GPU holds at once."""
_COUNTS = (1, 2, 4, 8)


def read_program_share() -> float:
    """The share of a GPU's memory that JAX may take: what the environment says, else this program's own."""
    told = next((os.environ[name] for name in _SHARES if os.environ.get(name)), "")
    try:
        share = float(told)
    except ValueError:
        return _SHARE
    return share if 0 < share <= 1 else _SHARE


def claim_program_share() -> None:
    """Let JAX take this program's share of a GPU's memory, before it starts; what the user has set stays."""
    if not any(map(os.environ.get, _SHARES)):
        os.environ[_SHARES[0]] = str(_SHARE)


def _describe(
    name: str, label: str, machine: str, hbm_gb: float, tera: float, gb_per_second: float, link: float, **other: object
) -> Generation:
    """A row; `machine` is the type's name with braces for the number of cards."""
    generation = Generation(
        name=name,
        label=label,
        resource=GPU,
        machines={count: machine.format(count) for count in _COUNTS},
        topologies=tuple(map(str, _COUNTS)),
        hbm_bytes=hbm_gb * GB,
        peak_flops=tera * TERA,
        hbm_bytes_per_second=gb_per_second * GB,
        link_bytes_per_second=link * GB,
        float32_passes=4,
        windows_per_device=64,
        efficiency=0.5,
        measured=False,
        head_windows=GPU_HEAD_WINDOWS,
        compile_seconds=5.5,
    )
    return dataclasses.replace(generation, **other)  # type: ignore[arg-type]


_H100 = _describe(
    "h100", "nvidia-h100-80gb", "a3-highgpu-{}g", 80, 989, 3350, 900,
    float32_passes=19, windows_per_device=256, efficiency=0.6, measured=True, kinds=("NVIDIA H100",),
)  # fmt: skip
_A100 = _describe(
    "a100", "nvidia-a100-80gb", "a2-ultragpu-{}g", 80, 312, 2039, 600,
    float32_passes=16, windows_per_device=128, kinds=("NVIDIA A100",),
)  # fmt: skip

GPUS = (
    _H100,
    dataclasses.replace(
        _H100, name="h200", label="nvidia-h200-141gb", machines=dict.fromkeys(_COUNTS, "a3-ultragpu-8g"),
        hbm_bytes=141 * GB, hbm_bytes_per_second=4800 * GB, measured=False, kinds=("NVIDIA H200",),
    ),
    _A100,
    dataclasses.replace(
        _describe("l4", "nvidia-l4", "", 24, 121, 300, 64, kinds=("NVIDIA L4",)),
        machines={1: "g2-standard-12", 2: "g2-standard-24", 4: "g2-standard-48", 8: "g2-standard-96"},
    ),
    _describe("l40s", "", "any machine", 48, 362, 864, 64, kinds=("NVIDIA L40S",)),
    _describe("rtx4090", "", "any machine", 24, 165, 1008, 64, float32_passes=2, kinds=("NVIDIA GeForce RTX 4090",)),
    _describe("rtx3090", "", "any machine", 24, 71, 936, 64, float32_passes=2, kinds=("NVIDIA GeForce RTX 3090",)),
    # Any other card, planned as an A100 of its own memory.
    dataclasses.replace(_A100, name="gpu", kinds=()),
)  # fmt: skip
