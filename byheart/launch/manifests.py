"""Writes what GitOps applies: a Job for each run file, and the pipeline for KFP's Kubernetes-native mode.

    k8s/runs/*.yaml  ->  k8s/generated/runs/               a Job and a ConfigMap for each, and the compiled pipeline
                         k8s/generated/pipeline/           Pipeline
                         k8s/generated/pipeline-version/   PipelineVersion, which Kubeflow accepts after the Pipeline

A Job's template cannot be changed, so its name holds a hash of its content: the image, the pipeline and the run.
"""

import hashlib
import itertools
import json
import tempfile
from pathlib import Path
from typing import Any

import yaml
from kfp import compiler, components
from kfp.compiler.compiler_utils import KubernetesManifestOptions

from byheart.contracts.errors import SettingsError
from byheart.launch.compiled import Compiled, read_compiled
from byheart.launch.flavour import check_flavour
from byheart.launch.images import DIGESTS, ROOT, find_image_reference
from byheart.launch.run_file import RunFile, read_run_file
from byheart.launch.sendable import check_sendable

RUNS = ROOT / "k8s" / "runs"
GENERATED = ROOT / "k8s" / "generated"
JOB = Path(__file__).with_name("job.yaml")
DESCRIPTION = Path(__file__).with_name("description.md")
"""What Kubeflow's page shows of the pipeline, twice in a card that does not scroll: seven lines of Markdown at most."""

_NAME = "byheart"
_NAMESPACE = "kubeflow"
_HASH_CHARACTERS = 10
_VERSION_ANNOTATIONS = {
    # Versions of earlier contents are the pipeline's history, and recurring runs may name them.
    "argocd.argoproj.io/sync-options": "Prune=false",
    "kustomize.toolkit.fluxcd.io/prune": "disabled",
    "argocd.argoproj.io/sync-wave": "1",  # after the Pipeline
}

_HEADER = "# Written by `byheart manifests`, from the files of k8s/runs: change those.\n"


def write_manifests(pipeline: Path, runs: Path = RUNS, generated: Path = GENERATED, digests: Path = DIGESTS) -> None:
    """Write the manifests of all run files, and remove the manifests of run files that are gone.

    Args:
        pipeline: the compiled pipeline that the Jobs submit.

    Raises:
        SettingsError: a run file cannot be used, or the images were not pushed.
    """
    wanted = _render_all(pipeline, runs, digests)
    written = _read_folder(generated)
    for name in written.keys() - wanted.keys():
        (generated / name).unlink()
        print(f"removed {_shorten(generated / name)}")
    for name, text in wanted.items():
        path = generated / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    print(f"wrote {len(wanted)} files in {_shorten(generated)}" if wanted else _explain_nothing(runs))


def check_manifests(pipeline: Path, runs: Path = RUNS, generated: Path = GENERATED, digests: Path = DIGESTS) -> None:
    """Check that the manifests are those that `write_manifests` would write.

    Raises:
        SettingsError: a manifest differs, or a run file cannot be used.
    """
    wanted, written = _render_all(pipeline, runs, digests), _read_folder(generated)
    differing = {name for name in wanted.keys() & written.keys() if wanted[name] != written[name]}
    faults = {
        "none": wanted.keys() - written.keys(),
        "one without a run file": written.keys() - wanted.keys(),
        "another content": differing,
    }
    for fault, names in faults.items():
        if names:
            raise SettingsError(
                f"{_shorten(generated / min(names))} must be what {_shorten(runs)} and the compiled pipeline ask for, "
                f"found {fault}: run `byheart manifests` with the same compiled pipeline, and commit what it writes"
            )
    print(f"{len(wanted)} files in {_shorten(generated)} are current" if wanted else _explain_nothing(runs))


def _render_all(pipeline: Path, runs: Path, digests: Path) -> dict[str, str]:
    """The text of every file, by its name below `generated`; empty if there are neither run files nor pushed images."""
    if misnamed := sorted(runs.glob("*.yml")):
        raise SettingsError(f"{_shorten(misnamed[0])} must end in .yaml, found another name: rename it")
    compiled = read_compiled(pipeline)
    files = [_read_run(_shorten(path), compiled, digests) for path in sorted(runs.glob("*.yaml"))]
    _check_names(files)
    if digests.exists():
        return render(files, pipeline.read_text(encoding="utf-8"), find_image_reference("launch", digests=digests))
    if files:
        raise SettingsError(
            f"images must have been pushed, so that a cluster finds them, found no {_shorten(digests)}: run `byheart "
            "images --push REGISTRY` and commit it"
        )
    return {}


def _read_run(path: Path, compiled: Compiled, digests: Path) -> RunFile:
    run = read_run_file(path, compiled)
    check_sendable(run.values, compiled, path)
    check_flavour(run.values, compiled, digests=digests, file=path)
    return run


