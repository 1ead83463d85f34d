"""Defaults of a run on this machine: its accelerator, the folder for models and scores, and how Python is started."""

import importlib.util
import os
import subprocess
import sys

import platformdirs

from byheart.contracts.errors import DeviceError
from byheart.launch.environment import select_variables
from byheart.launch.images import ROOT
from byheart.machines.accelerators import ONE_HOST

_DRIVERS = ("libtpu", "jax_cuda12_plugin", "jax_cuda13_plugin")
"""Modules that JAX needs for TPUs and GPUs; without any, it uses CPUs."""


def locate_default_store() -> str:
    """The store where a person names none: `BYHEART_STORE`, or a folder in the user's data folder."""
    return os.environ.get("BYHEART_STORE") or str(platformdirs.user_data_path("byheart") / "store")


def build_environment() -> dict[str, str]:
    """The environment of a Python that computes with this byheart, whatever lies in the working folder."""
    paths = [str(ROOT), os.environ.get("PYTHONPATH", "")]
    return select_variables() | {"PYTHONPATH": os.pathsep.join(filter(None, paths)), "PYTHONSAFEPATH": "1"}


def detect_accelerator() -> str:
    """The name of this machine's accelerator; another process asks JAX, which holds the device until it ends.

    Raises:
        DeviceError: JAX cannot use the accelerator, as where another process holds it.
    """
    if not any(map(importlib.util.find_spec, _DRIVERS)):
        return "cpu"
    command = [sys.executable, "-m", "byheart.components.extract.here"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=build_environment())
    if done.returncode:
        *_, reason = done.stderr.strip().splitlines() or ["no reason"]
        raise DeviceError(
            f"this machine's accelerator must be usable, found {reason}: end what uses it, or set accelerator=cpu",
            parameter="accelerator",
            may_pass=True,
        )
    *_, name = done.stdout.split() or ["cpu"]
    return name if name in ONE_HOST else "cpu"
