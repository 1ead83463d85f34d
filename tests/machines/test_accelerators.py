"""The rows of accelerators, against what the docs say; machines, labels and topologies tests/k8s/test_readme.py has."""

import os

import pytest

from byheart.contracts.errors import SettingsError
from byheart.machines.accelerators import ACCELERATORS, GENERATIONS, ONE_HOST, find_accelerator, find_generation
from byheart.machines.generation import GB, TERA
from byheart.machines.gpus import claim_program_share
from tests.conftest import ROOT


def rows_of_the_docs() -> list[str]:
    """What docs/plan.md is to say of each generation."""
    rows = []
    for generation in GENERATIONS.values():
        slices = " ".join(f"`{name}`" for name, accelerator in ONE_HOST.items() if accelerator.generation == generation)
        memory = f"{generation.hbm_bytes / GB:g}" if generation.hbm_bytes else "the host's"
        devices = f", of {generation.devices_per_chip} devices" * (generation.devices_per_chip > 1)
        rows.append(f"| `{generation.name}` | {slices} | {memory}{devices} | {generation.peak_flops / TERA:,g} |")
    return rows


def test_memory_and_speed_are_those_of_the_docs() -> None:
    page = (ROOT / "docs" / "plan.md").read_text(encoding="utf-8")
    table = page.partition("| generation |")[2].partition("\n\n")[0]
    assert table.splitlines()[2:] == rows_of_the_docs()


def test_program_has_all_of_a_tpu_and_of_a_gpu_the_share_that_jax_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("XLA_CLIENT_MEM_FRACTION", "XLA_PYTHON_CLIENT_MEM_FRACTION"):
        monkeypatch.delenv(name, raising=False)
    assert find_accelerator("v6e-2x4").device_bytes == 32 * GB
    assert find_accelerator("h100-2").device_bytes == 72 * GB
    claim_program_share()
    assert os.environ["XLA_CLIENT_MEM_FRACTION"] == "0.9"
    monkeypatch.delenv("XLA_CLIENT_MEM_FRACTION")
    monkeypatch.setenv("XLA_PYTHON_CLIENT_MEM_FRACTION", "0.75")
    claim_program_share()  # JAX refuses to be told by both
    assert "XLA_CLIENT_MEM_FRACTION" not in os.environ
    assert find_accelerator("gpu-2").device_bytes == 60 * GB
    monkeypatch.setenv("XLA_PYTHON_CLIENT_MEM_FRACTION", "most")
    assert find_accelerator("gpu-2").device_bytes == 72 * GB


def test_gpus_of_another_memory_than_their_rows_have_it_in_their_name() -> None:
    gpus = find_accelerator("RTX3090-2-12GB")
    assert (gpus.name, gpus.chips, gpus.generation.hbm_bytes) == ("rtx3090-2-12gb", 2, 12 * GB)
    assert gpus.generation.peak_flops == find_accelerator("rtx3090-2").generation.peak_flops
    for name in ("v6e-2x4-16gb", "gpu-3-16gb", "gpu-1-0gb"):
        with pytest.raises(SettingsError, match="must be a generation and a topology"):
            find_accelerator(name)


def test_node_of_a_slice_has_the_labels_of_its_generation_and_topology() -> None:
    assert find_accelerator("v5e-2x4").node_labels == {
        "cloud.google.com/gke-tpu-accelerator": "tpu-v5-lite-podslice",
        "cloud.google.com/gke-tpu-topology": "2x4",
    }
    assert find_accelerator("gpu-2").node_labels == {"cloud.google.com/gke-accelerator": "nvidia-a100-80gb"}
    assert find_accelerator("l4-4").node_labels == {"cloud.google.com/gke-accelerator": "nvidia-l4"}
    assert find_accelerator("rtx4090-1").node_labels == {}


@pytest.mark.parametrize(
    ("name", "chips", "hosts", "largest"),
    [
        ("v5e-4x4", 16, 4, "v5e-2x4"),
        ("v6e-16x16", 256, 64, "v6e-2x4"),
        ("v4-2x2x2", 8, 2, "v4-2x2x1"),
        ("v5p-4x4x4", 64, 16, "v5p-2x2x1"),
        ("tpu7x-2x4x4", 32, 8, "tpu7x-2x2x1"),
    ],
)
def test_slice_of_several_hosts_is_known_and_refused_with_what_to_do(
    name: str, chips: int, hosts: int, largest: str
) -> None:
    assert (ACCELERATORS[name].chips, ACCELERATORS[name].hosts) == (chips, hosts)
    assert ACCELERATORS[name].machine.endswith("-4t")
    with pytest.raises(SettingsError, match=rf"{name} with {chips} chips on {hosts}: choose {largest}, and shards=N"):
        find_accelerator(name)


@pytest.mark.parametrize(
    ("largest", "too_large"),
    [("v4-16x16x16", "v4-16x16x20"), ("v5p-16x16x24", "v5p-16x16x28"), ("v5p-12x16x16", "v5p-16x12x16")],
)
def test_cubes_go_up_to_a_whole_pod_and_their_sides_ascend(largest: str, too_large: str) -> None:
    assert largest in ACCELERATORS
    assert too_large not in ACCELERATORS


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("v6e2x4", "did you mean v6e-2x4?"),
        ("v6e-2x2x1", "did you mean v6e-2x2? choose one of v6e-1x1, v6e-2x2, v6e-2x4"),
        ("v5p-2x4", "choose one of v5p-2x2x1"),
        ("abacus", "choose one of v4-2x2x1, v5e"),
    ],
)
def test_name_that_is_not_in_the_table_is_refused_with_a_near_one(name: str, hint: str) -> None:
    with pytest.raises(SettingsError, match="must be a generation and a topology") as refused:
        find_accelerator(name)
    assert hint in str(refused.value)


def test_a_chip_of_ironwood_is_two_devices_that_share_its_memory() -> None:
    accelerator = find_accelerator("tpu7x-2x2x1")
    assert (accelerator.chips, accelerator.devices, accelerator.device_bytes) == (4, 8, 96e9)


def test_a_cpu_has_no_limit_and_asks_for_nothing() -> None:
    accelerator = find_accelerator("cpu")
    assert (accelerator.devices, accelerator.device_bytes, accelerator.node_labels) == (1, None, {})
    assert accelerator.generation.resource == ""


def test_devices_are_known_by_what_jax_calls_them() -> None:
    kinds = ("TPU v4", "TPU v5", "TPU v6 lite", "cpu")
    named = {kind: generation.name for kind in kinds if (generation := find_generation(kind))}
    assert named == {"TPU v4": "v4", "TPU v5": "v5p", "TPU v6 lite": "v6e", "cpu": "cpu"}
    gpus = ("NVIDIA H200", "NVIDIA H100 PCIe", "NVIDIA L40S", "NVIDIA L4", "NVIDIA A100-SXM4-40GB")
    found = [find_generation(kind) for kind in gpus]
    assert [generation.name for generation in found if generation] == ["h200", "h100", "l40s", "l4", "a100"]
    assert find_generation("NVIDIA L40") is None
    every_kind = [kind for generation in GENERATIONS.values() for kind in generation.kinds]
    assert len(every_kind) == len({*every_kind})
