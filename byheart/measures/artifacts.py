"""Finds results where Kubeflow keeps the artifacts of a run, and says how to fetch them.

    ROOT/PIPELINE/RUN/plot/SALT/results    the results of a model

Several models of a run, and a second attempt of KFP's driver, write below other salts.
"""

import dataclasses
import json
import re
from collections.abc import Iterator, Sequence

from byheart.contracts.model_names import COMPARISON, shorten_models
from byheart.measures.provenance import PROVENANCE
from byheart.store import Place
from byheart.store.stored import Stored, check_name

PLOT = "plot"
"""The task that writes results."""

_COMPARE, _RESULTS = "compare", "results"
_RUN = re.compile(r"/([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})/(?:plot|compare)/")
"""The id of the run in the address of an artifact."""
_COMMIT_CHARACTERS = 7


@dataclasses.dataclass(frozen=True, kw_only=True)
class FoundResults:
    """The results of one model."""

    folder: str
    """Their name among the artifacts."""
    files: dict[str, Stored]
    """The objects, by their names in the results."""
    source: str
    """Of the model, as provenance.json has it."""
    commit: str


def find_results(artifacts: Place, asked: Sequence[str] = ()) -> list[FoundResults]:
    """The complete results of a run, the newest of each model.

    Args:
        artifacts: those of the run.
        asked: the run's models, whose order is kept as far as their addresses tell it.
    """
    folders: dict[str, dict[str, Stored]] = {}
    for stored in artifacts.list(f"{PLOT}/"):
        task, salt, *name = stored.name.split("/")
        if name[:1] == [_RESULTS] and name[-1]:
            folders.setdefault(f"{task}/{salt}/{_RESULTS}", {})[check_name("/".join(name[1:]))] = stored
    complete = sorted(
        ((folder, files) for folder, files in folders.items() if PROVENANCE in files),  # which is written last
        key=lambda found: found[1][PROVENANCE].created,
    )
    newest = {}
    for folder, files in complete:
        model = _read_model(artifacts.read(files[PROVENANCE].name))
        newest[str(model)] = FoundResults(
            folder=folder, files=files, source=str(model.get("source", "")), commit=str(model.get("commit") or "")
        )
    order = [address.partition("@")[0] for address in asked]
    return sorted(newest.values(), key=lambda found: order.index(found.source) if found.source in order else len(order))


def find_comparison(artifacts: Place) -> dict[str, Stored]:
    """The objects of the newest comparison of a run's models, by their names in its folder; empty if there is none."""
    folders: dict[str, dict[str, Stored]] = {}
    for stored in artifacts.list(f"{_COMPARE}/"):
        _, salt, *name = stored.name.split("/")
        if name[:1] == [COMPARISON] and name[-1]:
            folders.setdefault(salt, {})[check_name("/".join(name[1:]))] = stored
    return max(folders.values(), key=lambda files: max(stored.created for stored in files.values()), default={})


def name_results(found: Sequence[FoundResults]) -> list[str]:
    """A folder's name for the results of each model, as `shorten_models` makes it."""
    sources = [results.source for results in found]
    return shorten_models(
        [
            f"{results.source}@{results.commit[:_COMMIT_CHARACTERS]}"
            if sources.count(results.source) > 1
            else results.source
            for results in found
        ]
    )


def _read_model(provenance: bytes) -> dict[str, object]:
    """The model in provenance.json, of whichever version of the format; empty if there is none."""
    try:
        model = json.loads(provenance)["model"]
    except (ValueError, LookupError, TypeError):
        return {}
    return model if isinstance(model, dict) else {}


def explain_fetching(address: str) -> Iterator[str]:
    """Lines with the address of an artifact and the commands that fetch it; none for a folder of this machine.

    Kubeflow's page cannot open a folder or a picture in a bucket, and shows the first 75 characters of a line: the last
    line is no longer.

    Args:
        address: the URI of the artifact, a folder.
    """
    name = address.rpartition("/")[2]
    if address.startswith("gs://"):
        yield f"{name}: {address}: `gcloud storage cp --recursive {address} .`"
        if run := _RUN.search(address):
            yield f"`byheart fetch {run[1]} out` fetches it all"
    elif "://" in address:
        yield f"{name}: {address}: download it in Kubeflow's page"
