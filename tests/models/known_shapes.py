"""Published models on paper, by their names in lower case, as models.yaml has them."""

from typing import Any

from byheart.machines.workload import Workload, describe_workload
from byheart.models.families import find_family
from tests.models.published import PUBLISHED

CONFIGS = {name.lower(): config for name, (config, _) in PUBLISHED.items()}


def workload(
    config: str | dict[str, Any], *, precision: str = "bfloat16", positions: int = 99, scored_tokens: int = 50
) -> Workload:
    """The work of scoring windows of 100 tokens."""
    content = CONFIGS[config] if isinstance(config, str) else config
    family = find_family(content)
    decoder = family.parse_config(content)
    return describe_workload(family, decoder, precision=precision, positions=positions, scored_tokens=scored_tokens)
