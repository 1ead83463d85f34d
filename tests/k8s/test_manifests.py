"""Every manifest is rendered by kubectl and held against the schema of its kind."""

import copy
import ipaddress
import re
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import jsonschema
import kubernetes_validate
import pytest
import yaml

from byheart.contracts.termination import REFUSED
from byheart.machines.accelerators import find_accelerator
from tests.conftest import ROOT
from tests.k8s.conftest import (
    FOLDERS,
    K8S,
    POLICY,
    QUEUE,
    REMOTE,
    Manifest,
    ask_kustomize,
    fill_in,
    kubectl,
    only,
    read,
    render,
)
from tests.published.objects import validate

OVERLAYS = {"standalone": "kubeflow", "multi-user": "my-profile"}
"""And their namespaces."""
PARTS = ("base", "kubeflow", "kueue", "overlays", "tpu-check")
"""What the settings are written into."""
KUBEFLOW = """
apiVersion: v1
kind: ConfigMap
metadata: {name: workflow-controller-configmap, namespace: kubeflow}
data:
  artifactRepository: "archiveLogs: true"
  workflowDefaults: |
    spec:
      ttlStrategy: {secondsAfterCompletion: 3600}
      templateDefaults: {retryStrategy: {limit: "2", retryPolicy: OnError}}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: kfp-launcher, namespace: kubeflow}
data: {defaultPipelineRoot: ""}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: pipeline-runner, namespace: kubeflow}
"""
"""Objects of Kubeflow's own, in the shape that its manifests give them."""


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda path: str(path.relative_to(K8S)))
def test_every_folder_renders_what_the_api_server_takes(folder: Path) -> None:
    manifests = render(folder)
    assert manifests
    for manifest in manifests:
        validate(manifest)


@pytest.mark.parametrize("path", [QUEUE, POLICY], ids=lambda path: path.stem)
def test_what_is_applied_by_itself_leaves_its_namespace_to_the_command(path: Path) -> None:
    manifest = read(path)
    validate(manifest)
    assert "namespace" not in manifest["metadata"]


@pytest.mark.parametrize(("overlay", "namespace"), OVERLAYS.items())
def test_overlay_is_in_one_namespace(overlay: str, namespace: str) -> None:
    for manifest in render(K8S / "overlays" / overlay):
        assert manifest["metadata"]["namespace"] == namespace
        for subject in manifest.get("subjects", []):
            assert subject["namespace"] == namespace


def test_unknown_and_ill_typed_fields_are_refused() -> None:
    quota = copy.deepcopy(only(render(K8S / "overlays" / "standalone"), "ResourceQuota", "byheart-accelerators"))
    quota["spec"]["limit"] = {}
    with pytest.raises(kubernetes_validate.ValidationError, match="'limit' was unexpected"):
        validate(quota)
    queue = read(QUEUE)
    queue["spec"]["cluster_queue"] = "byheart"
    with pytest.raises(jsonschema.ValidationError, match="'cluster_queue' was unexpected"):
        validate(queue)
    cluster_queue = copy.deepcopy(only(render(K8S / "kueue"), "ClusterQueue", "byheart"))
    cluster_queue["spec"]["resourceGroups"][0]["flavors"][0]["resources"][0]["nominalQuota"] = "eight"
    with pytest.raises(jsonschema.ValidationError, match="'eight'"):
        validate(cluster_queue)


def test_settings_stand_in_one_file(tmp_path: Path) -> None:
    changed = fill_in(
        tmp_path / "k8s", bucket="its-bucket", tpu_chips="32", gpus="4", extract_image="its/byheart-extract@sha256:e"
    )
    others = (path for part in PARTS for path in (K8S / part).rglob("*.yaml"))
    assert not [path for path in others if "my-bucket" in path.read_text(encoding="utf-8")]
    for overlay in OVERLAYS:
        manifests = render(changed / "overlays" / overlay)
        assert only(manifests, "ConfigMap", "kfp-launcher")["data"]["defaultPipelineRoot"] == "gs://its-bucket/kubeflow"
        assert only(manifests, "ResourceQuota", "byheart-accelerators")["spec"]["hard"] == {
            "requests.google.com/tpu": "32",
            "requests.nvidia.com/gpu": "4",
        }
        assert not [one for one in manifests if one["metadata"]["name"] == "byheart-settings"]
    (group,) = only(render(changed / "kueue"), "ClusterQueue", "byheart")["spec"]["resourceGroups"]
    quotas = {one["name"]: one["nominalQuota"] for one in group["flavors"][0]["resources"]}
    assert (quotas["google.com/tpu"], quotas["nvidia.com/gpu"]) == ("32", "4")
    assert list(quotas) == group["coveredResources"], "Kueue wants them in this order"
    (job,) = render(changed / "tpu-check")
    assert job["spec"]["template"]["spec"]["containers"][0]["image"] == "its/byheart-extract@sha256:e"


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda path: str(path.relative_to(K8S)))
def test_settings_that_are_not_filled_in_are_refused_and_named(folder: Path, tmp_path: Path) -> None:
    if folder.name == "base":
        return  # an overlay fills it in
    done = ask_kustomize(folder)
    assert done.returncode != 0
    assert "k8s/settings" in done.stderr
    assert "`data.bucket` is missing" in done.stderr
    settings = fill_in(tmp_path / "k8s") / "settings" / "settings.env"
    settings.write_text(settings.read_text(encoding="utf-8").replace("\nextract_image", "\n#"), encoding="utf-8")
    assert "`data.extract_image` is missing" in ask_kustomize(tmp_path / "k8s" / folder.relative_to(K8S)).stderr


