"""What GitOps applies, from the run files: a Job for each, and the pipeline for KFP's Kubernetes-native mode.

    k8s/runs/*.yaml  ->  k8s/generated/runs/               a Job and a ConfigMap for each, and the compiled pipeline
                         k8s/generated/pipeline/           Pipeline
                         k8s/generated/pipeline-version/   PipelineVersion, which Kubeflow takes once there is the other

A Job's template cannot be changed, so its name holds a hash of all that it says: the image, the pipeline and the run.
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
from byheart.launch.images import DIGESTS, ROOT, image_reference
from byheart.launch.run_file import RunFile, check_reachable, read_run_file

RUNS = ROOT / "k8s" / "runs"
GENERATED = ROOT / "k8s" / "generated"
JOB = Path(__file__).with_name("job.yaml")

_NAME = "byheart"
_NAMESPACE = "kubeflow"
_HASH_CHARACTERS = 10
_MOST_BYTES = 1_000_000  # a ConfigMap holds 1 MiB
_OF_A_VERSION = {
    # Versions of earlier contents are the pipeline's history, and recurring runs may name them.
    "argocd.argoproj.io/sync-options": "Prune=false",
    "kustomize.toolkit.fluxcd.io/prune": "disabled",
    "argocd.argoproj.io/sync-wave": "1",  # after the Pipeline
}

_HEADER = "# Written by `byheart manifests`, from the files of k8s/runs: change those.\n"


def write_manifests(pipeline: Path, runs: Path = RUNS, generated: Path = GENERATED, digests: Path = DIGESTS) -> None:
    """Write the manifests of all run files, and remove those of files that are gone.

    Args:
        pipeline: the compiled pipeline that the Jobs submit.

    Raises:
        SettingsError: a run file cannot be used, or the images were not pushed.
    """
    wanted = _wanted(pipeline, runs, digests)
    there = _read(generated)
    for name in there.keys() - wanted.keys():
        (generated / name).unlink()
        print(f"removed {_shown(generated / name)}")
    for name, text in wanted.items():
        path = generated / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    print(f"wrote {len(wanted)} files in {_shown(generated)}" if wanted else _nothing(runs))


def check_manifests(pipeline: Path, runs: Path = RUNS, generated: Path = GENERATED, digests: Path = DIGESTS) -> None:
    """Refuse manifests that are not what `write_manifests` would write.

    Raises:
        SettingsError: one differs, or a run file cannot be used.
    """
    wanted, there = _wanted(pipeline, runs, digests), _read(generated)
    differing = {name for name in wanted.keys() & there.keys() if wanted[name] != there[name]}
    groups = {
        "none": wanted.keys() - there.keys(),
        "one of no run file": there.keys() - wanted.keys(),
        "another content": differing,
    }
    for found, names in groups.items():
        if names:
            raise SettingsError(
                f"{_shown(generated / min(names))} must be what {_shown(runs)} and the compiled pipeline ask for, "
                f"found {found}: run `byheart manifests` with the same compiled pipeline, and commit what it writes"
            )
    print(f"{len(wanted)} files in {_shown(generated)} are current" if wanted else _nothing(runs))


def _wanted(pipeline: Path, runs: Path, digests: Path) -> dict[str, str]:
    """Every file by its name below `generated`; none where there are neither run files nor images."""
    if misnamed := sorted(runs.glob("*.yml")):
        raise SettingsError(f"{_shown(misnamed[0])} must end in .yaml, found another name: rename it")
    compiled = read_compiled(pipeline)
    files = [_read_run(_shown(path), compiled) for path in sorted(runs.glob("*.yaml"))]
    _check_names(files)
    if digests.exists():
        return render(files, pipeline.read_text(encoding="utf-8"), image_reference("launch", digests=digests))
    if files:
        raise SettingsError(
            f"images must have been pushed, so that a cluster finds them, found no {_shown(digests)}: run `byheart "
            "images --push REGISTRY` and commit it"
        )
    return {}


def _read_run(path: Path, compiled: Compiled) -> RunFile:
    run = read_run_file(path, compiled)
    check_reachable(run.values, path)
    return run


def render(files: list[RunFile], compiled: str, image: str) -> dict[str, str]:
    """The text of every manifest, by its path.

    Args:
        compiled: the compiled pipeline.
        image: the launcher's image, by digest.
    """
    compiled = _without_remarks(compiled)
    graph = _config_map("pipeline", "pipeline.yaml", compiled)
    texts = {"runs/pipeline.yaml": _dump(graph)}
    for file in files:
        content = yaml.safe_dump(file.content, allow_unicode=True)
        run = _config_map(f"run-{file.name}", "run.yaml", content)
        job = _job(file.name, image, run["metadata"]["name"], graph["metadata"]["name"])
        texts[f"runs/{file.name}.run.yaml"] = _dump(run, job)
    pipeline, version = _native(compiled)
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


def _job(name: str, image: str, run: str, pipeline: str) -> dict[str, Any]:
    """The Job that submits a run; nobody but its name says what it is of."""
    job: dict[str, Any] = yaml.safe_load(JOB.read_text(encoding="utf-8"))
    pod = job["spec"]["template"]["spec"]
    pod["containers"][0]["image"] = image
    for volume in pod["volumes"]:
        if volume["name"] in ("run", "pipeline"):
            volume["configMap"]["name"] = run if volume["name"] == "run" else pipeline
    job["metadata"]["name"] = f"{_NAME}-{name}-{_hash(json.dumps(job, sort_keys=True))}"
    return job


def _config_map(what: str, key: str, text: str) -> dict[str, Any]:
    """A ConfigMap with one file, named by its content."""
    if len(text.encode()) > _MOST_BYTES:
        raise SettingsError(
            f"{what} must fit into a ConfigMap of {_MOST_BYTES:,} bytes, found {len(text.encode()):,}: name books by a "
            "list, as @gs://bucket/list.txt"
        )
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": f"{_NAME}-{what}-{_hash(text)}", "labels": {"app.kubernetes.io/name": _NAME}},
        "immutable": True,
        "data": {key: text},
    }


def _without_remarks(compiled: str) -> str:
    """A compiled pipeline without the remarks at its top, whose spaces would keep a ConfigMap from being readable."""
    lines = compiled.splitlines(keepends=True)
    return "".join(itertools.dropwhile(lambda line: line.startswith("#"), lines))


def _native(compiled: str) -> list[dict[str, Any]]:
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
    version["metadata"]["annotations"] = _OF_A_VERSION
    return [pipeline, version]


def _check_names(files: list[RunFile]) -> None:
    names = [file.name for file in files]
    for name in names:
        if names.count(name) > 1:
            raise SettingsError(f"name must be another in each run file, found {name} twice: rename one")


def _read(generated: Path) -> dict[str, str]:
    paths = [path for path in generated.rglob("*") if path.is_file()]
    return {path.relative_to(generated).as_posix(): path.read_text(encoding="utf-8") for path in paths}


class _Dumper(yaml.SafeDumper):
    """Writes texts of several lines as a person would."""


_Dumper.add_representer(
    str,
    lambda dumper, text: dumper.represent_scalar("tag:yaml.org,2002:str", text, "|" if "\n" in text else None),
)


def _dump(*documents: dict[str, Any]) -> str:
    return _HEADER + yaml.dump_all(documents, Dumper=_Dumper, allow_unicode=True, sort_keys=False, width=120)


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:_HASH_CHARACTERS]


def _shown(path: Path) -> Path:
    """A path as a person at the root of the checkout names it."""
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path


def _nothing(runs: Path) -> str:
    return f"nothing to write: there is no run file in {_shown(runs)}, and no image was pushed"
