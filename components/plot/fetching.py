"""How to fetch results from where Kubeflow keeps them: its page cannot open a folder or a picture in a bucket."""

import re

_RUN = re.compile(r"/([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})/plot/")
"""The id of the run in the address of an artifact of `plot`, which is ROOT/PIPELINE/RUN/plot/SALT/NAME."""


def explain_fetching(address: str) -> str:
    """A sentence with the address of the results and the commands that fetch them; empty for a folder of this machine.

    Args:
        address: the URI of the artifact `results`.
    """
    if "://" not in address:
        return ""
    if not address.startswith("gs://"):
        return f"results are at {address}: download them in Kubeflow's page"
    run = _RUN.search(address)
    fetch = f" or `byheart fetch {run[1]} out`" if run else ""
    return f"results are at {address}: `gcloud storage cp --recursive {address} .`{fetch}"
