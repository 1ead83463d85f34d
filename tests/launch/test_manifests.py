import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from byheart.contracts.errors import SettingsError
from byheart.launch.compile import compile_pipeline
from byheart.launch.compiled import read_compiled
from byheart.launch.manifests import check_manifests, write_manifests
from tests.k8s.conftest import kubectl
from tests.published.objects import validate

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parent.parent.parent
IMAGE = f"registry.example/byheart-launch@sha256:{'0' * 64}"
KUBERNETES = "1.32"
RUN = """\
name: {name}
model: llama-3.1-8b
books: [gs://my-bucket/a.txt]
store: gs://my-bucket/byheart
settings: {{plot_title: "äöü: one\\ntwo"}}
"""


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("compiled") / "pipeline.yaml"
    compile_pipeline(path)
    return path


def make_arguments(folder: Path, compiled: Path) -> dict[str, Path]:
    """Two run files, images that were pushed, and where manifests are to be."""
    runs = folder / "runs"
    runs.mkdir()
    for name in ("first", "second"):
        (runs / f"{name}.yaml").write_text(RUN.format(name=name), encoding="utf-8")
    digests = folder / "digests.json"
    digests.write_text(json.dumps({"commit": "0" * 40, "images": {"launch": IMAGE}}))
    return {"pipeline": compiled, "runs": runs, "generated": folder / "generated", "digests": digests}


@pytest.fixture
def arguments(tmp_path: Path, compiled: Path) -> dict[str, Path]:
    return make_arguments(tmp_path, compiled)


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory, compiled: Path) -> dict[str, Path]:
    """Places whose manifests are written, for tests that change nothing."""
    arguments = make_arguments(tmp_path_factory.mktemp("written"), compiled)
    write_manifests(**arguments)
    return arguments


def documents(arguments: dict[str, Path], folder: str) -> list[dict[str, Any]]:
    paths = sorted((arguments["generated"] / folder).glob("*.yaml"))
    found = [document for path in paths for document in yaml.safe_load_all(path.read_text(encoding="utf-8"))]
    return [document for document in found if document["kind"] != "Kustomization"]


def jobs(arguments: dict[str, Path]) -> list[dict[str, Any]]:
    return [document for document in documents(arguments, "runs") if document["kind"] == "Job"]


def test_kubernetes_takes_every_manifest(written: dict[str, Path]) -> None:
    found = documents(written, "runs")
    assert sorted(document["kind"] for document in found) == ["ConfigMap", "ConfigMap", "ConfigMap", "Job", "Job"]
    for document in found:
        kubernetes_validate.validate(document, KUBERNETES, strict=True)


def test_kubeflow_takes_its_resources(written: dict[str, Path]) -> None:
    found = [*documents(written, "pipeline"), *documents(written, "pipeline-version")]
    assert [document["kind"] for document in found] == ["Pipeline", "PipelineVersion"]
    for document in found:
        validate(document)
    (version,) = documents(written, "pipeline-version")
    assert version["spec"]["pipelineSpec"]["root"]["inputDefinitions"]["parameters"]["spot"]["literals"] == [
        False,
        True,
    ]


def test_description_fits_the_card_that_shows_it_twice(written: dict[str, Path], compiled: Path) -> None:
    """The card grows upwards out of the screen, and its Markdown turns two underscores into italics."""
    shown = {
        one["spec"]["description"] for folder in ("pipeline", "pipeline-version") for one in documents(written, folder)
    }
    (text,) = shown
    _, _, *fields = text.splitlines()
    assert 1 <= len(fields) <= 5
    assert max(map(len, fields)) <= 60
    assert "_" not in re.sub(r"`[^`]*`", "", text)
    named = [re.match(r"- `(\w+)`: ", field)[1] for field in fields]  # type: ignore[index]
    known = read_compiled(compiled)
    assert set(known.required) <= set(named) <= {*known.alone, "options"}


