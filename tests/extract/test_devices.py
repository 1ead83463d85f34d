"""What is said where the accelerator that was planned is not there.

The devices stand for chips that no machine here has: JAX's own are asked for nothing but their kind and platform.
"""

import dataclasses
import os
import re
import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import jax
import pytest

from byheart.components.extract import devices
from byheart.components.extract.devices import Surroundings, check_devices, find_devices, find_planned_devices
from byheart.contracts.errors import DeviceError
from byheart.contracts.plan import PlannedDevices
from byheart.machines.accelerators import GENERATIONS, ONE_HOST, find_accelerator
from tests.conftest import ROOT


@dataclasses.dataclass(frozen=True)
class Device:
    device_kind: str
    platform: str


def some(count: int, kind: str, platform: str) -> list[jax.Device]:
    return [Device(kind, platform)] * count


SEEN = Surroundings(
    uid=65532,
    memlock=(65536, 65536),
    files={"/dev/vfio/0": "crw------- 0:0", "/dev/vfio/vfio": "crw-rw-rw- 0:0"},
    variables={"TPU_WORKER_ID": "0"},
    has_libtpu=True,
    has_cuda=False,
    is_pod=True,
)


def said(accelerator: str, found: list[jax.Device]) -> str:
    with pytest.raises(DeviceError) as caught:
        check_devices(find_accelerator(accelerator), found)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("accelerator", [one for one in ONE_HOST.values() if one.is_tpu], ids=lambda one: one.name)
def test_slice_that_is_there_is_taken_and_one_of_other_size_or_kind_refused(accelerator: object) -> None:
    wanted = find_accelerator(accelerator.name)  # type: ignore[attr-defined]
    for kind in wanted.generation.kinds:
        check_devices(wanted, some(wanted.devices, kind, "tpu"))
        with pytest.raises(DeviceError, match=f"found {wanted.devices + 1} of {kind} "):
            check_devices(wanted, some(wanted.devices + 1, kind, "tpu"))
    for other in GENERATIONS.values():
        if other != wanted.generation and other.kinds:
            with pytest.raises(DeviceError):
                check_devices(wanted, some(wanted.devices, other.kinds[0], "tpu"))


def test_gpus_of_any_kind_are_taken_but_not_fewer() -> None:
    check_devices(find_accelerator("gpu-2"), some(2, "NVIDIA H200", "gpu"))
    check_devices(find_accelerator("gpu-2"), some(8, "NVIDIA L4", "gpu"))
    assert "accelerator gpu-2 must give 2 devices, found 1 of NVIDIA L4 (" in said("gpu-2", some(1, "NVIDIA L4", "gpu"))
    assert "found 2 of TPU v4 (" in said("gpu-2", some(2, "TPU v4", "tpu"))


def test_plan_for_a_cpu_takes_cpus_alone() -> None:
    check_devices(find_accelerator("cpu"), some(8, "cpu", "cpu"))
    assert "accelerator cpu must give 1 device of cpu, found 8 of TPU v6 lite" in said(
        "cpu", some(8, "TPU v6 lite", "tpu")
    )
    assert said("cpu", []).endswith("): let JAX use the CPU: set JAX_PLATFORMS=cpu, or unset it")
    assert find_devices(find_accelerator("cpu")) == jax.devices("cpu")


def planned(data: int = 1, model: int = 1, device_bytes: float = 20e9) -> PlannedDevices:
    return PlannedDevices(
        flavour="cuda", data=data, model=model, gather=False, batch_size=64, device_bytes=device_bytes
    )


@dataclasses.dataclass(frozen=True)
class Gpu(Device):
    """One that tells how much memory it has, or does not."""

    memory: float | None

    def memory_stats(self) -> dict[str, float] | None:
        return {"bytes_limit": self.memory} if self.memory else None


def test_exactly_as_many_devices_are_taken_as_were_planned_for(monkeypatch: pytest.MonkeyPatch) -> None:
    there = [Gpu("NVIDIA L4", "gpu", memory) for memory in (24e9, 21e9, None, 1e9)]
    monkeypatch.setattr(jax, "devices", lambda: there)
    assert find_planned_devices(find_accelerator("gpu-2"), planned(data=2)) == there[:2]
    assert find_planned_devices(find_accelerator("gpu-2"), planned(model=3)) == there[:3]
    with pytest.raises(DeviceError, match=r"5 devices of gpu-2 must be there, as planned, found 4: "):
        find_planned_devices(find_accelerator("gpu-2"), planned(data=5))


