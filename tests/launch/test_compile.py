import subprocess
import sys
from typing import Any

import pytest
import yaml


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> list[bytes]:
    """What `compile` writes, in two processes."""
    folder = tmp_path_factory.mktemp("compiled")
    for name in ("one.yaml", "two.yaml"):
        subprocess.run([sys.executable, "-m", "launch", "compile", folder / name], check=True, capture_output=True)
    return [(folder / name).read_bytes() for name in ("one.yaml", "two.yaml")]


@pytest.fixture
def spec(compiled: list[bytes]) -> Any:
    return yaml.safe_load(compiled[0])


def test_same_source_gives_the_same_bytes(compiled: list[bytes]) -> None:
    assert compiled[0] == compiled[1]


def test_every_parameter_is_explained_in_the_description(spec: Any) -> None:
    lines = [line for line in spec["pipelineInfo"]["description"].splitlines() if line.startswith("- ")]
    explained = {name for line in lines for name in line[2:].partition(":")[0].split(", ")}
    assert explained == set(spec["root"]["inputDefinitions"]["parameters"])


def test_each_stage_runs_in_its_own_image_and_installs_nothing(compiled: list[bytes], spec: Any) -> None:
    executors = spec["deploymentSpec"]["executors"]
    assert {name: executor["container"]["image"] for name, executor in executors.items()} == {
        f"exec-{stage}": f"byheart-{stage}:0.1.0" for stage in ("download", "tokenize", "extract", "plot")
    }
    assert b"pip install" not in compiled[0]


def test_no_input_of_a_task_dangles(spec: Any) -> None:
    tasks = spec["root"]["dag"]["tasks"]
    for task in tasks.values():
        for source in task["inputs"].get("parameters", {}).values():
            assert source["componentInputParameter"] in spec["root"]["inputDefinitions"]["parameters"]
        for source in task["inputs"].get("artifacts", {}).values():
            producer = source["taskOutputArtifact"]
            outputs = spec["components"][tasks[producer["producerTask"]]["componentRef"]["name"]]["outputDefinitions"]
            assert producer["outputArtifactKey"] in outputs["artifacts"]


def test_kubeflow_caches_nothing(spec: Any) -> None:
    assert not any(task["cachingOptions"].get("enableCache") for task in spec["root"]["dag"]["tasks"].values())


def test_stages_that_the_network_or_a_preemption_can_end_are_tried_again_for_a_week(spec: Any) -> None:
    policies = {name: task.get("retryPolicy") for name, task in spec["root"]["dag"]["tasks"].items()}
    assert policies == {
        name: attempts
        and {
            "maxRetryCount": attempts,
            "backoffDuration": "60s",
            "backoffFactor": 1.0,
            "backoffMaxDuration": "604800s",
        }
        for name, attempts in {"download": 5, "tokenize": None, "extract": 30, "plot": 5}.items()
    }
