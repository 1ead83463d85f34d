"""Which layout is chosen, which is obeyed, and what is refused in which words."""

from typing import Any

import pytest

from byheart.contracts.errors import ModelError, SettingsError
from byheart.machines.accelerators import find_accelerator
from byheart.machines.layout import Layout, choose_layout, find_least_memory, find_smallest_slice
from byheart.machines.memory import RESERVE, estimate_memory
from byheart.machines.mesh import Mesh
from byheart.models.parameters import leaves
from tests.machines.test_workload import EIGHT_EXPERTS, TINY
from tests.models.known_shapes import CONFIGS, workload


def choose(model: str | dict[str, Any], accelerator: str, mesh_shape: str = "auto", batch_size: int = 0) -> Layout:
    """What `extract` and `plan` call, with an accelerator's numbers."""
    tpu_slice, work = find_accelerator(accelerator), workload(model)
    windows = tpu_slice.generation.windows_per_device
    return choose_layout(work, tpu_slice.devices, tpu_slice.device_bytes, windows, mesh_shape, batch_size)


@pytest.mark.parametrize(
    ("model", "accelerator", "layout"),
    [
        ("llama-3.1-8b", "v6e-1x1", Layout(data=1, model=1, gather=False, batch_size=64)),
        ("llama-3.1-8b", "v6e-2x4", Layout(data=8, model=1, gather=False, batch_size=512)),
        ("llama-3.1-8b", "v5e-2x4", Layout(data=8, model=1, gather=True, batch_size=256)),
        ("llama-3.1-70b", "v6e-2x4", Layout(data=8, model=1, gather=True, batch_size=512)),
        ("llama-3.1-70b", "v5p-2x2x1", Layout(data=4, model=1, gather=True, batch_size=128)),
        ("smollm2-135m", "cpu", Layout(data=1, model=1, gather=False, batch_size=16)),
    ],
)
def test_weights_are_whole_where_they_fit_and_gathered_elsewhere(model: str, accelerator: str, layout: Layout) -> None:
    assert choose(model, accelerator) == layout


@pytest.mark.parametrize(
    ("mesh_shape", "layout"),
    [
        ("8x1", Layout(data=8, model=1, gather=False, batch_size=512)),
        ("4x2", Layout(data=4, model=2, gather=False, batch_size=256)),
        ("1x8", Layout(data=1, model=8, gather=False, batch_size=64)),
    ],
)
def test_mesh_that_is_asked_for_is_obeyed(mesh_shape: str, layout: Layout) -> None:
    assert choose("llama-3.1-8b", "v6e-2x4", mesh_shape) == layout


@pytest.mark.parametrize(
    ("mesh_shape", "said"),
    [
        ("4x4", "must multiply to the number of devices, 8, found 4x4, which is 16: write auto, 8x1 or 1x8"),
        ("0x8", "must be auto or DATAxMODEL, found '0x8': write 8x1"),
        ("8", "must be auto or DATAxMODEL, found '8'"),
        ("8X1", "must be auto or DATAxMODEL, found '8X1'"),
        ("1x8\n", "must be auto or DATAxMODEL"),
        ("-1x-8", "must be auto or DATAxMODEL"),
    ],
)
def test_mesh_that_is_none_of_these_devices_is_refused(mesh_shape: str, said: str) -> None:
    with pytest.raises(SettingsError) as refused:
        choose("llama-3.1-8b", "v6e-2x4", mesh_shape)
    assert f"mesh_shape {said}" in str(refused.value)


def test_tensor_parallel_must_divide_heads_kv_heads_and_ffn() -> None:
    with pytest.raises(SettingsError, match=r"divides heads \(9\) and kv_heads \(3\), found 4 in 1x4: lower it"):
        choose("smollm2-135m", "v6e-2x2", "1x4")
    with pytest.raises(SettingsError, match=r"divides kv_heads \(8\), found 16 in 1x16"):
        choose_layout(workload("llama-3.1-70b"), 16, 32e9, 64, "1x16")