@pytest.mark.parametrize("folder", ["runs", "pipeline", "pipeline-version"])
def test_kustomize_keeps_every_name(written: dict[str, Path], folder: str) -> None:
    built = subprocess.run(
        [kubectl(), "kustomize", str(written["generated"] / folder)], capture_output=True, text=True, check=True
    )
    found = list(yaml.safe_load_all(built.stdout))
    assert {one["metadata"]["name"] for one in found} == {one["metadata"]["name"] for one in documents(written, folder)}
    assert {one["metadata"]["namespace"] for one in found} == {"kubeflow"}


@pytest.mark.parametrize("tool", ["argocd", "flux"])
def test_examples_for_gitops_apply_what_is_written(written: dict[str, Path], tool: str) -> None:
    wanted = {f"k8s/generated/{path.name}" for path in written["generated"].iterdir()}
    found = set()
    for document in yaml.safe_load_all((ROOT / "k8s" / "gitops" / f"{tool}.yaml").read_text()):
        spec = document["spec"]
        if tool == "argocd":
            found |= {source["path"] for source in spec.get("sources") or [spec["source"]]}
            assert spec["syncPolicy"]["automated"]["prune"]
        elif document["kind"] == "Kustomization":
            found.add(spec["path"].removeprefix("./"))
            assert spec["prune"]
    assert found == wanted


def test_job_mounts_what_is_written_beside_it(written: dict[str, Path]) -> None:
    maps = {one["metadata"]["name"]: one["data"] for one in documents(written, "runs") if one["kind"] == "ConfigMap"}
    for job in jobs(written):
        pod = job["spec"]["template"]["spec"]
        volumes = {one["name"]: one.get("configMap", {}).get("name") for one in pod["volumes"]}
        assert set(maps[volumes["run"]]) == {"run.yaml"}
        assert set(maps[volumes["pipeline"]]) == {"pipeline.yaml"}
        (container,) = pod["containers"]
        mounts = {one["name"]: one["mountPath"] for one in container["volumeMounts"]}
        assert f"{mounts['run']}/run.yaml" in container["args"]
        assert f"{mounts['pipeline']}/pipeline.yaml" in container["args"]
        assert "--once" in container["args"]


def test_run_travels_unchanged(written: dict[str, Path]) -> None:
    runs = [one["data"]["run.yaml"] for one in documents(written, "runs") if "run.yaml" in one.get("data", {})]
    assert [yaml.safe_load(run) for run in runs] == [
        yaml.safe_load(path.read_text(encoding="utf-8")) for path in sorted(written["runs"].iterdir())
    ]


def test_nothing_makes_a_gitops_tool_start_a_job_again(written: dict[str, Path]) -> None:
    for job in jobs(written):
        assert "annotations" not in job["metadata"]
        assert "ttlSecondsAfterFinished" not in job["spec"]
        assert job["spec"]["template"]["metadata"]["labels"]["sidecar.istio.io/inject"] == "false"


def test_job_ends_whatever_it_waits_for(written: dict[str, Path]) -> None:
    tries_seconds = 21 * 6 * 60  # Kubernetes waits six minutes between two attempts at most
    assert [job["spec"]["activeDeadlineSeconds"] > tries_seconds for job in jobs(written)] == [True, True]


def test_job_s_name_changes_with_all_that_it_says(arguments: dict[str, Path]) -> None:
    names = []
    for step in range(4):
        if step == 1:
            text = (arguments["runs"] / "first.yaml").read_text(encoding="utf-8")
            (arguments["runs"] / "first.yaml").write_text(f"# a comment\n{text}", encoding="utf-8")
        elif step == 2:
            (arguments["runs"] / "first.yaml").write_text(text.replace("a.txt", "b.txt"), encoding="utf-8")
        elif step == 3:
            arguments["digests"].write_text(
                json.dumps({"images": {"launch": "registry.example/newer@sha256:" + "1" * 64}})
            )
        write_manifests(**arguments)
        names.append([job["metadata"]["name"] for job in jobs(arguments)])
        assert all(len(name) <= 63 for name in names[-1])
    assert names[0] == names[1], "a comment is no part of a run"
    assert names[2][0] != names[1][0]
    assert names[2][1] == names[1][1], "another file is no part of this run"
    assert set(names[3]).isdisjoint(names[2])


