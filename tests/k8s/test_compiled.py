"""What the manifests and the compiled pipeline name in common is named alike."""

import re
import subprocess
import sys
from typing import Any

import pytest
import yaml

from tests.conftest import ROOT
from tests.k8s.conftest import K8S, QUEUE, only, read, render

LABEL = "kueue.x-k8s.io/queue-name"
README = (K8S / "README.md").read_text(encoding="utf-8")
Executors = dict[str, dict[str, Any]]


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> tuple[Executors, Executors]:
    """Of each stage, what its container is and what Kubernetes is told of its pod, which waits in a queue."""
    path = tmp_path_factory.mktemp("compiled") / "pipeline.yaml"
    command = [sys.executable, "-m", "byheart", "compile", str(path), "--queue", "byheart"]
    subprocess.run(command, cwd=ROOT, capture_output=True, check=True)
    spec, platform = yaml.safe_load_all(path.read_text(encoding="utf-8"))
    return (
        spec["deploymentSpec"]["executors"],
        platform["platforms"]["kubernetes"]["deploymentSpec"]["executors"],
    )


def name_image(image: str) -> str:
    """The name of an image, without registry, tag and digest."""
    return re.sub(r"(:[\w.-]+)?(@sha256:\w+)?$", "", image).rpartition("/")[2]


def test_check_of_a_tpu_runs_in_the_image_of_extract(compiled: tuple[Executors, Executors]) -> None:
    (job,) = render(K8S / "tpu-check")
    image = job["spec"]["template"]["spec"]["containers"][0]["image"]
    assert name_image(image) == name_image(compiled[0]["exec-extract"]["container"]["image"]) == "byheart-extract"


def test_check_of_a_tpu_runs_as_the_user_of_extract(compiled: tuple[Executors, Executors]) -> None:
    (job,) = render(K8S / "tpu-check")
    context = job["spec"]["template"]["spec"]["securityContext"]
    told = compiled[1]["exec-extract"]["securityContext"]
    assert int(told["runAsUser"]) == context["runAsUser"]
    assert int(told["runAsGroup"]) == context["runAsGroup"]
    assert told["runAsNonRoot"] == context["runAsNonRoot"]


def test_pods_wait_in_the_queue_that_there_is(compiled: tuple[Executors, Executors]) -> None:
    labels = compiled[1]["exec-extract"]["podMetadata"]["labels"]
    queue = read(QUEUE)["metadata"]["name"]
    assert labels[LABEL] == queue
    assert f"byheart compile --queue {queue}\n" in README


def test_secrets_that_pods_read_are_those_that_the_readme_makes(compiled: tuple[Executors, Executors]) -> None:
    made = dict(re.findall(r"create secret generic (\S+) --from-file=(\w+)=", README))
    assert made == {"hf-token": "token"}
    for name, told in compiled[1].items():
        for secret in told.get("secretAsVolume", []):
            file = f"{secret['mountPath']}/{made.pop(secret['secretName'])}"
            assert file in [variable["value"] for variable in compiled[0][name]["container"]["env"]]
            assert secret["optional"] is True, "open models need none"
    assert not made


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