def test_batch_that_is_asked_for_is_obeyed_and_must_be_shared_evenly() -> None:
    assert choose("llama-3.1-8b", "v6e-2x4", batch_size=24).batch_size == 24
    assert choose("llama-3.1-8b", "v6e-2x4", "1x8", batch_size=1).windows_per_device == 1
    with pytest.raises(SettingsError, match="multiple of the 8 devices that share a batch, found 20: choose 24, or 0"):
        choose("llama-3.1-8b", "v6e-2x4", batch_size=20)


def test_batch_is_halved_until_it_fits() -> None:
    work, alone = workload("llama-3.1-8b"), Mesh(data=1, model=1, gather=False)
    room = estimate_memory(work, alone, 32).total / (1 - RESERVE)
    assert choose_layout(work, 1, room * 1.0001, 64).batch_size == 32
    assert choose_layout(work, 1, room * 0.9999, 64).batch_size == 16


def test_weights_are_gathered_rather_than_whole_with_room_for_few_windows() -> None:
    work, whole = workload("llama-3.1-8b"), Mesh(data=8, model=1, gather=False)
    room = estimate_memory(work, whole, 8 * 8).total / (1 - RESERVE)
    assert choose_layout(work, 8, room * 1.0001, 64) == Layout(data=8, model=1, gather=False, batch_size=64)
    assert choose_layout(work, 8, room * 0.9999, 64) == Layout(data=8, model=1, gather=True, batch_size=512)


def test_layers_are_split_only_where_two_of_them_do_not_fit_beside_their_shares() -> None:
    wide = CONFIGS["llama-3.1-8b"] | {"num_hidden_layers": 2, "intermediate_size": 2**20}
    assert choose(wide, "v5e-2x4") == Layout(data=2, model=4, gather=False, batch_size=16)
    for mesh in (Mesh(data=8, model=1, gather=True), Mesh(data=4, model=2, gather=False)):
        assert estimate_memory(workload(wide), mesh, mesh.window_shards).total > 16e9 * (1 - RESERVE)


def test_model_that_does_not_fit_is_refused_with_the_slice_that_holds_it() -> None:
    with pytest.raises(ModelError) as refused:
        choose("llama-3.1-70b", "v5e-2x4")
    for phrase in (
        "70,553,706,496 parameters in bfloat16 needs 17.6 GB a device",
        "on 8 ",
        "found 16.0 GB, of which 3%",
    ):
        assert phrase in str(refused.value)
    assert str(refused.value).endswith("the smallest slice that holds it is v6e-2x4")


@pytest.mark.parametrize(
    ("model", "accelerator", "remedy"),
    [
        ("llama-3.1-8b", "rtx4090-1-16gb", "rtx4090-2-16gb holds it"),
        ("llama-3.1-8b", "gpu-1-12gb", "gpu-2-12gb holds it"),
        ("llama-3.1-70b", "h100-1", "h100-4 holds it"),
        ("llama-3.1-70b", "rtx3090-2", "rtx3090-8 holds it"),
    ],
)
def test_who_has_too_few_gpus_is_told_how_many_hold_the_model(model: str, accelerator: str, remedy: str) -> None:
    gpus, work = find_accelerator(accelerator), workload(model)
    windows = gpus.generation.windows_per_device
    with pytest.raises(ModelError) as refused:
        choose_layout(work, gpus.devices, gpus.device_bytes, windows, generation=gpus.generation)
    assert str(refused.value).endswith(f": {remedy}")


def test_model_that_no_gpus_hold_is_refused_so() -> None:
    gpus, work = find_accelerator("h200-8"), workload(CONFIGS["llama-3.1-70b"] | {"num_hidden_layers": 1000})
    with pytest.raises(ModelError, match="no GPUs of one host hold it: choose a smaller model"):
        choose_layout(work, 8, gpus.device_bytes, 64, generation=gpus.generation)


def test_model_that_nothing_holds_is_refused_so() -> None:
    with pytest.raises(ModelError, match="no slice of one host holds it: choose a smaller model"):
        choose(CONFIGS["llama-3.1-70b"] | {"num_hidden_layers": 800}, "v6e-2x4")


def test_mesh_that_is_asked_for_and_too_large_points_to_auto() -> None:
    with pytest.raises(ModelError, match=r"weights whole on each device, a batch of 8.*: mesh_shape=auto fits"):
        choose("llama-3.1-70b", "v6e-2x4", "8x1")


