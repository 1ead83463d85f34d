import subprocess
import sys
from typing import Any

import pytest
import yaml

from launch.images import commit


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


def graphs(spec: Any) -> list[Any]:
    """The graph, and that of what is repeated for each shard."""
    return [spec["root"], *(component for component in spec["components"].values() if "dag" in component)]


def stages(spec: Any) -> dict[str, Any]:
    """The tasks that run in a container."""
    tasks = [item for graph in graphs(spec) for item in graph["dag"]["tasks"].items()]
    return {name: task for name, task in tasks if "dag" not in spec["components"][task["componentRef"]["name"]]}


def test_each_stage_runs_in_its_own_image_of_this_commit_and_installs_nothing(compiled: list[bytes], spec: Any) -> None:
    executors = spec["deploymentSpec"]["executors"]
    images = {stage: stage for stage in ("download", "tokenize", "extract", "plot")} | {"verdict": "plot"}
    assert {name: executor["container"]["image"] for name, executor in executors.items()} == {
        f"exec-{stage}": f"byheart-{image}:{commit()}" for stage, image in images.items()
    }
    assert b"pip install" not in compiled[0]


def test_no_input_of_a_task_dangles(spec: Any) -> None:
    checked = 0
    for graph in graphs(spec):
        tasks = graph["dag"]["tasks"]
        for task in tasks.values():
            for kind in ("parameters", "artifacts"):
                for source in task["inputs"].get(kind, {}).values():
                    ((how, what),) = source.items()
                    if how.startswith("componentInput"):
                        assert what in graph["inputDefinitions"][kind]
                    else:
                        component = spec["components"][tasks[what["producerTask"]]["componentRef"]["name"]]
                        key = what["outputParameterKey" if kind == "parameters" else "outputArtifactKey"]
                        assert key in component["outputDefinitions"][kind]
                    checked += 1
    assert checked > 50


def test_kubeflow_caches_nothing(spec: Any) -> None:
    assert not any(task["cachingOptions"].get("enableCache") for task in stages(spec).values())


def test_stages_that_the_network_or_a_preemption_can_end_are_tried_again_for_a_week(spec: Any) -> None:
    policies = {name: task.get("retryPolicy") for name, task in stages(spec).items()}
    assert policies == {
        name: attempts
        and {
            "maxRetryCount": attempts,
            "backoffDuration": "60s",
            "backoffFactor": 1.0,
            "backoffMaxDuration": "604800s",
        }
        for name, attempts in {"download": 5, "tokenize": None, "extract": 30, "plot": 5, "verdict": None}.items()
    }


def test_verdict_comes_after_the_results(spec: Any) -> None:
    assert "plot" in stages(spec)["verdict"]["dependentTasks"]