def test_file_that_is_gone_takes_its_manifest_along(arguments: dict[str, Path]) -> None:
    write_manifests(**arguments)
    (arguments["runs"] / "first.yaml").unlink()
    with pytest.raises(
        SettingsError, match=r"first.run.yaml must be what .*, found one without a run file: run `byheart "
    ):
        check_manifests(**arguments)
    write_manifests(**arguments)
    assert not (arguments["generated"] / "runs" / "first.run.yaml").exists()
    check_manifests(**arguments)


@pytest.mark.parametrize(("change", "found"), [("add", "none"), ("edit", "another content")])
def test_manifests_that_are_not_current_are_refused(arguments: dict[str, Path], change: str, found: str) -> None:
    write_manifests(**arguments)
    if change == "add":
        (arguments["runs"] / "third.yaml").write_text(RUN.format(name="third"), encoding="utf-8")
    else:
        path = arguments["generated"] / "runs" / "second.run.yaml"
        path.write_text(path.read_text(encoding="utf-8").replace("256Mi", "1Gi"), encoding="utf-8")
    with pytest.raises(SettingsError, match=f"found {found}: run `byheart manifests`"):
        check_manifests(**arguments)


def test_images_that_were_not_pushed_are_asked_for(arguments: dict[str, Path]) -> None:
    arguments["digests"].unlink()
    for command in (write_manifests, check_manifests):
        with pytest.raises(SettingsError, match=r"images must have been pushed.*byheart images --push REGISTRY"):
            command(**arguments)


def test_without_runs_and_images_there_is_nothing_to_write(arguments: dict[str, Path]) -> None:
    write_manifests(**arguments)
    for path in (*list(arguments["runs"].iterdir()), arguments["digests"]):
        path.unlink()
    with pytest.raises(SettingsError, match="found one without a run file"):
        check_manifests(**arguments)
    write_manifests(**arguments)
    assert not [path for path in arguments["generated"].rglob("*") if path.is_file()]
    check_manifests(**arguments)


def test_two_files_of_one_name_are_refused(arguments: dict[str, Path]) -> None:
    (arguments["runs"] / "third.yaml").write_text(RUN.format(name="first"), encoding="utf-8")
    with pytest.raises(SettingsError, match="name must be another in each run file, found first twice"):
        write_manifests(**arguments)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("äöü: one\\ntwo", "$(HF_TOKEN)", r"plot_title must not hold '\$\('"),
        ("[gs://my-bucket/a.txt]", f"[{'gs://my-bucket/a.txt, ' * 5_000}]", "all parameters together must be at most"),
        ("settings: {", "settings: {accelerator: gpu-1, ", "accelerator must be of a kind"),
    ],
)
def test_run_that_a_cluster_cannot_take_is_refused(arguments: dict[str, Path], old: str, new: str, said: str) -> None:
    text = RUN.format(name="first")
    assert old in text
    (arguments["runs"] / "first.yaml").write_text(text.replace(old, new), encoding="utf-8")
    for attempt in (write_manifests, check_manifests):
        with pytest.raises(SettingsError, match=rf"runs/first\.yaml: {said}"):
            attempt(**arguments)


def test_yml_is_no_run_file_that_is_passed_over(arguments: dict[str, Path]) -> None:
    (arguments["runs"] / "third.yml").write_text(RUN.format(name="third"), encoding="utf-8")
    with pytest.raises(SettingsError, match=r"third.yml must end in .yaml"):
        check_manifests(**arguments)


def test_what_is_committed_is_current(compiled: Path) -> None:
    subprocess.run(
        [sys.executable, "-m", "byheart", "manifests", "--pipeline", compiled, "--check"], cwd=ROOT, check=True
    )