def test_batch_that_is_asked_for_and_too_large_is_to_be_lowered() -> None:
    with pytest.raises(ModelError, match=r"a batch of 80,000\), found .*: lower batch_size, or set it to 0"):
        choose("llama-3.1-8b", "v6e-2x4", batch_size=80_000)


def test_a_host_without_a_limit_holds_everything() -> None:
    assert choose_layout(workload("llama-3.1-70b"), 4, None, 16) == Layout(data=4, model=1, gather=False, batch_size=64)


@pytest.mark.parametrize(
    ("name", "smallest"),
    [("smollm2-135m", "v5e-1x1"), ("llama-2-13b", "v6e-1x1"), ("llama-3.1-8b", "v6e-1x1"), ("llama-2-70b", "v6e-2x4")],
)
def test_smallest_slice_holds_a_model_with_room_for_eight_windows(name: str, smallest: str) -> None:
    accelerator = find_smallest_slice(workload(name))
    assert accelerator is not None
    assert accelerator.name == smallest
    assert choose(name, smallest).windows_per_device >= 8


def test_the_least_that_a_model_needs_is_less_than_what_it_is_given() -> None:
    work = workload("llama-3.1-70b")
    assert (
        work.weight_bytes / 8
        < find_least_memory(work, 8).total
        < estimate_memory(work, choose("llama-3.1-70b", "v6e-2x4"), 512).total
    )


GATHERED, SPLIT = Mesh(data=8, model=1, gather=True), Mesh(data=1, model=8, gather=False)
LLAMAS = [name for name, config in CONFIGS.items() if config["model_type"] == "llama"]
MESHES = [(name, GATHERED) for name in LLAMAS]
MESHES += [(name, SPLIT) for name in LLAMAS if workload(name).decoder.kv_heads % SPLIT.model == 0]


@pytest.mark.parametrize(("name", "mesh"), MESHES)
def test_every_matrix_of_a_known_model_is_split_evenly(name: str, mesh: Mesh) -> None:
    work = workload(name)
    for parameter in leaves(work.weights):
        split = mesh.split(parameter)
        assert len(split) == len(parameter.shape)
        if len(parameter.layer_axes) == 1:
            assert not any(split)
            continue
        [(dimension, axes)] = [(dimension, axes) for dimension, axes in enumerate(split) if axes]
        assert parameter.shape[dimension] % 8 == 0
        assert axes == (("data", "model") if mesh.gather else ("model",))
        assert mesh.count_local_elements(parameter) * 8 == parameter.size


def test_gathered_weights_are_split_by_rows_and_tables_by_columns() -> None:
    weights, mesh = workload("llama-3.1-8b").weights, Mesh(data=4, model=2, gather=True)
    layer, both = weights["layers"], ("data", "model")
    assert mesh.split(weights["embed"]) == ((), both)  # a lookup wants every row
    assert mesh.split(layer["gate"]) == ((), both, ())
    assert mesh.split(layer["key"]) == ((), both, (), ())
    assert mesh.split(layer["attention_norm"]) == ((), ())
    assert Mesh(data=16, model=1, gather=True).split(layer["key"]) == ((), (), both, ())  # 8 kv heads of 128


def test_tensor_parallel_splits_what_can_be_computed_apart() -> None:
    weights, mesh = workload(TINY).weights, Mesh(data=1, model=2, gather=False)
    assert mesh.split(weights["layers"]["query"]) == ((), ("model",), (), ())
    assert mesh.split(weights["layers"]["down"]) == ((), (), ("model",))
    assert mesh.split(weights["head"]) == (("model",), ())
    routed = workload(EIGHT_EXPERTS).weights["layers"]
    assert mesh.split(routed["expert_gate"]) == ((), (), ("model",), ())
    assert mesh.split(routed["router"]) == ((), (), ())


def test_windows_are_shared_by_all_devices_or_by_rows() -> None:
    meshes = [(8, 1, False), (8, 1, True), (1, 8, False), (2, 4, False)]
    shards = [Mesh(data=data, model=model, gather=gather).window_shards for data, model, gather in meshes]
    assert shards == [8, 8, 1, 2]