def test_queue_leads_to_the_clusters_and_is_not_called_default() -> None:
    cluster = {one["kind"]: one for one in render(K8S / "kueue")}
    assert not [one for one in cluster.values() if "namespace" in one["metadata"]]
    (group,) = cluster["ClusterQueue"]["spec"]["resourceGroups"]
    assert [one["name"] for one in group["flavors"]] == [cluster["ResourceFlavor"]["metadata"]["name"]]
    queue = read(QUEUE)
    assert queue["metadata"]["name"] != "default", "it would take in every pod without a label"
    assert queue["spec"]["clusterQueue"] == cluster["ClusterQueue"]["metadata"]["name"]


def test_no_manifest_holds_a_secret() -> None:
    rendered = [manifest for folder in FOLDERS for manifest in render(folder)]
    assert "Secret" not in {manifest["kind"] for manifest in rendered}


def kubeflow_with_patches(folder: Path) -> list[Manifest]:
    shutil.copytree(K8S, folder / "k8s")
    kustomization = folder / "k8s" / "kubeflow" / "kustomization.yaml"
    content = yaml.safe_load(kustomization.read_text(encoding="utf-8"))
    content["resources"] = ["kubeflow.yaml"]
    kustomization.write_text(yaml.safe_dump(content), encoding="utf-8")
    (kustomization.parent / "kubeflow.yaml").write_text(KUBEFLOW, encoding="utf-8")
    return render(kustomization.parent)


def test_kubeflows_own_manifests_change_in_two_places(tmp_path: Path) -> None:
    before, after = list(yaml.safe_load_all(KUBEFLOW)), kubeflow_with_patches(tmp_path)
    assert only(after, "ServiceAccount", "pipeline-runner") == only(before, "ServiceAccount", "pipeline-runner")
    assert len(after) == len(before) - 1, "kfp-launcher is the overlay's"
    changed = only(after, "ConfigMap", "workflow-controller-configmap")["data"]
    assert changed["artifactRepository"] == "archiveLogs: true"
    was, now = (yaml.safe_load(data["workflowDefaults"])["spec"] for data in (before[0]["data"], changed))
    assert now.keys() == was.keys()
    assert now["ttlStrategy"] == was["ttlStrategy"]
    assert now["templateDefaults"]["retryStrategy"]["retryPolicy"] == "Always"
    (resource,) = yaml.safe_load((REMOTE / "kustomization.yaml").read_text(encoding="utf-8"))["resources"]
    assert resource.endswith("?ref=2.17.0")


