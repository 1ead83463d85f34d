"""Prints what `byheart submit` would send and what the run would cost, without asking a cluster."""

import json
from pathlib import Path

from byheart.desk.cost import print_cost
from byheart.launch.compiled import read_compiled
from byheart.launch.parameters import LOCATIONS
from byheart.launch.submission import Submission

_LISTED = 5
"""Books that are printed by name; the rest is counted."""


def print_dry_run(submission: Submission, *, pipeline: Path, price: float | None = None) -> None:
    """Print what `submit` would send, and the plan of each model.

    Args:
        pipeline: the file of the compiled pipeline.
        price: of a chip-hour, in any currency.

    Raises:
        SettingsError: the file is no compiled pipeline, or the model does not fit.
    """
    compiled = read_compiled(pipeline)
    print(f"{submission.name}, in the experiment {submission.experiment}: nothing is submitted\n")
    print(f"pipeline  {compiled.graph['pipelineInfo']['name']}, as {compiled.graph['sdkVersion']} compiles it")
    for image in sorted(compiled.images):
        print(f"image     {image}{' (of this machine: not pushed)' * (image in compiled.local_images)}")
    changed = {name: value for name, value in submission.values.items() if value != compiled.defaults.get(name)}
    for name, value in changed.items():
        items = value if isinstance(value, list) else [value]
        for item in items[:_LISTED]:
            print(f"{name:<15} {item if isinstance(item, str) else json.dumps(item)}")
        if len(items) > _LISTED:
            print(f"{'':<15} and {len(items) - _LISTED:,} more")
    print("all other parameters have their defaults\n")
    settings = {name: value for name, value in submission.values.items() if name not in LOCATIONS}
    for number, model in enumerate(submission.values["model"]):
        print("\n" * (number > 0), end="")
        print_cost(
            model=model,
            books=[*submission.values["books"], *submission.values.get("controls", ())],
            parameters=compiled.defaults | settings,
            defaults=compiled.defaults,
            price=price,
        )
