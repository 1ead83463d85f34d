"""The plan as a page for a terminal."""

import textwrap
from collections.abc import Iterator, Sequence

from byheart.contracts.progress import duration, size
from byheart.machines.accelerators import GENERATIONS, Accelerator
from byheart.machines.layout import find_least_memory
from byheart.machines.memory import RESERVE
from byheart.machines.placement import choose_placement
from byheart.machines.planned import Planned, Refusal, Subject
from byheart.machines.speed import COMPILE_SECONDS, LOAD_BYTES_PER_SECOND
from byheart.machines.workload import HEAD_WINDOWS, Workload


def page_of(subject: Subject, asked: Planned | Refusal | None, slices: Sequence[Planned | Refusal]) -> str:
    """The page.

    Args:
        asked: on the accelerator that was named.
        slices: on each that there is.
    """
    workload = asked.workload if asked else slices[0].workload
    lines = [subject.name + (f" on {asked.accelerator.name}" if asked else ""), "", *_subject(subject, workload)]
    if asked:
        lines += [*_accelerator(asked.accelerator), ""]
        lines += _fitting(asked, subject) if isinstance(asked, Planned) else _refusing(asked)
    lines += ["", *_slices(slices, asked), "", *_assumed()]
    return "\n".join(lines)


def line_of(name: str, text: str) -> str:
    """A line of the page: what it is about, and what is said of it."""
    return f"  {name:<13}{text}"


def _subject(subject: Subject, workload: Workload) -> Iterator[str]:
    decoder, window, books = workload.decoder, subject.settings.window, subject.books
    yield line_of(
        "model",
        f"{subject.model_type}, {decoder.layers:,} layers, {workload.parameters:,} parameters, "
        f"{size(workload.weight_bytes)} in {workload.precision}",
    )
    yield line_of(
        "windows",
        f"{window.chunk_size:,} tokens{', after a BOS' if subject.has_bos else ''}; {workload.positions:,} positions "
        f"are fed, {workload.scored_tokens:,} scored; {_flops(workload.flops_per_window)} each",
    )
    counted = f"{books.number:,} book{'s' * (books.number > 1)} of" if books.number else "a book of, say,"
    yield line_of(
        "books",
        f"{counted} {books.characters:,} characters: {books.windows:,} windows, one every {window.cursor_inc:,}",
    )


def _accelerator(accelerator: Accelerator) -> Iterator[str]:
    generation = accelerator.generation
    memory = f"{size(generation.hbm_bytes)} and " if generation.hbm_bytes else ""
    yield line_of(
        "accelerator",
        f"{accelerator.name}: {accelerator.chips:,} chip{'s' * (accelerator.chips > 1)} on a host"
        f" ({generation.machines[accelerator.chips]}), {memory}{generation.peak_flops / 1e12:,.4g} TFLOP/s a chip",
    )


def _fitting(planned: Planned, subject: Subject) -> Iterator[str]:
    layout, memory, speed, time = planned.layout, planned.memory, planned.speed, planned.duration
    found = planned.accelerator.device_bytes
    yield "  It fits" + (f", with {size(found * (1 - RESERVE) - memory.total)} a device to spare." if found else ".")
    yield ""
    yield line_of("layout", f"{layout.data}x{layout.model} (data x model): {layout.description}")
    row = " for each row of devices" if layout.model > 1 else " a device"
    yield line_of("batch", f"{layout.batch_size:,} windows, {layout.windows_per_device:,}{row}")
    yield line_of("memory", f"{_gb(memory.weights)} GB a device: weights at rest")
    if memory.gathered:
        yield line_of("", f"{_gb(memory.gathered)}    two layers, gathered")
    yield line_of("", f"{_gb(memory.states)}    states beside a layer")
    yield line_of(
        "", f"{_gb(memory.head)}    or, after the layers, the head{' gathered' * layout.gather} and its logits"
    )
    of = f" of {size(found)}, of which {RESERVE:.0%} stay free" if found else " of the host's own"
    yield line_of("", f"{_gb(memory.total)}    at the worst moment{of}")
    yield line_of(
        "speed",
        f"{_rate(speed.windows_per_second)} windows/s, {_rate(speed.windows_per_second / planned.accelerator.chips)} a "
        f"chip; MFU {speed.mfu:.0%}, bound by {speed.bound_by}",
    )
    beside = [f"{name} {_batch(seconds)}" for name, seconds in (("memory", speed.memory), ("links", speed.links))]
    yield line_of(
        "",
        f"a batch takes {_batch(speed.batch)}: arithmetic {_batch(speed.arithmetic)}, top k {_batch(speed.selection)}; "
        f"beside them {', '.join(beside)}",
    )
    yield line_of(
        "time",
        f"{duration(time.total)}: load {duration(time.load)}, compile {duration(time.compile)}, score "
        f"{duration(time.score)}; {time.chip_hours(planned.accelerator):,.2f} chip-hours",
    )
    pod = choose_placement(planned, subject.settings.placement)
    chips = f"{pod.accelerator_count} {pod.accelerator_type}, " if pod.accelerator_type else ""
    yield line_of("pod", f"{chips}{pod.cpu} CPUs, {pod.memory} of memory, on a cluster")
    for label, value in pod.node_selector.items():
        yield line_of("", f"{label}={value}")


