"""How to fetch results from where Kubeflow keeps them: its page cannot open a folder or a picture in a bucket."""

import re
from collections.abc import Iterator

_RUN = re.compile(r"/([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})/plot/")
"""The id of the run in the address of an artifact of `plot`, which is ROOT/PIPELINE/RUN/plot/SALT/NAME."""


def explain_fetching(address: str) -> Iterator[str]:
    """Lines with the address of the results and the commands that fetch them; none for a folder of this machine.

    Kubeflow's page shows the first 75 characters of a line: the last line is no longer.

    Args:
        address: the URI of the artifact `results`.
    """
    if address.startswith("gs://"):
        yield f"results are at {address}: `gcloud storage cp --recursive {address} .`"
        if run := _RUN.search(address):
            yield f"`byheart fetch {run[1]} out` fetches them"
    elif "://" in address:
        yield f"results are at {address}: download them in Kubeflow's page"
