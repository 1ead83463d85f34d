import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from google.protobuf import json_format
from kfp.kubernetes.kubernetes_executor_config_pb2 import KubernetesExecutorConfig
from kfp.pipeline_spec.pipeline_spec_pb2 import PipelineSpec, PlatformSpec

from byheart.contracts.errors import SettingsError
from byheart.contracts.settings import Settings
from byheart.launch.compile import compile_pipeline
from byheart.launch.compiled import read_compiled as read_pipeline
from byheart.launch.images import find_commit
from byheart.machines.accelerators import find_accelerator
from byheart.pipeline import DEFAULTS, OPTIONS, Fixed
from tests.launch.driver import executors_of, graphs_of, parameters_in, read_compiled

PLACING = {
    "accelerator_type": "STRING",
    "accelerator_count": "STRING",
    "cpu": "STRING",
    "memory": "STRING",
    "node_selector": "STRUCT",
    "tolerations": "LIST",
}
"""What places a pod, and the only type of it that Kubeflow's driver reads."""


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> list[bytes]:
    """What `compile` writes, in two processes."""
    folder = tmp_path_factory.mktemp("compiled")
    for name in ("one.yaml", "two.yaml"):
        subprocess.run([sys.executable, "-m", "byheart", "compile", folder / name], check=True, capture_output=True)
    return [(folder / name).read_bytes() for name in ("one.yaml", "two.yaml")]


@pytest.fixture(scope="module")
def documents(compiled: list[bytes]) -> list[Any]:
    """The graph, and what is said of it for Kubernetes."""
    return list(yaml.safe_load_all(compiled[0]))


@pytest.fixture
def spec(documents: list[Any]) -> Any:
    return documents[0]


@pytest.fixture
def platform(documents: list[Any]) -> Any:
    return documents[1]["platforms"]["kubernetes"]["deploymentSpec"]["executors"]


def test_same_source_gives_the_same_bytes(compiled: list[bytes]) -> None:
    assert compiled[0] == compiled[1]


def test_every_parameter_is_explained_in_the_description(spec: Any) -> None:
    lines = [line for line in spec["pipelineInfo"]["description"].splitlines() if line.startswith("- ")]
    explained = [line[2:].partition(":")[0] for line in lines]
    assert sorted(explained) == sorted([*spec["root"]["inputDefinitions"]["parameters"], *OPTIONS])
    assert set(explained[explained.index("options") + 1 :]) == OPTIONS.keys()


def stages(spec: Any) -> dict[str, Any]:
    """The tasks that run in a container."""
    tasks = [item for graph in graphs_of(spec) for item in graph["dag"]["tasks"].items()]
    return {name: task for name, task in tasks if "dag" not in spec["components"][task["componentRef"]["name"]]}


def test_each_stage_runs_in_its_own_image_of_this_commit_and_installs_nothing(compiled: list[bytes], spec: Any) -> None:
    executors = spec["deploymentSpec"]["executors"]
    assert {name: executor["container"]["image"] for name, executor in executors.items()} == {
        f"exec-{stage}": f"byheart-{stage}:{find_commit()}" for stage in stages(spec)
    }
    assert b"pip install" not in compiled[0]


def test_no_input_of_a_task_dangles(spec: Any) -> None:
    checked = 0
    for graph in graphs_of(spec):
        tasks = graph["dag"]["tasks"]
        for task in tasks.values():
            for kind in ("parameters", "artifacts"):
                for source in task["inputs"].get(kind, {}).values():
                    ((how, what),) = source.items()
                    if how.startswith("componentInput"):
                        assert what in graph["inputDefinitions"][kind]
                    elif how == "runtimeValue":
                        assert set(parameters_in(what)) <= task["inputs"]["parameters"].keys()
                    else:
                        component = spec["components"][tasks[what["producerTask"]]["componentRef"]["name"]]
                        key = what["outputParameterKey" if kind == "parameters" else "outputArtifactKey"]
                        assert key in component["outputDefinitions"][kind]
                    checked += 1
    assert checked > 40


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
        for name, attempts in {
            "download": 5,
            "tokenize": 5,
            "plan": 5,
            "extract": 30,
            "plot": 5,
            "verdict": None,
            "compare": 5,
        }.items()
    }


