"""A server that speaks enough of Kubeflow Pipelines' v2beta1 API for KFP's real client and command line.

For example, in a test:

    with KfpServer() as server:
        server.runs.outcomes.append(failing("extract", "extract: not enough memory"))
        ...                                             # the client, at server.address
        assert [run.display_name for run in server.runs.all] == ["my-run"]
        assert not server.violations

Every request and every answer is checked against the API's published description and against the models of KFP's own
client; what differs is a violation, and is refused. In a process of its own it is `python -m tests.kfp_api`.

    server.py    reads requests, injects faults, keeps the journal, answers
    published.py the published description, and what is not in accord with it
    runs.py      experiments and runs
    refusals.py  what the service refuses of a run
    outcomes.py  what becomes of a run, step by step
    argo.py      the Workflow of a run, its nodes and pods, and KFP's rows of them
    pods.py      pods as the kubelet and Argo describe them; the part of Kubernetes' API that gives them

What it shares with tests.gcs and tests.hub, above all what goes wrong and when, is in tests/servers.
"""

from tests.kfp_api.outcomes import failing, running, succeeding
from tests.kfp_api.server import KfpServer
from tests.servers.faults import Fault

__all__ = ["Fault", "KfpServer", "failing", "running", "succeeding"]
