"""What is to be compiled ahead of time, as a file between the plan and the engine, which do not know one another."""

import dataclasses
import json
from pathlib import Path
from typing import Any

from byheart.machines.accelerators import Accelerator, find_accelerator
from byheart.machines.layout import Layout
from byheart.machines.workload import Workload
from byheart.models.families import family_of
from byheart.models.parameters import parameters


@dataclasses.dataclass(frozen=True, kw_only=True)
class Order:
    """A model laid out on an accelerator, and the settings of its scorer."""

    accelerator: str
    config: dict[str, Any]
    """The model's config.json."""
    precision: str
    positions: int
    scored_tokens: int
    temperature: float
    top_k: int
    layout: Layout
    memory_bytes: float
    """Of a device, as planned."""

    @property
    def workload(self) -> Workload:
        """What is asked of the model."""
        family = family_of(self.config)
        decoder = family.decoder_config(self.config)
        model, layer = parameters(decoder, family.sources)
        return Workload(
            decoder=decoder,
            model=model,
            layer=layer,
            precision=self.precision,
            positions=self.positions,
            scored_tokens=self.scored_tokens,
        )

    @property
    def on(self) -> Accelerator:
        """The accelerator of that name."""
        return find_accelerator(self.accelerator)

    def write(self, path: Path) -> None:
        """Write it as JSON."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(dataclasses.asdict(self)), encoding="utf-8")

    @classmethod
    def read(cls, path: Path) -> "Order":
        """The order in that file."""
        fields = json.loads(path.read_text(encoding="utf-8"))
        return cls(**fields | {"layout": Layout(**fields["layout"])})