def test_verdict_hangs_below_the_results(spec: Any) -> None:
    """So that Kubeflow's page draws it below all others, where the mark of a failed run is seen."""
    inputs = stages(spec)["verdict"]["inputs"]
    assert inputs.keys() == {"artifacts"}
    (source,) = inputs["artifacts"].values()
    assert source["taskOutputArtifact"] == {"producerTask": "plot", "outputArtifactKey": "results"}


def test_each_model_is_placed_by_its_own_plan(spec: Any) -> None:
    """The loop over the models holds the whole run of one, and in it the loop over the shards of its own `plan`."""
    loops = {
        name: spec["components"][task["componentRef"]["name"]]["dag"]["tasks"]
        for graph in graphs_of(spec)
        for task in graph["dag"]["tasks"].values()
        if (name := task["taskInfo"]["name"]) in ("measure", "models", "score")
    }
    (over_models,) = loops["measure"].values()
    assert over_models["parameterIterator"]["items"] == {"inputParameter": "pipelinechannel--model"}
    of_model = {task["taskInfo"]["name"]: task for task in loops["models"].values()}
    assert of_model.keys() == {"download", "tokenize", "plan", "score", "plot", "verdict"}
    (item,) = of_model["download"]["inputs"]["parameters"]["model"].values()
    assert item == over_models["parameterIterator"]["itemInput"]
    placing = of_model["score"]["inputs"]["parameters"]
    for name in PLACING:
        source = placing[f"pipelinechannel--plan-{name}"]["taskOutputParameter"]
        assert source == {"producerTask": "plan", "outputParameterKey": name}
    assert loops["score"].keys() == {"extract"}


def test_models_are_compared_whatever_became_of_them(spec: Any) -> None:
    """Only an exit task runs after a failed iteration, and only parameters may be its inputs."""
    compare = spec["root"]["dag"]["tasks"]["compare"]
    assert compare["triggerPolicy"] == {"strategy": "ALL_UPSTREAM_TASKS_COMPLETED"}
    (measure,) = compare["dependentTasks"]
    assert spec["root"]["dag"]["tasks"].keys() == {"compare", measure}
    assert compare["inputs"] == {"parameters": {"model": {"componentInputParameter": "model"}}}
    assert spec["root"]["inputDefinitions"]["parameters"]["model"]["parameterType"] == "LIST"
    assert "outputDefinitions" not in spec["root"], "what a loop gives does not come out when an iteration fails"


def test_desk_runs_the_loop_without_the_exit_task(compiled: list[bytes], tmp_path: Path) -> None:
    """A run on a desk has one model at a time, and need not start a process that says so."""
    (tmp_path / "pipeline.yaml").write_bytes(compiled[0])
    desk = next(yaml.safe_load_all(read_pipeline(tmp_path / "pipeline.yaml").dump_for_desk()))
    (only,) = desk["root"]["dag"]["tasks"].values()
    assert only["taskInfo"]["name"] == "measure"
    assert stages(desk).keys() == {"download", "tokenize", "plan", "extract", "plot", "verdict"}


def test_no_two_boxes_of_the_graph_have_one_name(spec: Any) -> None:
    """Kubeflow's page draws a box for each task, the loop's by its name, and one for each artifact."""
    boxes = [task["taskInfo"]["name"] for graph in graphs_of(spec) for task in graph["dag"]["tasks"].values()]
    for component in spec["components"].values():
        boxes += component.get("outputDefinitions", {}).get("artifacts", {}) if "executorLabel" in component else []
    assert len(boxes) == len(set(boxes))
    assert set(boxes) - stages(spec).keys() == {
        *("measure", "models", "score"),
        *("inputs", "windows", "run_plan"),
        *("results", "headline", "report", "summary_markdown"),
        *("comparison", "comparison_html"),
    }