def test_device_must_have_the_memory_that_was_planned_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """And what a plan leaves free."""
    monkeypatch.setattr(jax, "devices", lambda: [Gpu("NVIDIA T4", "gpu", 16e9)])
    find_planned_devices(find_accelerator("gpu-1"), planned(device_bytes=15.5e9))
    with pytest.raises(
        DeviceError,
        match=r"a device must have 15.6 GB for the model and 64 windows, .* gpu-1, found 16.0 GB on NVIDIA T4, of",
    ):
        find_planned_devices(find_accelerator("gpu-1"), planned(device_bytes=15.6e9))


def test_device_whose_allocator_has_no_limit_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    class Unlimited(Gpu):
        def memory_stats(self) -> dict[str, float]:
            return {"bytes_in_use": 0}

    there = [Unlimited("NVIDIA L4", "gpu", None)]
    monkeypatch.setattr(jax, "devices", lambda: there)
    assert find_planned_devices(find_accelerator("gpu-1"), planned()) == there


@pytest.fixture
def refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """A TPU that JAX cannot open, in a pod."""

    def fail(_: str = "") -> list[jax.Device]:
        raise RuntimeError("Backend 'tpu' failed to initialize:\n PERMISSION_DENIED: /dev/vfio/0")

    monkeypatch.setattr(jax, "devices", fail)
    monkeypatch.setattr(Surroundings, "look", lambda: SEEN)


@pytest.mark.usefixtures("refused")
def test_what_jax_says_where_it_cannot_start_is_said() -> None:
    with pytest.raises(
        DeviceError, match=r"found none, since JAX says: Backend 'tpu' failed to initialize: PERMISSION_"
    ):
        find_devices(find_accelerator("v6e-1x1"))


HELD = "The TPU is already in use by process with pid 2718466. Not attempting to load libtpu.so in this process."
GPU_FILES = {"/dev/nvidia0": "crw-rw-rw- 0:0"}
NO_CHIP = {"/dev/vfio/vfio": "crw-rw-rw- 0:0"}


@pytest.mark.parametrize(
    ("accelerator", "reason", "seen", "may_pass"),
    [
        # messages of JAX, as they stand in reports of its users
        ("v6e-1x1", f"ABORTED: {HELD}", {}, True),
        (
            "v6e-1x1",
            "FAILED_PRECONDITION: TPU initialization failed: open(/dev/vfio/0): Device or resource busy",
            {},
            True,
        ),
        ("gpu-1", "FAILED_PRECONDITION: No visible GPU devices.", {"files": GPU_FILES, "has_cuda": True}, True),
        ("v6e-1x1", "UNKNOWN: TPU initialization failed: open(/dev/vfio/0): Operation not permitted", {}, False),
        ("v6e-1x1", "PERMISSION_DENIED: /dev/vfio/0", {}, False),
        ("v6e-1x1", "INTERNAL: Couldn't map DMA buffer: Cannot allocate memory", {}, False),
        ("v6e-1x1", "INTERNAL: Failed to open libtpu.so: wrong ELF class", {}, False),
        ("v6e-1x1", "Unknown backend tpu", {}, False),
        ("v6e-1x1", f"ABORTED: {HELD}", {"files": NO_CHIP}, False),
        ("gpu-1", "FAILED_PRECONDITION: No visible GPU devices.", {"files": {}, "has_cuda": True}, False),
        ("gpu-1", "Unknown backend cuda", {"files": GPU_FILES, "has_cuda": False}, False),
        ("cpu", f"ABORTED: {HELD}", {}, False),
    ],
)
def test_accelerator_that_is_held_or_not_ready_is_tried_again_and_one_that_is_missing_or_forbidden_is_not(
    accelerator: str, reason: str, seen: dict[str, object], may_pass: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: str = "") -> list[jax.Device]:
        raise RuntimeError(f"Unable to initialize backend: {reason}")

    monkeypatch.setattr(jax, "devices", fail)
    monkeypatch.setattr(Surroundings, "look", lambda: dataclasses.replace(SEEN, **seen))  # type: ignore[arg-type]
    attempts: list[Callable[[], object]] = [lambda: find_devices(find_accelerator(accelerator))]
    if accelerator.startswith("v"):  # JAX falls back to the CPU unless it is told what to use
        attempts.append(lambda: check_devices(find_accelerator(accelerator), some(1, "cpu", "cpu")))
    for attempt in attempts:
        with pytest.raises(DeviceError) as caught:
            attempt()
        assert caught.value.may_pass == may_pass
        assert str(caught.value).endswith(": end what uses it, or run again") == may_pass


