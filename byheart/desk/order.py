"""An order to compile a program ahead of time: a file that `plan`, which has no jax, hands to `ahead`, which has."""

import dataclasses
from pathlib import Path
from typing import Any

from byheart.contracts.json_files import read_json, write_json
from byheart.contracts.logits import KeptLogits
from byheart.machines.accelerators import Accelerator, find_accelerator
from byheart.machines.layout import Layout
from byheart.machines.workload import Workload, describe_workload
from byheart.models.families import find_family


@dataclasses.dataclass(frozen=True, kw_only=True)
class Order:
    """A model, its layout on an accelerator, and the settings of its scorer."""

    accelerator: str
    config: dict[str, Any]
    """The content of the model's config.json."""
    precision: str
    positions: int
    scored_tokens: int
    is_padded: bool
    kept: KeptLogits | None
    temperature: float
    top_k: int
    layout: Layout
    memory_bytes: float
    """The memory that the plan estimates for a device."""

    @property
    def workload(self) -> Workload:
        """The work of scoring windows with the model."""
        family = find_family(self.config)
        return describe_workload(
            family,
            family.parse_config(self.config),
            precision=self.precision,
            positions=self.positions,
            scored_tokens=self.scored_tokens,
            is_padded=self.is_padded,
            kept=self.kept,
        )

    @property
    def tpu_slice(self) -> Accelerator:
        """The slice that the program is compiled for."""
        return find_accelerator(self.accelerator)

    def write(self, path: Path) -> None:
        """Write the order as JSON."""
        path.parent.mkdir(parents=True, exist_ok=True)
        write_json(path, self)

    @classmethod
    def read(cls, path: Path) -> "Order":
        """The order that `write` wrote."""
        return read_json(path, cls)