def list_choices(spec: Any) -> dict[str, list[Any]]:
    """The values that Kubeflow's form offers and its API takes, by parameter."""
    declared = spec["root"]["inputDefinitions"]["parameters"]
    return {name: about["literals"] for name, about in declared.items() if "literals" in about}


def test_form_offers_the_few_values_that_a_parameter_may_have(spec: Any) -> None:
    choices = list_choices(spec)
    assert choices.keys() == {"accelerator", "precision", "preset", "spot"}
    assert choices["spot"] == [False, True]
    assert {"auto", "cpu", "gpu-1", "v6e-2x4"} <= set(choices["accelerator"])
    assert not {"v6e-4x4", "v6e-8"} & set(choices["accelerator"]), "neither several hosts nor another spelling"
    for name, values in choices.items():
        assert spec["root"]["inputDefinitions"]["parameters"][name]["defaultValue"] in values
        for value in values:
            assert Settings.from_parameters({**DEFAULTS, name: value}, DEFAULTS).by_name()[name] == value
            assert name != "accelerator" or value == "auto" or find_accelerator(value).name == value


@pytest.mark.slow
def test_file_for_an_older_kubeflow_has_no_choices(tmp_path: Path, compiled: list[bytes]) -> None:
    command = [sys.executable, "-m", "byheart", "compile", str(tmp_path / "pipeline.yaml")]
    subprocess.run(command, check=True, capture_output=True, env=os.environ | {"BYHEART_CHOICES": "0"})
    spec, _ = read_compiled(tmp_path / "pipeline.yaml")
    assert not list_choices(spec)
    wanted = next(yaml.safe_load_all(compiled[0]))
    for name in list_choices(wanted):
        del wanted["root"]["inputDefinitions"]["parameters"][name]["literals"]
    assert spec == wanted


def test_both_documents_are_what_kubeflow_reads(spec: Any, platform: Any, documents: list[Any]) -> None:
    assert len(documents) == 2
    json_format.ParseDict(spec, PipelineSpec())
    json_format.ParseDict(documents[1], PlatformSpec())
    for config in platform.values():
        json_format.ParseDict(config, KubernetesExecutorConfig())
    assert platform.keys() == spec["deploymentSpec"]["executors"].keys()


def test_no_placeholder_and_nothing_that_places_a_pod_dangles(spec: Any, platform: Any) -> None:
    """A text in a container stands for an input of its task, and Kubernetes is told of inputs of the task's graph."""
    in_containers: list[str] = []
    in_platform: list[Any] = []
    for name, (task, graph) in executors_of(spec).items():
        found = parameters_in(spec["deploymentSpec"]["executors"][name])
        assert set(found) <= task["inputs"].get("parameters", {}).keys()
        in_containers += found
        config = json_format.ParseDict(platform[name], KubernetesExecutorConfig())
        sources = [toleration.toleration_json for toleration in config.tolerations]
        sources += [config.node_selector.node_selector_json] if config.HasField("node_selector") else []
        assert {source.component_input_parameter for source in sources} <= graph["inputDefinitions"][
            "parameters"
        ].keys()
        in_platform += sources
    assert len(set(in_containers)) == 4
    assert len(in_platform) == 2


def test_what_places_a_pod_is_of_the_type_that_the_driver_reads(spec: Any) -> None:
    declared = spec["components"]["comp-plan"]["outputDefinitions"]["parameters"]
    assert {name: declared[name]["parameterType"] for name in PLACING} == PLACING
    _, loop = executors_of(spec)["exec-extract"]
    inputs = loop["inputDefinitions"]["parameters"]
    assert {name: inputs[f"pipelinechannel--plan-{name}"]["parameterType"] for name in PLACING} == PLACING


