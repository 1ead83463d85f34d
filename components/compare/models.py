"""The compare stage: set the results of a run's models side by side, as far as there are any."""

import html
import json
from collections.abc import Sequence
from pathlib import Path

from byheart.components.compare.run import PAGE
from byheart.components.compare.run import run as compare
from byheart.contracts.errors import SettingsError
from byheart.contracts.progress import format_count, say
from byheart.measures.artifacts import explain_fetching, find_results
from byheart.store import open_store

_LEVELS = 3
"""Of an artifact below the folder of its run: TASK/SALT/NAME."""


def run(*, models: Sequence[str], out: str, address: str) -> str:
    """Write the comparison of a run's models to `out`, if two have results; returns its page, or one that says why not.

    This task runs however the others have ended, so that it is given none of their outputs: it finds the results of
    `plot` beside its own artifact.

    Args:
        models: the pipeline's parameter.
        out: the folder to write.
        address: where Kubeflow keeps that folder.

    Raises:
        SettingsError: the run was given no model.
        StoreError: results cannot be read.
    """
    if not models or not all(isinstance(model, str) for model in models):
        found = json.dumps(list(models), ensure_ascii=False)
        raise SettingsError(
            f'model must be a JSON list of addresses, found {found}: write ["organisation/name"]', parameter="model"
        )
    if len(models) == 1:
        return _say_nothing("the run has one model: there is nothing to compare")
    root = address.rsplit("/", _LEVELS)[0]
    if "://" in root and not root.startswith("gs://"):
        return _say_nothing(
            f"results at {root} cannot be read from here: download the results of each model, and `byheart compare` "
            "them"
        )
    artifacts = open_store(root, "root")
    results = find_results(artifacts, models)
    having = f"{len(results)} of {format_count(len(models), 'model')} {'has' if len(results) == 1 else 'have'} results"
    if len(results) < 2:
        return _say_nothing(f"{having}: there is nothing to compare")
    say(having)
    compare(results=[artifacts.locate(found.folder) for found in results], out=out)
    for line in explain_fetching(address):
        say(line)
    return (Path(out) / PAGE).read_text(encoding="utf-8")


def _say_nothing(why: str) -> str:
    """Say why nothing is compared; returns a page with it."""
    say(why)
    return f'<!doctype html><html lang="en"><meta charset="utf-8"><title>Comparison</title><p>{html.escape(why)}</p>'
