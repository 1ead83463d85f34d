"""How fast it goes, against estimates of the TPU compiler and hand-worked numbers."""

import dataclasses

import pytest

from byheart.machines.accelerators import ACCELERATORS
from byheart.machines.generation import GB
from byheart.machines.layout import Layout
from byheart.machines.mesh import Mesh
from byheart.machines.speed import Speed, estimate_duration, estimate_link_seconds, estimate_speed
from tests.models.known_shapes import workload

# Cycles of a batch on each device, as the compiler estimates them for programs of byheart.desk.ahead: windows of
# 100 tokens in bfloat16, a top k of 40; and those of the kernels, by the static profile on v6e, as many for half of the
# windows on others: attention a layer, and the statistics of four times 800 rows. Then the chips' clock, and by how
# many cycles gathers are longer than what the program has put beside them, by the ring model of the links: of a batch,
# the head's included.
STATISTICS = 4 * 983_337
KERNELS_8B, KERNELS_70B = 32 * 419_209 + STATISTICS, 80 * 524_788 + STATISTICS
WHOLE = Layout(data=8, model=1, gather=False, batch_size=512)
GATHERED = Layout(data=8, model=1, gather=True, batch_size=512)
COMPILED = [
    ("llama-3.1-8b", "v6e-2x4", WHOLE, 209_014_766 + KERNELS_8B, 1.75e9, 0),
    ("llama-3.1-8b", "v5e-2x4", dataclasses.replace(GATHERED, batch_size=256), 375_514_373 + KERNELS_8B, 1.5e9, 35e6),
    ("llama-3.1-70b", "v6e-2x4", GATHERED, 2_193_140_031 + KERNELS_70B, 1.75e9, 142e6),
    (
        "llama-3.1-70b",
        "v5p-2x2x1",
        dataclasses.replace(GATHERED, data=4, batch_size=128),
        1_830_046_933 + KERNELS_70B,
        1.75e9,
        175e6,
    ),
]

# Windows a second and chip, and MFU, from the compiler's cycle counts for a prototype and a ring model of the links;
# without a top k.
ESTIMATED = [
    ("llama-3.1-8b", "v6e-2x4", Layout(data=1, model=8, gather=False, batch_size=1), 36, 0.06),
    ("llama-3.1-8b", "v6e-2x4", Layout(data=1, model=8, gather=False, batch_size=64), 96, 0.15),
    ("llama-3.1-70b", "v6e-2x4", Layout(data=1, model=8, gather=False, batch_size=1), 6, 0.09),
]


def speed_of(name: str, accelerator: str, layout: Layout, top_k: int = 0) -> Speed:
    return estimate_speed(workload(name), layout, ACCELERATORS[accelerator], top_k)


@pytest.mark.parametrize(("name", "accelerator", "layout", "cycles", "hertz", "waited"), COMPILED)
def test_batch_takes_the_cycles_of_the_compiler_within_10_percent(
    name: str, accelerator: str, layout: Layout, cycles: int, hertz: float, waited: float
) -> None:
    estimate = speed_of(name, accelerator, layout, top_k=40)
    assert estimate.batch == pytest.approx((cycles + waited) / hertz, rel=0.10)


@pytest.mark.parametrize(("name", "accelerator", "layout", "rate", "mfu"), ESTIMATED)
def test_rate_is_within_10_percent_of_the_compilers_estimate(
    name: str, accelerator: str, layout: Layout, rate: float, mfu: float
) -> None:
    estimate = speed_of(name, accelerator, layout)
    assert estimate.windows_per_second / ACCELERATORS[accelerator].chips == pytest.approx(rate, rel=0.10)
    assert estimate.mfu == pytest.approx(mfu, abs=0.015)


@pytest.mark.parametrize(("accelerator", "windows"), [("v6e-2x4", 45), ("v5p-2x2x1", 19), ("v5e-2x4", 19)])
@pytest.mark.parametrize("name", ["llama-3.1-8b", "llama-3.1-70b"])
def test_gathers_hide_behind_so_many_windows_whatever_the_models_size(
    name: str, accelerator: str, windows: int
) -> None:
    tpu_slice, work = ACCELERATORS[accelerator], workload(name)
    mesh = Mesh(data=tpu_slice.devices, model=1, gather=True)
    links = estimate_link_seconds(work, mesh, 1, tpu_slice.generation.link_bytes_per_second)
    assert links / (work.flops_per_window / tpu_slice.generation.peak_flops) == pytest.approx(windows, abs=2)


def test_batch_is_added_up_as_worked_by_hand() -> None:
    # 8B on one v6e: 64 windows of 1.44 TFLOP at 77% of 918 TFLOP/s; 16.06 GB at 80% of 1,640 GB/s; logits of 64 x 50
    # rows of 128,256 in float32, 0.8 times, at 36% of that.
    estimate = speed_of("llama-3.1-8b", "v6e-1x1", Layout(data=1, model=1, gather=False, batch_size=64), top_k=40)
    assert estimate.arithmetic == pytest.approx(64 * 1.4397e12 / (0.77 * 918e12), rel=1e-3)
    assert estimate.memory == pytest.approx(16.06 / (0.8 * 1640), rel=1e-3)
    assert estimate.selection == pytest.approx(0.8 * 4 * 64 * 50 * 128_256 / (0.36 * 1640e9), rel=1e-3)
    assert estimate.links == 0
    assert estimate.batch == pytest.approx(estimate.arithmetic + estimate.selection)
    assert estimate.windows_per_second == pytest.approx(64 / estimate.batch)
    assert estimate.bound_by == "arithmetic"