def test_every_container_has_limits_a_user_and_a_place_for_temporary_files(spec: Any, platform: Any) -> None:
    for name, executor in spec["deploymentSpec"]["executors"].items():
        assert {"resourceCpuLimit", "resourceMemoryLimit"} <= executor["container"]["resources"].keys()
        user = platform[name]["securityContext"]
        assert (user["runAsNonRoot"], user["runAsUser"], user["runAsGroup"]) == (True, "65532", "65532")
        assert platform[name]["emptyDirMounts"] == [{"volumeName": "tmp", "mountPath": "/tmp", "sizeLimit": "4Gi"}]


def test_token_of_the_hub_comes_from_a_secret_that_need_not_be_there(spec: Any, platform: Any) -> None:
    containers = {name: executor["container"] for name, executor in spec["deploymentSpec"]["executors"].items()}
    with_variables = {name: container["env"] for name, container in containers.items() if "env" in container}
    path = "/var/run/secrets/hf-token"
    assert with_variables == {"exec-download": [{"name": "HF_TOKEN_PATH", "value": f"{path}/token"}]}
    assert not any("secretAsEnv" in config for config in platform.values()), "a parameter $(NAME) would show it"
    with_secrets = {name: config["secretAsVolume"] for name, config in platform.items() if "secretAsVolume" in config}
    ((name, (secret,)),) = with_secrets.items()
    assert (name, secret["secretName"], secret["optional"]) == ("exec-download", "hf-token", True)
    assert secret["mountPath"] == path


@pytest.mark.slow
def test_what_is_fixed_is_where_it_is_asked_for(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "byheart", "compile", str(tmp_path / "pipeline.yaml"), "--queue", "scores"]
    options = ["--timeout-hours", "2", "--deadline-hours", "36", "--retries", "7", "--tmp-size", "1Gi", "--run-as", "0"]
    subprocess.run([*command, *options], check=True, capture_output=True)
    spec, platform = read_compiled(tmp_path / "pipeline.yaml")
    scoring = platform.pop("exec-extract")
    assert scoring["podMetadata"] == {"labels": {"kueue.x-k8s.io/queue-name": "scores"}}
    assert scoring["activeDeadlineSeconds"] == "7200"
    assert scoring["securityContext"] == {"runAsUser": "0", "runAsGroup": "0", "runAsNonRoot": False}
    assert {config["emptyDirMounts"][0]["sizeLimit"] for config in (scoring, *platform.values())} == {"1Gi"}
    assert stages(spec)["extract"]["retryPolicy"]["maxRetryCount"] == 7
    kubernetes = list(yaml.safe_load_all((tmp_path / "pipeline.yaml").read_text()))[1]["platforms"]["kubernetes"]
    assert kubernetes["pipelineConfig"] == {"activeDeadlineSeconds": 36 * 3600}, "of the whole run"
    for config in platform.values():
        assert config["securityContext"]["runAsNonRoot"]
        assert not {"podMetadata", "activeDeadlineSeconds"} & config.keys()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"queue": "default"}, "queue must not be called default"),
        ({"queue": "My queue"}, "the name of a LocalQueue, found 'My queue'"),
        ({"timeout_hours": 0}, "timeout_hours must be from 1 to 8,760, found 0"),
        ({"deadline_hours": -1}, "deadline_hours must be from 0 to 8,760, found -1"),
        ({"retries": -1}, "retries must be from 0 to 1,000, found -1"),
        ({"tmp_size": "4"}, "tmp_size must be a quantity, found '4'"),
        ({"run_as": -1}, "run_as must be from 0"),
    ],
)
def test_option_that_cannot_be_used_is_refused(tmp_path: Path, options: dict[str, Any], said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        compile_pipeline(tmp_path / "pipeline.yaml", Fixed(**options))
    assert not (tmp_path / "pipeline.yaml").exists()


@pytest.mark.slow
def test_options_of_one_compilation_are_none_of_the_next(tmp_path: Path, compiled: list[bytes]) -> None:
    compile_pipeline(tmp_path / "other.yaml", Fixed(queue="scores", retries=1))
    compile_pipeline(tmp_path / "again.yaml")
    assert (tmp_path / "again.yaml").read_bytes() == compiled[0]
