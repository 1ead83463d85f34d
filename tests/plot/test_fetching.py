import os
import subprocess
import sys
from pathlib import Path

import pytest

from byheart.components.plot.fetching import explain_fetching
from tests.conftest import ROOT

FOLDER = "byheart/16bd3e7e-0a62-4d6a-9a0b-5f1a2c3d4e5f/plot/0f9c2f3a-1111-4222-8333-444455556666/results"
"""As Kubeflow Pipelines 2.17 names it below its root."""


@pytest.mark.parametrize(
    ("address", "said"),
    [
        (
            f"gs://b/kubeflow/{FOLDER}",
            f"results are at gs://b/kubeflow/{FOLDER}: `gcloud storage cp --recursive gs://b/kubeflow/{FOLDER} .`\n"
            "`byheart fetch 16bd3e7e-0a62-4d6a-9a0b-5f1a2c3d4e5f out` fetches them",
        ),
        (
            "gs://b/out/results",
            "results are at gs://b/out/results: `gcloud storage cp --recursive gs://b/out/results .`",
        ),
        (f"minio://b/{FOLDER}", f"results are at minio://b/{FOLDER}: download them in Kubeflow's page"),
        (f"/home/me/{FOLDER}", ""),
    ],
)
def test_results_in_a_bucket_are_said_with_what_fetches_them(address: str, said: str) -> None:
    assert "\n".join(explain_fetching(address)) == said


def test_fonts_that_matplotlib_lists_anew_are_not_spoken_of(tmp_path: Path) -> None:
    code = "import logging; logging.basicConfig(level=logging.INFO)\n"  # as Kubeflow's launcher has it
    code += "import byheart.components.plot.run"
    environment = {**os.environ, "MPLCONFIGDIR": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    )
    assert list(tmp_path.glob("fontlist-*.json"))
    assert done.stderr == ""