@pytest.mark.parametrize(
    ("accelerator", "cycles", "hertz"), [("v6e-1x1", 613_690, 1.75e9), ("v5e-1x1", 1_043_154, 1.5e9)]
)
def test_one_pass_of_the_top_k_takes_what_the_compiler_estimates(
    accelerator: str, cycles: int, hertz: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BYHEART_KERNELS", "0")
    estimate = speed_of("llama-3.1-8b", accelerator, Layout(data=1, model=1, gather=False, batch_size=8), top_k=40)
    assert estimate.selection / 7 == pytest.approx(cycles / hertz, rel=0.02)


def test_arithmetic_takes_what_the_compiler_estimates_for_this_decoder() -> None:
    # A layer on 64 windows on v6e, with its kernel; all of the head but its statistics.
    estimate = speed_of("llama-3.1-8b", "v6e-1x1", Layout(data=1, model=1, gather=False, batch_size=64))
    assert estimate.batch == pytest.approx((32 * (6_274_592 + 419_209) + 4 * 1_942_716 + 283_007) / 1.75e9, rel=0.05)


def test_statistics_take_what_the_profile_of_their_kernel_tells() -> None:
    layout = Layout(data=1, model=1, gather=False, batch_size=64)
    estimate = speed_of("llama-3.1-8b", "v6e-1x1", layout, top_k=40)
    assert estimate.selection == pytest.approx(STATISTICS / 1.75e9, rel=0.05)


def test_whole_vocabulary_needs_no_choice() -> None:
    layout = Layout(data=1, model=1, gather=False, batch_size=8)
    assert speed_of("llama-3.1-8b", "v6e-1x1", layout, top_k=128_256).selection == 0


def test_one_window_is_bound_by_memory_and_few_gathered_ones_by_links() -> None:
    assert speed_of("llama-3.1-8b", "v6e-1x1", Layout(data=1, model=1, gather=False, batch_size=1)).bound_by == "memory"
    assert speed_of("llama-3.1-8b", "v6e-2x4", Layout(data=8, model=1, gather=True, batch_size=64)).bound_by == "links"


def test_smallest_models_wait_for_the_host() -> None:
    estimate = speed_of("smollm2-135m", "v6e-2x4", Layout(data=8, model=1, gather=False, batch_size=8))
    assert (estimate.batch, estimate.bound_by) == (2e-3, "the host")


def test_sums_of_tensor_parallel_are_those_worked_by_hand() -> None:
    # Two a layer of 64 x 99 x 4,096 bfloat16, each 7/8 of the way out and 7/8 back, and 20 microseconds.
    mesh = Mesh(data=1, model=8, gather=False)
    each = 64 * 99 * 4096 * 2 * 2 * 7 / 8 / 180e9 + 20e-6
    assert estimate_link_seconds(workload("llama-3.1-8b"), mesh, 64, 180 * GB) == pytest.approx(64 * each)


def test_float32_takes_as_many_passes_as_the_generation_needs() -> None:
    layout = Layout(data=1, model=1, gather=False, batch_size=64)
    wide = estimate_speed(workload("llama-3.1-8b", precision="float32"), layout, ACCELERATORS["v6e-1x1"], 0)
    assert wide.arithmetic == pytest.approx(6 * speed_of("llama-3.1-8b", "v6e-1x1", layout).arithmetic)


def test_a_chip_of_ironwood_is_as_fast_as_both_its_devices() -> None:
    chip = speed_of("llama-3.1-8b", "tpu7x-1x1x1", Layout(data=2, model=1, gather=False, batch_size=128))
    assert chip.arithmetic == pytest.approx(128 * 1.4397e12 / (0.77 * 2307e12), rel=1e-3)


def test_run_compiles_while_it_loads_then_scores_and_all_chips_are_paid_for() -> None:
    estimate = speed_of("llama-3.1-8b", "v6e-2x4", Layout(data=8, model=1, gather=False, batch_size=512))
    run = estimate_duration(workload("llama-3.1-8b"), estimate, 50_000, ACCELERATORS["v6e-2x4"])
    assert run.load == pytest.approx(16.06, rel=1e-3)
    assert run.compile == 60
    assert run.score == pytest.approx(50_000 / estimate.windows_per_second)
    assert run.total == pytest.approx(60 + run.score), "it loads meanwhile"
    large = estimate_duration(workload("llama-3.1-70b"), estimate, 50_000, ACCELERATORS["v6e-2x4"])
    assert large.total == pytest.approx(large.load + large.score), "it compiles meanwhile"
    assert run.chip_hours(ACCELERATORS["v6e-2x4"]) == pytest.approx(run.total * 8 / 3600)


def test_float32_with_weights_in_16_bits_takes_the_cycles_of_the_compiler_within_10_percent() -> None:
    """Those of the program without its kernels, of which the profile in float32 is not known."""
    work = workload("llama-3.1-8b", precision="float32")
    held = dataclasses.replace(work, published_bytes=2 * work.parameters)
    estimate = estimate_speed(held, WHOLE, ACCELERATORS["v6e-2x4"], top_k=40)
    assert estimate.batch == pytest.approx(661_214_534 / 1.75e9, rel=0.10)
