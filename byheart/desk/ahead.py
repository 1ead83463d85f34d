"""Compiles a scorer for a TPU slice that is not there, and prints its memory, collectives and cycles.

    python -m byheart.desk.ahead ORDER

It needs libtpu beside JAX, whose compiler knows every slice; `byheart plan --compile` runs it, and `make test-aot`.
Nothing is computed. The text in ORDER is the plan's, see `byheart.desk.order`.
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

from byheart.components.extract.scoring import scorer
from byheart.components.extract.sharding import make_sharding
from byheart.contracts.errors import ByheartError, ModelError, SettingsError
from byheart.contracts.progress import duration, size
from byheart.desk.order import Order
from byheart.desk.page import line_of
from byheart.desk.program import Collective, Program, read_program
from byheart.machines.accelerators import Accelerator
from byheart.machines.layout import Layout
from byheart.machines.workload import Workload

_NO_TPU = {
    "TPU_SKIP_MDS_QUERY": "1",
    "TPU_ACCELERATOR_TYPE": "v6e-8",
    "TPU_WORKER_HOSTNAMES": "localhost",
    "TPU_WORKER_ID": "0",
    "TPU_MIN_LOG_LEVEL": "3",
    "TPU_STDERR_LOG_LEVEL": "3",
}
"""Keeps libtpu from looking for the machine that it is on, and quiet; any type of slice will do."""
_TOO_MUCH = "RESOURCE_EXHAUSTED"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Compiled:
    """A compiled program, and its memory."""

    argument_bytes: int
    """Weights and a batch, on each device."""
    working_bytes: int
    """The peak beside them, scores included."""
    program: Program
    seconds: float

    @property
    def memory_bytes(self) -> int:
        """The peak of each device."""
        return self.argument_bytes + self.working_bytes


def slice_devices(accelerator: Accelerator) -> Sequence[jax.Device]:
    """The devices of a slice that is not there.

    Raises:
        SettingsError: there is no compiler for it here.
    """
    name = f"{accelerator.generation.name}:{accelerator.topology}"
    os.environ |= _NO_TPU
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
    """Compile the scorer that a run would use.

    Args:
        devices: of a slice that need not be there, as many as the layout has.

    Raises:
        ModelError: the compiler finds that it does not fit.
    """
    dtype, sharding = jnp.dtype(workload.precision), make_sharding(devices, layout)
    params = jax.tree.map(
        lambda parameter: jax.ShapeDtypeStruct(parameter.shape, dtype, sharding=sharding.at_rest(parameter)),
        workload.weights,
    )
    batch = (layout.batch_size, workload.positions + 1)
    token_ids = jax.ShapeDtypeStruct(batch, jnp.int32, sharding=sharding.windows)
    score = scorer(
        workload.decoder,
        workload.weights,
        sharding,
        scored_tokens=workload.scored_tokens,
        temperature=temperature,
        top_k=top_k,
    )
    started = time.monotonic()
    try:
        made = score.lower(params, token_ids).compile()
    except jax.errors.JaxRuntimeError as error:
        if _TOO_MUCH not in str(error):
            raise
        raise ModelError(
            f"the compiler must find room on each device, found {_need(str(error))}: choose a larger slice, another "
            f"mesh_shape, or a smaller batch_size"
        ) from None
    held, text = made.memory_analysis(), made.as_text()
    assert held is not None, "JAX says it of every TPU"
    assert text is not None
    return Compiled(
        argument_bytes=held.argument_size_in_bytes,
        working_bytes=held.temp_size_in_bytes + held.output_size_in_bytes,
        program=read_program(text),
        seconds=time.monotonic() - started,
    )


def _need(said: str) -> str:
    """The memory that is needed and that there is, where the error gives both."""
    found = re.search(r"\((\S+)\) exceeds available HBM \((\S+)\)", said)
    return f"a need of {found[1]}iB and {found[2]}iB" if found else " ".join(said.split())[:200]


def main(order_file: str) -> int:
    """Compile what was planned, and print the result.

    Returns:
        The exit code.
    """
    order = Order.read(Path(order_file))
    try:
        devices = slice_devices(order.on)
        compiled = compile_ahead(
            order.workload, order.layout, devices, temperature=order.temperature, top_k=order.top_k
        )
    except ByheartError as error:
        print(f"error: {' '.join(str(error).split())}", file=sys.stderr)
        return 1
    print("\n".join(_page(order, compiled)))
    return 0


def _page(order: Order, compiled: Compiled) -> Iterator[str]:
    program = compiled.program
    yield ""
    yield f"  It compiles for {order.accelerator}, in {duration(compiled.seconds)}; what the compiler says:"
    yield ""
    yield line_of(
        "memory",
        f"{size(compiled.memory_bytes)} a device, {size(compiled.working_bytes)} of them beside the weights; planned "
        f"were {size(order.memory_bytes)}, {order.memory_bytes / compiled.memory_bytes - 1:+.0%}",
    )
    yield line_of("collectives", f"of a layer: {_described(program.layer_collectives)}")
    yield line_of(
        "cycles", f"{program.cycles:,} a batch, {program.layer_cycles:,} of them a layer; estimates, no links"
    )


def _described(collectives: Sequence[Collective]) -> str:
    if not collectives:
        return "none"
    parts = []
    for kind in dict.fromkeys(one.kind for one in collectives):
        alike = [one for one in collectives if one.kind == kind]
        beside = [one for one in alike if one.is_asynchronous]
        total, hidden = (sum(one.size_bytes for one in some) for some in (alike, beside))
        parts.append(
            f"{len(alike)} x {kind}, {len(beside)} of them asynchronous ({hidden / total:.0%} of {size(total)})"
        )
    return ", ".join(parts)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