def test_accelerator_of_another_kind_or_count_is_refused_for_good(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Surroundings, "look", lambda: SEEN)
    monkeypatch.setattr(jax, "devices", lambda _: some(4, "TPU v6 lite", "tpu"))
    for found in (some(4, "TPU v6 lite", "tpu"), some(8, "TPU v4", "tpu"), some(1, "cpu", "cpu")):
        with pytest.raises(DeviceError) as caught:
            check_devices(find_accelerator("v6e-2x4"), found)
        assert not caught.value.may_pass


@pytest.mark.parametrize("accelerator", ["cpu", "gpu-1"])
def test_jax_does_not_speak_of_tpus_where_none_are_wanted(accelerator: str) -> None:
    code = "import logging; logging.basicConfig(level=logging.INFO)\n"  # as Kubeflow's launcher has it
    code += "from byheart.components.extract.devices import find_devices\n"
    code += "from byheart.machines.accelerators import find_accelerator\n"
    code += f"print(find_devices(find_accelerator({accelerator!r})))"
    environment = {**os.environ, "JAX_PLATFORMS": ""}
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert ("CpuDevice(id=0)" in done.stdout) == (accelerator == "cpu")
    assert ("DeviceError: accelerator gpu-1 must give" in done.stderr) == (accelerator == "gpu-1")
    assert "libtpu.so" not in done.stderr


@pytest.mark.usefixtures("refused")
def test_everything_that_was_seen_is_said_on_one_line() -> None:
    assert said("v6e-2x4", some(1, "cpu", "cpu")) == (
        "accelerator v6e-2x4 must give 8 devices of TPU v6 lite, found 1 of cpu, since JAX says: Backend 'tpu' failed "
        "to initialize: PERMISSION_DENIED: /dev/vfio/0 (uid 65532; RLIMIT_MEMLOCK 65,536 bytes, at most 65,536 bytes; "
        "/dev/vfio/0 crw------- 0:0, /dev/vfio/vfio crw-rw-rw- 0:0; TPU_WORKER_ID=0; libtpu is installed): the user "
        "may be kept from the device: compile with --run-as 0, or raise RLIMIT_MEMLOCK; else see that the pod asks for "
        "google.com/tpu=8 on a node with cloud.google.com/gke-tpu-accelerator=tpu-v6e-slice, "
        "cloud.google.com/gke-tpu-topology=2x4"
    )


@pytest.mark.parametrize(
    ("seen", "remedy"),
    [
        (
            {"files": {"/dev/vfio/vfio": "crw-rw-rw- 0:0"}},
            "the pod has no such device: let it ask for google.com/tpu=1",
        ),
        ({"has_libtpu": False}, "the image cannot drive TPUs: build the extract image with --jax tpu"),
        ({"uid": 0}, "see that the pod asks for google.com/tpu=1 on a node with "),
    ],
)
def test_remedy_is_for_what_is_missing(seen: dict[str, object], remedy: str, monkeypatch: pytest.MonkeyPatch) -> None:
    found = dataclasses.replace(SEEN, **seen)  # type: ignore[arg-type]
    monkeypatch.setattr(Surroundings, "look", lambda: found)
    assert f"): {remedy}" in said("v5e-1x1", some(1, "cpu", "cpu"))


