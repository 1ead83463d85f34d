"""The Job of a run file, in the image that it names."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.conftest import ROOT
from tests.containers.shelf import BUCKET, ENVIRONMENT, Shelf, served

KUBEFLOW = "http://127.0.0.1:8888"


@pytest.fixture
def kubeflow(client: Any, images: dict[str, str], shelf: Shelf) -> Iterator[Any]:
    """The container of the tests' Kubeflow, in the network of the shelf's."""
    command, network = ("tests.kfp_api", "--port", "8888"), f"container:{shelf.server.id}"
    with served(client, images["launch"], *command, network_mode=network) as server:
        yield server


def test_job_that_is_restarted_has_submitted_one_run(
    client: Any, images: dict[str, str], pipeline: Path, shelf: Shelf, kubeflow: Any, tmp_path: Path
) -> None:
    run = {
        "name": "novel",
        "model": ["llama-3.1-8b"],
        "books": ["gs://b/novel.txt"],
        "store": f"gs://{BUCKET}/byheart",
        "settings": {"accelerator": "cpu"},  # which the images of these tests score on
    }
    for folder in (tmp_path, pipeline.parent):
        folder.chmod(0o755)  # the container's user reads them
    (tmp_path / "run.yaml").write_text(yaml.safe_dump(run))
    (container,) = yaml.safe_load((ROOT / "byheart" / "launch" / "job.yaml").read_text())["spec"]["template"]["spec"][
        "containers"
    ]

    def job() -> str:
        said: bytes = client.containers.run(
            images["launch"],
            container["args"],
            network_mode=f"container:{shelf.server.id}",
            environment={**ENVIRONMENT, "KF_PIPELINES_ENDPOINT": KUBEFLOW, "KFP_NAMESPACE": "kubeflow"},
            volumes={str(tmp_path): bound("/byheart/run"), str(pipeline.parent): bound("/byheart/pipeline")},
            read_only=True,
            tmpfs={"/tmp": "mode=1777"},
            cap_drop=["ALL"],
            remove=True,
        )
        return said.decode()

    first, second = job(), job()
    asking = f"import urllib.request as r; print(r.urlopen('{KUBEFLOW}/apis/v2beta1/runs').read().decode())"
    asked = kubeflow.exec_run(["python", "-c", asking])
    (submitted,) = json.loads(asked.output)["runs"]
    assert submitted["run_id"] in first
    assert submitted["display_name"].startswith("novel-")
    assert submitted["run_id"] in second
    assert "submitted" in second


def bound(place: str) -> dict[str, str]:
    return {"bind": place, "mode": "ro"}
