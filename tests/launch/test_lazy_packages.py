"""Kubernetes' API is not loaded at each start, and is whole where it is used."""

import subprocess
import sys
from pathlib import Path

from tests.conftest import ROOT

PROGRAM = """
import os, sys
import byheart.launch.run
print("kubernetes.client.models" in sys.modules, "kfp.client" in sys.modules, "_KFP_RUNTIME" in os.environ)
import kubernetes
from kubernetes import client, config
print(client.V1Pod.__module__, callable(config.load_kube_config), kubernetes.__version__ > "0", type(client).__name__)
import byheart.kubeflow.client
print("kfp.client" in sys.modules, "kfp.dsl.tasks_group" in sys.modules)
"""


def test_kubernetes_is_loaded_when_it_is_used() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "False False False\nkubernetes.client.models.v1_pod True True module\nTrue True\n"


def test_package_is_loaded_for_what_is_its_own_and_one_that_is_not_there_is_still_missed(tmp_path: Path) -> None:
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept" / "__init__.py").write_text("print('loaded')\nVALUE = 3\n", encoding="utf-8")
    (tmp_path / "kept" / "inner.py").write_text("", encoding="utf-8")
    program = """
from byheart.launch.lazy_packages import load_when_used
load_when_used("kept", "absent_package")
import kept.inner, kept
print("before")
print(kept.VALUE, kept.inner.__name__)
try:
    import absent_package
except ModuleNotFoundError as error:
    print(error)
"""
    environment = {"PYTHONPATH": f"{ROOT}:{tmp_path}"}
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout == "before\nloaded\n3 kept.inner\nNo module named 'absent_package'\n"
