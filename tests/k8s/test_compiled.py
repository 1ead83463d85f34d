"""What the manifests and the compiled pipeline name in common is named alike."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.conftest import ROOT
from tests.k8s.conftest import K8S, only, render

QUEUE = "kueue.x-k8s.io/queue-name"
README = (K8S / "README.md").read_text(encoding="utf-8")
Executors = dict[str, dict[str, Any]]


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> tuple[Executors, Executors]:
    """Of each stage, what its container is and what Kubernetes is told of its pod; with a queue, where there is one."""
    path = tmp_path_factory.mktemp("compiled") / "pipeline.yaml"
    command = [sys.executable, "-m", "launch", "compile"]
    told = subprocess.run([*command, "--help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    queue = ["--queue", "byheart"] if "--queue" in told else []
    subprocess.run([*command, str(path), *queue], cwd=ROOT, capture_output=True, check=True)
    documents = list(yaml.safe_load_all(path.read_text(encoding="utf-8")))
    platform = documents[1]["platforms"]["kubernetes"] if len(documents) > 1 else {}
    return documents[0]["deploymentSpec"]["executors"], platform.get("deploymentSpec", {}).get("executors", {})


def named(image: str) -> str:
    """The name of an image, without registry, tag and digest."""
    return re.sub(r"(:[\w.-]+)?(@sha256:\w+)?$", "", image).rpartition("/")[2]


def found(value: Any, key: str) -> Iterator[Any]:
    """Every value of that key, however deep."""
    if isinstance(value, dict):
        yield from (inner for name, inner in value.items() if name == key)
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from found(inner, key)


def test_check_of_a_tpu_runs_in_the_image_of_extract(compiled: tuple[Executors, Executors]) -> None:
    (job,) = render(K8S / "tpu-check")
    image = job["spec"]["template"]["spec"]["containers"][0]["image"]
    assert named(image) == named(compiled[0]["exec-extract"]["container"]["image"]) == "byheart-extract"


def test_check_of_a_tpu_runs_as_the_user_of_extract(compiled: tuple[Executors, Executors]) -> None:
    (job,) = render(K8S / "tpu-check")
    context = job["spec"]["template"]["spec"]["securityContext"]
    for told in found(compiled[1].get("exec-extract", {}), "securityContext"):
        assert int(told["runAsUser"]) == context["runAsUser"]
        assert int(told["runAsGroup"]) == context["runAsGroup"]
        assert told["runAsNonRoot"] == context["runAsNonRoot"]


def test_pods_wait_in_the_queue_that_there_is(compiled: tuple[Executors, Executors], everything: Path) -> None:
    labels = set(found(compiled[1], QUEUE))
    queue = only(render(everything / "overlays" / "standalone"), "LocalQueue", "byheart")["metadata"]["name"]
    assert labels <= {queue}
    assert f"make compile QUEUE={queue}\n" in README


def test_secrets_that_pods_read_are_those_that_the_readme_makes(compiled: tuple[Executors, Executors]) -> None:
    made = dict(re.findall(r"create secret generic (\S+) --from-file=(\w+)=", README))
    assert made == {"hf-token": "token"}
    for secret in (one for told in found(compiled[1], "secretAsEnv") for one in told):
        name = secret.get("secretName") or secret["secretNameParameter"]["runtimeValue"]["constant"]
        assert {key["secretKey"] for key in secret["keyToEnv"]} == {made[name]}
        assert secret["optional"] is True, "open models need none"


def test_bucket_is_open_to_the_accounts_of_runs_and_of_what_submits_them() -> None:
    bucket = README[README.index("## 3.") : README.index("## 4.")]
    (alone,) = re.findall(r"for account in (.*); do", bucket)
    opened = {
        "standalone": {f"ns/kubeflow/sa/{account}" for account in alone.split()},
        "multi-user": set(re.findall(r"`(ns/my-profile/sa/[\w-]+)`", bucket)),
    }
    for overlay, account in (("standalone", "pipeline-runner"), ("multi-user", "default-editor")):
        rendered = render(K8S / "overlays" / overlay)
        (submits,) = (one["metadata"] for one in rendered if one["kind"] == "ServiceAccount")
        assert opened[overlay] == {f"ns/{submits['namespace']}/sa/{name}" for name in (account, submits["name"])}
        root = only(rendered, "ConfigMap", "kfp-launcher")["data"]["defaultPipelineRoot"]
        assert re.fullmatch(r"gs://[\w-]+/kubeflow", root)