def render(files: list[RunFile], compiled: str, image: str) -> dict[str, str]:
    """The text of every manifest, by its path below `generated`.

    Args:
        compiled: the compiled pipeline.
        image: the launcher's image, by digest.
    """
    compiled = _strip_comments(compiled)
    graph = _render_config_map("pipeline", "pipeline.yaml", compiled)
    texts = {"runs/pipeline.yaml": _dump(graph)}
    for file in files:
        content = yaml.safe_dump(file.content, allow_unicode=True)
        run = _render_config_map(f"run-{file.name}", "run.yaml", content)
        job = _render_job(file.name, image, run["metadata"]["name"], graph["metadata"]["name"])
        texts[f"runs/{file.name}.run.yaml"] = _dump(run, job)
    pipeline, version = _render_pipeline(compiled)
    texts["pipeline/pipeline.yaml"], texts["pipeline-version/pipeline-version.yaml"] = _dump(pipeline), _dump(version)
    for folder in ("runs", "pipeline", "pipeline-version"):
        resources = sorted(name.removeprefix(f"{folder}/") for name in texts if name.startswith(f"{folder}/"))
        texts[f"{folder}/kustomization.yaml"] = _dump(
            {
                "apiVersion": "kustomize.config.k8s.io/v1beta1",
                "kind": "Kustomization",
                "namespace": _NAMESPACE,
                "resources": resources,
            }
        )
    return texts


def _render_job(name: str, image: str, run: str, pipeline: str) -> dict[str, Any]:
    """The Job that submits a run, named by the run file and a hash of the Job's content."""
    job: dict[str, Any] = yaml.safe_load(JOB.read_text(encoding="utf-8"))
    pod = job["spec"]["template"]["spec"]
    pod["containers"][0]["image"] = image
    for volume in pod["volumes"]:
        if volume["name"] in ("run", "pipeline"):
            volume["configMap"]["name"] = run if volume["name"] == "run" else pipeline
    job["metadata"]["name"] = f"{_NAME}-{name}-{_hash(json.dumps(job, sort_keys=True))}"
    return job


def _render_config_map(what: str, key: str, text: str) -> dict[str, Any]:
    """A ConfigMap with one file, named by its content."""
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": f"{_NAME}-{what}-{_hash(text)}", "labels": {"app.kubernetes.io/name": _NAME}},
        "immutable": True,
        "data": {key: text},
    }


def _strip_comments(compiled: str) -> str:
    """A compiled pipeline without the comments at its top: their trailing spaces make a ConfigMap unreadable."""
    lines = compiled.splitlines(keepends=True)
    return "".join(itertools.dropwhile(lambda line: line.startswith("#"), lines))


def _render_pipeline(compiled: str) -> list[dict[str, Any]]:
    """Pipeline and PipelineVersion, as KFP's own compiler writes them; the version is named by its content."""
    options = KubernetesManifestOptions(
        pipeline_name=_NAME, pipeline_version_name=f"{_NAME}-{_hash(compiled)}", include_pipeline_manifest=True
    )
    with tempfile.TemporaryDirectory(prefix="byheart-") as folder:
        path = Path(folder) / "pipeline.yaml"
        compiler.Compiler().compile(
            components.load_component_from_text(compiled),
            str(path),
            kubernetes_manifest_options=options,
            kubernetes_manifest_format=True,
        )
        pipeline, version = yaml.safe_load_all(path.read_text(encoding="utf-8"))
    version["metadata"]["annotations"] = _VERSION_ANNOTATIONS
    for resource in (pipeline, version):
        resource["spec"]["description"] = DESCRIPTION.read_text(encoding="utf-8")
    return [pipeline, version]


def _check_names(files: list[RunFile]) -> None:
    names = [file.name for file in files]
    for name in names:
        if names.count(name) > 1:
            raise SettingsError(f"name must be another in each run file, found {name} twice: rename one")


def _read_folder(generated: Path) -> dict[str, str]:
    paths = [path for path in generated.rglob("*") if path.is_file()]
    return {path.relative_to(generated).as_posix(): path.read_text(encoding="utf-8") for path in paths}


class _Dumper(yaml.SafeDumper):
    """Writes texts of several lines as literal blocks."""


_Dumper.add_representer(
    str,
    lambda dumper, text: dumper.represent_scalar("tag:yaml.org,2002:str", text, "|" if "\n" in text else None),
)


def _dump(*documents: dict[str, Any]) -> str:
    return _HEADER + yaml.dump_all(documents, Dumper=_Dumper, allow_unicode=True, sort_keys=False, width=120)


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:_HASH_CHARACTERS]


def _shorten(path: Path) -> Path:
    """A path relative to the working folder, if it is inside."""
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path


def _explain_nothing(runs: Path) -> str:
    return f"nothing to write: there is no run file in {_shorten(runs)}, and no image was pushed"
