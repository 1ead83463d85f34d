"""Compiles a scorer for a TPU slice without having the slice, and prints its memory, collectives and cycles.

    python -m byheart.desk.ahead ORDER

ORDER is a file that the plan wrote, see `byheart.desk.order`. The compiler for all slices is in libtpu, which must be
installed; `byheart plan --compile` and `make test-aot` run this. Nothing is computed.
"""

import dataclasses
import os
import re
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import jax
import jax.numpy as jnp
from jax.experimental import topologies

from byheart.components.extract.scoring import make_scorer
from byheart.components.extract.sharding import make_sharding
from byheart.contracts.errors import ByheartError, ModelError, SettingsError
from byheart.contracts.progress import format_duration, format_size
from byheart.desk.order import Order
from byheart.desk.page import format_line
from byheart.desk.program import Collective, Program, read_program
from byheart.machines.accelerators import Accelerator
from byheart.machines.layout import Layout
from byheart.machines.workload import Workload

_WITHOUT_TPU = {
    "TPU_SKIP_MDS_QUERY": "1",
    "TPU_ACCELERATOR_TYPE": "v6e-8",
    "TPU_WORKER_HOSTNAMES": "localhost",
    "TPU_WORKER_ID": "0",
    "TPU_MIN_LOG_LEVEL": "3",
    "TPU_STDERR_LOG_LEVEL": "3",
}
"""Environment that keeps libtpu from looking for TPUs of this machine, and quiet; the slice's type does not matter."""
_OUT_OF_MEMORY = "RESOURCE_EXHAUSTED"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Compiled:
    """A compiled program, and its memory on each device."""

    argument_bytes: int
    """Bytes of weights and a batch."""
    working_bytes: int
    """The peak of all other bytes, the scores included."""
    program: Program
    seconds: float

    @property
    def memory_bytes(self) -> int:
        """The peak of all bytes."""
        return self.argument_bytes + self.working_bytes


def list_slice_devices(accelerator: Accelerator) -> Sequence[jax.Device]:
    """The devices of a slice, as the compiler describes them; this machine need not have them.

    Raises:
        SettingsError: libtpu is missing, or does not know the slice.
    """
    name = f"{accelerator.generation.name}:{accelerator.topology}"
    os.environ |= _WITHOUT_TPU
    jax.config.update("jax_platforms", "cpu")
    one_chip = {"chips_per_host_bounds": (1, 1, 1)} if accelerator.chips == 1 else {}
    try:
        return topologies.get_topology_desc(platform="tpu", topology_name=name, **one_chip).devices
    except (RuntimeError, ValueError, NotImplementedError) as error:
        raise SettingsError(
            f"a compilation ahead of time needs libtpu and a slice that it knows, found {str(error).splitlines()[0]}: "
            f"choose another slice, or install libtpu"
        ) from None


def compile_ahead(
    workload: Workload, layout: Layout, devices: Sequence[jax.Device], *, temperature: float, top_k: int
) -> Compiled:
    """Compile the scorer that a run would use; weights that are held as they were published, as bfloat16.

    Args:
        devices: from `list_slice_devices`, as many as the layout has.

    Raises:
        ModelError: the program does not fit the devices.
    """
    dtype, sharding = jnp.dtype(workload.precision), make_sharding(devices, layout)
    held = jnp.dtype(jnp.bfloat16) if workload.is_converted else dtype
    params = jax.tree.map(
        lambda parameter: jax.ShapeDtypeStruct(
            parameter.shape,
            jnp.float32 if parameter.is_float32 else held,
            sharding=sharding.shard_weights(parameter),
        ),
        workload.weights,
    )
    batch = (layout.batch_size, workload.positions + 1)
    shapes = [batch, (layout.batch_size, 2)] if workload.is_padded else [batch]
    arrays = [jax.ShapeDtypeStruct(shape, jnp.int32, sharding=sharding.windows) for shape in shapes]
    score = make_scorer(
        workload.decoder,
        workload.weights,
        sharding,
        scored_tokens=workload.scored_tokens,
        temperature=temperature,
        top_k=top_k,
        is_padded=workload.is_padded,
        kept=workload.kept,
        arithmetic=dtype if workload.is_converted else None,
    )
    started = time.monotonic()
    try:
        executable = score.lower(params, *arrays).compile()
    except jax.errors.JaxRuntimeError as error:
        if _OUT_OF_MEMORY not in str(error):
            raise
        raise ModelError(
            f"the compiler must find room on each device, found {_find_need(str(error))}: choose a larger slice, "
            f"another mesh_shape, or a smaller batch_size"
        ) from None
    memory, text = executable.memory_analysis(), executable.as_text()
    assert memory is not None, "JAX has it for every TPU"
    assert text is not None
    return Compiled(
        argument_bytes=memory.argument_size_in_bytes,
        working_bytes=memory.temp_size_in_bytes + memory.output_size_in_bytes,
        program=read_program(text),
        seconds=time.monotonic() - started,
    )


def _find_need(error: str) -> str:
    """The memory that is needed and the memory of the device, or the error's beginning where it does not give both."""
    match = re.search(r"\((\S+)\) exceeds available HBM \((\S+)\)", error)
    return f"a need of {match[1]}iB and {match[2]}iB" if match else " ".join(error.split())[:200]


def main(order_file: str) -> int:
    """Compile the program that the order describes, print the result, and return the exit code."""
    order = Order.read(Path(order_file))
    try:
        devices = list_slice_devices(order.tpu_slice)
        compiled = compile_ahead(
            order.workload, order.layout, devices, temperature=order.temperature, top_k=order.top_k
        )
    except ByheartError as error:
        print(f"error: {' '.join(str(error).split())}", file=sys.stderr)
        return 1
    print("\n".join(_format_page(order, compiled)))
    return 0


def _format_page(order: Order, compiled: Compiled) -> Iterator[str]:
    program, change = compiled.program, order.memory_bytes / compiled.memory_bytes - 1
    yield ""
    yield f"  It compiles for {order.accelerator}, in {format_duration(compiled.seconds)}; what the compiler says:"
    yield ""
    yield format_line(
        "memory",
        f"{format_size(compiled.memory_bytes)} a device, {format_size(compiled.working_bytes)} of them beside the "
        f"weights; planned were {format_size(order.memory_bytes)}, {change:+.0%}",
    )
    yield format_line("collectives", f"of a layer: {_describe_collectives(program.layer_collectives)}")
    yield format_line(
        "cycles",
        f"{program.cycles:,} a batch, {program.layer_cycles:,} of them a layer; estimates, no links, no kernels",
    )


def _describe_collectives(collectives: Sequence[Collective]) -> str:
    if not collectives:
        return "none"
    descriptions = []
    for kind in dict.fromkeys(collective.kind for collective in collectives):
        of_kind = [collective for collective in collectives if collective.kind == kind]
        asynchronous = [collective for collective in of_kind if collective.is_asynchronous]
        total, hidden = (sum(collective.size_bytes for collective in group) for group in (of_kind, asynchronous))
        descriptions.append(
            f"{len(of_kind)} x {kind}, {len(asynchronous)} of them asynchronous "
            f"({hidden / total:.0%} of {format_size(total)})"
        )
    return ", ".join(descriptions)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