def _refusing(refusal: Refusal) -> list[str]:
    return _wrapped(f"It does not fit: {refusal.why}.")


def _slices(slices: Sequence[Planned | Refusal], asked: Planned | Refusal | None) -> Iterator[str]:
    """A row for each slice."""
    yield "  accelerator   chips   GB a device   layout   weights    batch   windows/s   MFU       time   chip-hours"
    for one in slices:
        accelerator = one.accelerator
        mark = ">" if asked and accelerator.name == asked.accelerator.name else " "
        of = f"of {accelerator.device_bytes / 1e9:3.0f}" if accelerator.device_bytes else "      "
        if isinstance(one, Refusal):
            needed = find_least_memory(one.workload, accelerator.devices).total
            yield f"{mark} {accelerator.name:<14}{accelerator.chips:>5}{needed / 1e9:>7,.1f} {of}   does not fit"
            continue
        layout, rate = one.layout, one.speed.windows_per_second
        guess = "" if accelerator.generation.measured else "~"
        weights = "gathered" if layout.gather else "whole" if layout.model == 1 else "split"
        yield (
            f"{mark} {accelerator.name:<14}{accelerator.chips:>5}{one.memory.total / 1e9:>7,.1f} {of}"
            f"   {f'{layout.data}x{layout.model}':<9}{weights:<8}{layout.batch_size:>8,}{guess + _rate(rate):>12}"
            f"{one.speed.mfu:>6.0%}{duration(one.duration.total):>11}{one.duration.chip_hours(accelerator):>13,.2f}"
        )


def _assumed() -> list[str]:
    names = [generation.name for generation in GENERATIONS.values() if generation.measured]
    fitted = f"{', '.join(names[:-1])} and {names[-1]}"
    text = f"""Assumed, not measured: no chip has been timed. Memory is added up from shapes, with the logits of
        {HEAD_WINDOWS} windows on a device at once. Speed is a roofline, brought down to what the TPU compiler's
        estimates reach on {fitted} (~: by likeness; gpu is an A100 with 80 GB, cpu two cores). Weights load at
        {LOAD_BYTES_PER_SECOND / 1e9:.0f} GB/s, compiling takes {COMPILE_SECONDS:.0f} s, and waiting for a node is not
        counted. The rows are for mesh_shape=auto and batch_size=0."""
    return _wrapped(text)


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(" ".join(text.split()), 106, initial_indent="  ", subsequent_indent="  ")


def _gb(size_bytes: float) -> str:
    return f"{size_bytes / 1e9:6,.2f}"


def _batch(seconds: float) -> str:
    if not seconds:
        return "0"
    if seconds >= 10:
        return duration(seconds)
    return f"{seconds * 1e3:,.0f} ms" if seconds >= 0.01 else f"{seconds * 1e3:.2g} ms"


def _flops(flops: float) -> str:
    return f"{flops / 1e12:,.2f} TFLOP" if flops >= 1e11 else f"{flops / 1e9:,.2f} GFLOP"


def _rate(rate: float) -> str:
    return f"{rate:,.0f}" if rate >= 100 else f"{rate:,.1f}" if rate >= 1 else f"{rate:.2g}"
