"""What a run on this machine takes where nothing is said: its accelerator, and the folder for models and scores."""

import importlib.util
import subprocess
import sys

import platformdirs

from byheart.machines.accelerators import ONE_HOST

_DRIVERS = ("libtpu", "jax_cuda12_plugin", "jax_cuda13_plugin")
"""What JAX needs for TPUs and GPUs; without one, it has CPUs."""


def default_store() -> str:
    """The store in the user's data folder."""
    return str(platformdirs.user_data_path("byheart") / "store")


def accelerator_here() -> str:
    """The name of this machine's accelerator, as JAX finds it in a process that then lets go of it."""
    if not any(map(importlib.util.find_spec, _DRIVERS)):
        return "cpu"
    command = [sys.executable, "-m", "byheart.components.extract.here"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    *_, name = done.stdout.split() or ["cpu"]
    return name if name in ONE_HOST else "cpu"