@pytest.mark.parametrize(
    ("files", "has_cuda", "remedy"),
    [
        (
            0,
            True,
            "the pod has no such device: let it ask for nvidia.com/gpu=2 on a node with cloud.google.com/gke-acc",
        ),
        (2, False, "the image cannot drive GPUs: build the extract image with --jax cuda12"),
        (1, True, "the pod has 1 of 2 GPUs: let it ask for nvidia.com/gpu=2, or choose a smaller slice"),
        (2, True, "see with nvidia-smi that the driver knows CUDA 12"),
    ],
)
def test_remedy_for_a_gpu_is_a_gpus(files: int, has_cuda: bool, remedy: str, monkeypatch: pytest.MonkeyPatch) -> None:
    held = {f"/dev/nvidia{number}": "crw-rw-rw- 0:0" for number in range(files)}
    found = dataclasses.replace(SEEN, files=held, variables={}, has_libtpu=False, has_cuda=has_cuda)
    monkeypatch.setattr(Surroundings, "look", lambda: found)
    message = said("gpu-2", some(1, "cpu", "cpu"))
    assert f"): {remedy}" in message
    assert not re.search("run-as|jax tpu|google.com/tpu", message)


@pytest.mark.parametrize(
    ("accelerator", "seen", "remedy"),
    [
        ("gpu-1", {"files": {}}, "this machine has no such device: leave accelerator= out, which takes what is there"),
        (
            "gpu-1",
            {"has_cuda": False},
            "byheart cannot drive GPUs as it is installed: install it with [cuda12] or [cuda13]",
        ),
        ("gpu-2", {}, "this machine has 1 of 2 GPUs: leave accelerator= out"),
        ("gpu-1", {}, "see with nvidia-smi that the driver knows CUDA 12"),
        ("v5e-1x1", {"has_libtpu": False}, "byheart cannot drive TPUs as it is installed: install it with [tpu], or"),
        ("v5e-1x1", {}, "see that this user may open the device, and that no other process holds it"),
    ],
)
def test_remedy_at_a_desk_speaks_of_no_pod(
    accelerator: str, seen: dict[str, object], remedy: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = dataclasses.replace(SEEN, is_pod=False, files={"/dev/nvidia0": "crw-rw-rw- 0:0"}, has_cuda=True)
    monkeypatch.setattr(Surroundings, "look", lambda: dataclasses.replace(desk, **seen))  # type: ignore[arg-type]
    message = said(accelerator, some(1, "cpu", "cpu"))
    assert f"): {remedy}" in message
    assert not re.search("pod|image|node", message.rpartition("): ")[2])


def test_surroundings_are_those_of_this_process(tmp_path: Path) -> None:
    (tmp_path / "vfio").mkdir()
    for name, mode in (("vfio/0", 0o600), ("vfio/vfio", 0o666), ("accel3", 0o640), ("null", 0o666)):
        (tmp_path / name).touch()
        (tmp_path / name).chmod(mode)
    seen = Surroundings.look(tmp_path, {"TPU_WORKER_ID": "0", "HF_TOKEN": "a secret"})
    owner = f"{os.getuid()}:{os.getgid()}"
    assert seen.files == {
        f"{tmp_path}/vfio/0": f"-rw------- {owner}",
        f"{tmp_path}/vfio/vfio": f"-rw-rw-rw- {owner}",
        f"{tmp_path}/accel3": f"-rw-r----- {owner}",
    }
    assert seen.chips == [f"{tmp_path}/vfio/0", f"{tmp_path}/accel3"]
    assert seen.uid == os.getuid()
    assert seen.memlock == resource.getrlimit(resource.RLIMIT_MEMLOCK)
    assert "TPU_WORKER_ID=0" in seen.description
    assert "secret" not in seen.description


def test_unlimited_memory_is_called_so() -> None:
    unlimited = dataclasses.replace(SEEN, memlock=(8_388_608, resource.RLIM_INFINITY))
    assert "RLIMIT_MEMLOCK 8,388,608 bytes, at most unlimited" in unlimited.description


def test_library_that_drives_tpus_is_seen_where_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "libtpu").mkdir()
    (tmp_path / "libtpu" / "__init__.py").touch()
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    assert devices.Surroundings.look(tmp_path).has_libtpu
    assert re.search("libtpu is installed$", Surroundings.look(tmp_path).description)