def test_same_file_patches_a_kubeflow_that_is_installed(tmp_path: Path) -> None:
    installed = tmp_path / "installed.yaml"
    patch = REMOTE / "workflow-controller-configmap.yaml"
    installed.write_text(KUBEFLOW.split("---")[0], encoding="utf-8")
    command = [kubectl(), "patch", "--local", f"--filename={installed}", f"--patch-file={patch}", "--output=yaml"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    overlaid = only(kubeflow_with_patches(tmp_path), "ConfigMap", "workflow-controller-configmap")
    assert yaml.safe_load(done.stdout)["data"] == overlaid["data"]


@pytest.mark.parametrize(
    ("what", "status", "message", "exit_code", "repeated"),
    [
        ("a pod that has exited", "Failed", "Error (exit code 1)", "1", True),
        ("a pod without a word", "Failed", "", "137", True),
        (
            "a pod whose node went away",
            "Failed",
            "Pod was terminated in response to imminent node shutdown.",
            "-1",
            True,
        ),
        ("a pod that was deleted", "Error", "pod deleted", "-1", True),
        ("a pod that was evicted", "Failed", "The node was low on resource: memory.", "-1", True),
        ("a pod that had too little memory", "Failed", "main: OOMKilled (exit code 1)", "1", True),
        ("a stage that was killed", "Failed", "main: Error (exit code 137)", "137", True),
        ("a store that is away", "Failed", "main: Error (exit code 1): cannot read gs://b/a: no answer", "1", True),
        ("a fault of the program", "Failed", "main: Error (exit code 1): KeyError: 'refused'", "1", True),
        ("a wrong setting", "Failed", f"main: Error (exit code 1): {REFUSED} top_k must be ...", "1", False),
        ("a graph in which a task has failed for good", "Failed", "", "-1", False),
    ],
)
def test_pods_are_repeated_unless_they_refuse_and_graphs_are_not(
    what: str, status: str, message: str, exit_code: str, repeated: bool, tmp_path: Path
) -> None:
    """The expression is read as Python, with the operators of Argo's language translated.

    That Argo parses it, and has the termination message in lastRetry.message, only a cluster can show; it did, with
    Argo 4.0.5 under Kubeflow Pipelines 2.17.0.
    """
    patched = only(kubeflow_with_patches(tmp_path), "ConfigMap", "workflow-controller-configmap")
    strategy = yaml.safe_load(patched["data"]["workflowDefaults"])["spec"]["templateDefaults"]["retryStrategy"]
    expression = strategy["expression"].replace("||", "or").replace("&&", "and")  # the rest of it is Python too
    expression = re.sub(r"!\((\S+) contains (\S+)\)", r"(\2 not in \1)", expression)
    names = {"lastRetry": SimpleNamespace(status=status, message=message, exitCode=exit_code), "asInt": int}
    assert eval(expression, {"__builtins__": {}}, names) is repeated, what


def allowed(policy: Manifest, address: str, port: int, protocol: str = "TCP") -> bool:
    """Whether pods may reach an address outside the cluster, by Kubernetes' definition of a NetworkPolicy."""
    there = ipaddress.ip_address(address)
    for rule in policy["spec"]["egress"]:
        if not any((one["port"], one["protocol"]) == (port, protocol) for one in rule["ports"]):
            continue
        for block in (peer["ipBlock"] for peer in rule["to"] if "ipBlock" in peer):
            excepted = any(there in ipaddress.ip_network(one) for one in block.get("except", []))
            if there in ipaddress.ip_network(block["cidr"]) and not excepted:
                return True
    return False


def test_pods_of_runs_reach_what_they_need_and_nothing_else() -> None:
    policy = read(POLICY)
    assert policy["spec"]["policyTypes"] == ["Ingress", "Egress"]
    assert "ingress" not in policy["spec"], "nothing calls a stage"
    assert allowed(policy, "169.254.169.254", 80), "tokens, with Dataplane V2"
    assert allowed(policy, "169.254.169.252", 988), "tokens, without"
    assert allowed(policy, "169.254.20.10", 53, "UDP"), "names"
    assert allowed(policy, "142.250.0.1", 443), "Cloud Storage"
    assert not allowed(policy, "142.250.0.1", 80)
    assert not allowed(policy, "142.250.0.1", 22)
    assert not allowed(policy, "169.254.1.1", 443)
    assert not allowed(policy, "10.0.0.1", 5432)
    peers = [peer for rule in policy["spec"]["egress"] for peer in rule["to"] if "namespaceSelector" in peer]
    inside = [peer["namespaceSelector"]["matchLabels"] for peer in peers]
    assert inside == [{"kubernetes.io/metadata.name": name} for name in ("kube-system", "kubeflow")]


def check_of(job: Manifest, name: str) -> None:
    """Hold a check of a TPU to the slice of that name."""
    pod = job["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    assert container["args"] == ["--accelerator", name]
    accelerator = find_accelerator(name)
    assert pod["nodeSelector"] == accelerator.node_labels
    for side in ("requests", "limits"):
        assert container["resources"][side][accelerator.generation.resource] == str(accelerator.chips)
    assert {"key": "google.com/tpu", "operator": "Exists", "effect": "NoSchedule"} in pod["tolerations"]
    assert container["command"] == ["python", "-m", "byheart.components.extract.check"]


def test_check_of_a_tpu_asks_for_the_slice_that_it_looks_for() -> None:
    (job,) = render(K8S / "tpu-check")
    check_of(job, "v6e-2x4")


def test_check_of_another_slice_takes_the_marked_values(tmp_path: Path) -> None:
    path = fill_in(tmp_path / "k8s") / "tpu-check" / "job.yaml"
    old, new = find_accelerator("v6e-2x4"), find_accelerator("v5e-2x2")
    values = {
        "the generation": (old.generation.label, new.generation.label),
        "the topology": (old.topology, new.topology),
        "the slice": (old.name, new.name),
        "the chips": (f'"{old.chips}"', f'"{new.chips}"'),
    }
    lines = path.read_text(encoding="utf-8").splitlines()
    marked = {number: line.rpartition("  # ")[2] for number, line in enumerate(lines) if line.endswith(tuple(values))}
    for number, mark in marked.items():
        value, other = values[mark]
        assert lines[number].count(value) == 1
        lines[number] = lines[number].replace(value, other)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    (job,) = render(path.parent)
    check_of(job, "v5e-2x2")
    assert len(marked) == 5
    for said in (lines[0], (K8S / "README.md").read_text(encoding="utf-8")):
        assert "change the five values that are marked" in said


def test_all_yaml_is_tidy() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "yamllint", "--strict", "."], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout
