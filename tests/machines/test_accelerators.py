"""The table of accelerators, against Google Kubernetes Engine's, written out again."""

import pytest

from byheart.contracts.errors import SettingsError
from byheart.machines.accelerators import ACCELERATORS, GENERATIONS, ONE_HOST, find_accelerator, generation_of

GKE = [
    ("v4-2x2x1", "tpu-v4-podslice", "ct4p-hightpu-4t", 4, 32, 275),
    ("v5e-1x1", "tpu-v5-lite-podslice", "ct5lp-hightpu-1t", 1, 16, 197),
    ("v5e-2x2", "tpu-v5-lite-podslice", "ct5lp-hightpu-4t", 4, 16, 197),
    ("v5e-2x4", "tpu-v5-lite-podslice", "ct5lp-hightpu-8t", 8, 16, 197),
    ("v5p-2x2x1", "tpu-v5p-slice", "ct5p-hightpu-4t", 4, 95, 459),
    ("v6e-1x1", "tpu-v6e-slice", "ct6e-standard-1t", 1, 32, 918),
    ("v6e-2x2", "tpu-v6e-slice", "ct6e-standard-4t", 4, 32, 918),
    ("v6e-2x4", "tpu-v6e-slice", "ct6e-standard-8t", 8, 32, 918),
    ("tpu7x-1x1x1", "tpu7x", "tpu7x-standard-1t", 1, 192, 2307),
    ("tpu7x-2x2x1", "tpu7x", "tpu7x-standard-4t", 4, 192, 2307),
]


@pytest.mark.parametrize(("name", "label", "machine", "chips", "gigabytes", "teraflops"), GKE)
def test_slice_of_one_host_is_as_gke_has_it(
    name: str, label: str, machine: str, chips: int, gigabytes: int, teraflops: int
) -> None:
    found = find_accelerator(name)
    assert (found.chips, found.hosts, found.machine) == (chips, 1, machine)
    assert (found.generation.hbm_bytes, found.generation.peak_flops) == (gigabytes * 10**9, teraflops * 10**12)
    assert found.node_labels == {
        "cloud.google.com/gke-tpu-accelerator": label,
        "cloud.google.com/gke-tpu-topology": name.split("-")[1],
    }


def test_no_other_slices_of_one_host_are_listed() -> None:
    assert {name for name, one in ONE_HOST.items() if one.generation.resource == "google.com/tpu"} == {
        name for name, *_ in GKE
    }
    assert {"cpu", "gpu-1", "gpu-2", "gpu-4", "gpu-8"} <= ONE_HOST.keys()


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
        ("v6e-2X4", "did you mean v6e-2x4?"),
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
    found = find_accelerator("tpu7x-2x2x1")
    assert (found.chips, found.devices, found.device_bytes) == (4, 8, 96e9)


def test_a_cpu_has_no_limit_and_asks_for_nothing() -> None:
    found = find_accelerator("cpu")
    assert (found.devices, found.device_bytes, found.node_labels, found.generation.resource) == (1, None, {}, "")


def test_devices_are_known_by_what_jax_calls_them() -> None:
    named = {kind: found.name for kind in ("TPU v4", "TPU v5", "TPU v6 lite", "cpu") if (found := generation_of(kind))}
    assert named == {"TPU v4": "v4", "TPU v5": "v5p", "TPU v6 lite": "v6e", "cpu": "cpu"}
    assert generation_of("NVIDIA H200") is None
    kinds = [kind for generation in GENERATIONS.values() for kind in generation.kinds]
    assert len(kinds) == len({*kinds})
