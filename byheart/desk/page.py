"""The plan of a run, as a page of text for a terminal."""

import dataclasses
import textwrap
from collections.abc import Iterator, Sequence

from byheart.contracts.logits import describe_size
from byheart.contracts.progress import format_duration, format_size
from byheart.contracts.setting_groups import CHARACTERS_A_TOKEN, WindowSettings
from byheart.machines.accelerators import Accelerator
from byheart.machines.layout import find_least_memory
from byheart.machines.memory import RESERVE
from byheart.machines.placement import choose_placement
from byheart.machines.planned import RESCORED_SHARE, Planned, Refusal, Subject, plan_rescoring
from byheart.machines.speed import LOAD_BYTES_PER_SECOND
from byheart.machines.tokenizing import estimate_tokenizing
from byheart.machines.tpus import TPUS
from byheart.machines.workload import Workload


def format_page(subject: Subject, chosen: Planned | Refusal | None, slices: Sequence[Planned | Refusal]) -> str:
    """The page.

    Args:
        chosen: the plan on the accelerator that was named, if one was.
        slices: the plans on all accelerators of one host.
    """
    workload = chosen.workload if chosen else slices[0].workload
    title = subject.name + (f" on {chosen.accelerator.name}" if chosen else "")
    lines = [title, "", *_describe_subject(subject, workload)]
    if chosen:
        lines += [*_describe_accelerator(chosen.accelerator), ""]
        lines += _describe_plan(chosen, subject) if isinstance(chosen, Planned) else _describe_refusal(chosen)
    lines += ["", *_compare_slices(slices, chosen), "", *_describe_assumptions()]
    return "\n".join(lines)


def format_line(name: str, text: str) -> str:
    """A line of the page: a name in the first column, and a text about it."""
    return f"  {name:<13}{text}"


def _describe_subject(subject: Subject, workload: Workload) -> Iterator[str]:
    decoder, window, books = workload.decoder, subject.settings.window, subject.books
    yield format_line(
        "model",
        f"{subject.model_type}, {decoder.layers:,} layers, {workload.parameters:,} parameters, "
        f"{format_size(workload.weight_bytes)} in {workload.precision}",
    )
    yield format_line(
        "windows",
        f"{_describe_length(window)}{', after a BOS' if subject.has_bos else ''}; {workload.positions:,} positions "
        f"are fed, {workload.scored_tokens:,} scored; {_format_flops(workload.flops_per_window)} each",
    )
    if window.suffix_characters:
        yield format_line(
            "",
            f"these are assumed, a token for {CHARACTERS_A_TOKEN} characters: a run pads all windows to its longest",
        )
    number = f"{books.number:,} book{'s' * (books.number > 1)} of" if books.number else "a book of, say,"
    yield format_line(
        "books",
        f"{number} {books.characters:,} characters: {books.windows:,} windows, one every {window.cursor_inc:,}",
    )
    shared, alone = map(format_duration, estimate_tokenizing(books.windows))
    yield format_line("tokenize", f"{shared} on a core of a CPU; {alone} if the tokenizer's texts cannot be cut")
    if workload.kept:
        size, _, limit = describe_size(workload.kept, books.windows, subject.settings.logits).partition("; ")
        yield format_line("logits", size)
        yield format_line("", f"{limit}; the time to write them is not in the plan")


def _describe_length(window: WindowSettings) -> str:
    if window.suffix_characters:
        return f"{window.prompt_characters:,} + {window.suffix_characters:,} characters"
    return f"{window.chunk_size:,} tokens"


def _describe_accelerator(accelerator: Accelerator) -> Iterator[str]:
    generation = accelerator.generation
    memory = f"{format_size(generation.hbm_bytes)} and " if generation.hbm_bytes else ""
    yield format_line(
        "accelerator",
        f"{accelerator.name}: {accelerator.chips:,} chip{'s' * (accelerator.chips > 1)} on a host"
        f" ({generation.machines[accelerator.chips]}), {memory}{generation.peak_flops / 1e12:,.4g} TFLOP/s a chip",
    )


def _describe_plan(planned: Planned, subject: Subject) -> Iterator[str]:
    layout, memory, speed, time = planned.layout, planned.memory, planned.speed, planned.duration
    available = planned.accelerator.device_bytes
    spare = f", with {format_size(available * (1 - RESERVE) - memory.total)} a device to spare" if available else ""
    yield f"  It fits{spare}."
    yield ""
    yield format_line("layout", f"{layout.data}x{layout.model} (data x model): {layout.description}")
    row = " for each row of devices" if layout.model > 1 else " a device"
    yield format_line("batch", f"{layout.batch_size:,} windows, {layout.windows_per_device:,}{row}")
    yield format_line("memory", f"{_format_gb(memory.weights)} GB a device: weights at rest")
    if memory.copied:
        yield format_line("", f"{_format_gb(memory.copied)}    weights once more, as this compiler lays them out")
    if memory.gathered:
        yield format_line("", f"{_format_gb(memory.gathered)}    two layers, gathered")
    yield format_line("", f"{_format_gb(memory.states)}    states beside a layer")
    yield format_line(
        "", f"{_format_gb(memory.head)}    or, after the layers, the head{' gathered' * layout.gather} and its logits"
    )
    limit = f" of {format_size(available)}, of which {RESERVE:.0%} stay free" if available else " of the host's own"
    yield format_line("", f"{_format_gb(memory.total)}    at the worst moment{limit}")
    rate, chip_rate = speed.windows_per_second, speed.windows_per_second / planned.accelerator.chips
    yield format_line(
        "speed",
        f"{_format_rate(rate)} windows/s, {_format_rate(chip_rate)} a chip; MFU {speed.mfu:.0%}, bound by "
        f"{speed.bound_by}",
    )
    yield format_line(
        "",
        f"a batch takes {_format_seconds(speed.batch)}: arithmetic {_format_seconds(speed.arithmetic)}, "
        f"top k {_format_seconds(speed.selection)}; beside them memory {_format_seconds(speed.memory)}, "
        f"links {_format_seconds(speed.links)}",
    )
    yield format_line(
        "time",
        f"{format_duration(time.total)}: load {format_duration(time.load)} and meanwhile compile "
        f"{format_duration(time.compile)}, then score {format_duration(time.score)}; "
        f"{time.chip_hours(planned.accelerator):,.2f} chip-hours",
    )
    if subject.rescores(planned.accelerator):
        yield _describe_rescoring(plan_rescoring(planned, subject))
    pod = choose_placement(planned, subject.settings.placement)
    chips = f"{pod.accelerator_count} {pod.accelerator_type}, " if pod.accelerator_type else ""
    yield format_line("pod", f"{chips}{pod.cpu} CPUs, {pod.memory} of memory, on a cluster")
    for label, value in pod.node_selector.items():
        yield format_line("", f"{label}={value}")


def _describe_rescoring(planned: Planned | None) -> str:
    """What it costs to score windows near thresholds again; scores alone say how many these are."""
    if planned is None:
        return format_line("float32", "does not fit here: no window near a threshold is scored again")
    rate, memory = _format_rate(planned.speed.windows_per_second), _format_gb(planned.memory.total).strip()
    time = dataclasses.replace(planned.duration, score=RESCORED_SHARE * planned.duration.score)
    more = f"{format_duration(time.total)} more if {RESCORED_SHARE:.0%} of all windows are"
    return format_line("float32", f"again near thresholds: {rate} windows/s, {memory} GB a device; {more}")


def _describe_refusal(refusal: Refusal) -> list[str]:
    return _wrap(f"It does not fit: {refusal.why}.")


def _compare_slices(slices: Sequence[Planned | Refusal], chosen: Planned | Refusal | None) -> Iterator[str]:
    """A table with a row for each slice of TPUs, one for one card of each kind of GPU, and one for what is chosen."""
    yield "  accelerator   chips   GB a device   layout   weights    batch   windows/s   MFU       time   chip-hours"
    named = {plan.accelerator.name for plan in slices}
    for plan in [*slices, chosen] if chosen and chosen.accelerator.name not in named else slices:
        accelerator = plan.accelerator
        mark = ">" if chosen and accelerator.name == chosen.accelerator.name else " "
        limit = f"of {accelerator.device_bytes / 1e9:3.0f}" if accelerator.device_bytes else "      "
        if isinstance(plan, Refusal):
            needed = find_least_memory(plan.workload, accelerator.devices).total
            yield f"{mark} {accelerator.name:<14}{accelerator.chips:>5}{needed / 1e9:>7,.1f} {limit}   does not fit"
            continue
        layout, time = plan.layout, plan.duration
        rate = ("" if accelerator.generation.measured else "~") + _format_rate(plan.speed.windows_per_second)
        weights = "gathered" if layout.gather else "whole" if layout.model == 1 else "split"
        yield (
            f"{mark} {accelerator.name:<14}{accelerator.chips:>5}{plan.memory.total / 1e9:>7,.1f} {limit}"
            f"   {f'{layout.data}x{layout.model}':<9}{weights:<8}{layout.batch_size:>8,}{rate:>12}"
            f"{plan.speed.mfu:>6.0%}{format_duration(time.total):>11}{time.chip_hours(accelerator):>13,.2f}"
        )


def _describe_assumptions() -> list[str]:
    names = [generation.name for generation in TPUS if generation.measured]
    fitted = f"{', '.join(names[:-1])} and {names[-1]}"
    text = f"""Estimates, not measurements: of all chips one H100 alone was timed. Memory is added up from shapes.
        Speed is a roofline, scaled to the TPU compiler's estimates on {fitted} and to that H100 (~: constants copied
        from the most similar of these; cpu is the cores here). Weights load at {LOAD_BYTES_PER_SECOND / 1e9:.0f} GB/s,
        and waiting for a node is not counted. The rows are for mesh_shape=auto and batch_size=0."""
    return _wrap(text)


def _wrap(text: str) -> list[str]:
    return textwrap.wrap(" ".join(text.split()), 106, initial_indent="  ", subsequent_indent="  ")


def _format_gb(size_bytes: float) -> str:
    return f"{size_bytes / 1e9:6,.2f}"


def _format_seconds(seconds: float) -> str:
    if not seconds:
        return "0"
    if seconds >= 10:
        return format_duration(seconds)
    return f"{seconds * 1e3:,.0f} ms" if seconds >= 0.01 else f"{seconds * 1e3:.2g} ms"


def _format_flops(flops: float) -> str:
    return f"{flops / 1e12:,.2f} TFLOP" if flops >= 1e11 else f"{flops / 1e9:,.2f} GFLOP"


def _format_rate(rate: float) -> str:
    return f"{rate:,.0f}" if rate >= 100 else f"{rate:,.1f}" if rate >= 1 else f"{rate:.2g}"
