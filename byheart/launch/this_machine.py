"""Defaults of a run on this machine: its accelerator, the folder for models and scores, and how Python is started."""

import importlib.util
import os
import re
import subprocess
import sys

import platformdirs

from byheart.contracts.errors import DeviceError
from byheart.contracts.spellings import respell
from byheart.launch.environment import select_variables
from byheart.launch.images import ROOT

_CUDA = ("jax_cuda12_plugin", "jax_cuda13_plugin")
"""Modules that JAX needs for GPUs, as `libtpu` for TPUs; without any, it uses CPUs."""
_GENERIC = re.compile(r"gpu-([0-9]+)")
_KNOWN = re.compile(r"([a-z]+[0-9]*s?)-([0-9]+)(-[0-9]+gb)?")
"""A name of GPUs: the generation, how many, and their memory if it is not their row's."""


def locate_default_store() -> str:
    """The store where a person names none: `BYHEART_STORE`, or a folder in the user's data folder."""
    return os.environ.get("BYHEART_STORE") or str(platformdirs.user_data_path("byheart") / "store")


def build_environment() -> dict[str, str]:
    """The environment of a Python that computes with this byheart, whatever lies in the working folder."""
    paths = [str(ROOT), os.environ.get("PYTHONPATH", "")]
    return select_variables() | {"PYTHONPATH": os.pathsep.join(filter(None, paths)), "PYTHONSAFEPATH": "1"}


def name_cards(asked: str) -> str:
    """`gpu-2` as `h100-2` where this machine's GPUs are known; any other accelerator, and without GPUs, as it is asked.

    Raises:
        DeviceError: JAX cannot use the GPUs.
    """
    generic = _GENERIC.fullmatch(respell("accelerator", asked, str))
    if not generic or not any(map(importlib.util.find_spec, _CUDA)):
        return asked
    here = _KNOWN.fullmatch(_ask_jax())
    return f"{here[1]}-{generic[1]}{here[3] or ''}" if here and int(generic[1]) <= int(here[2]) else asked


def detect_accelerator() -> str:
    """The name of this machine's accelerator; says so if byheart is installed for one that is not here.

    Raises:
        DeviceError: JAX cannot use the accelerator, as where another process holds it.
    """
    if not any(map(importlib.util.find_spec, ("libtpu", *_CUDA))):
        return "cpu"
    name = _ask_jax()
    if name == "cpu":
        kind = "TPU" if importlib.util.find_spec("libtpu") else "GPU"
        print(
            f"this machine has no {kind} that JAX can use, though byheart is installed for {kind}s: the run takes the "
            f"CPU, in float32; `byheart check` says what JAX finds",
            flush=True,
        )
    return name


def _ask_jax() -> str:
    """The accelerator's name by another process, which holds the device until it ends."""
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
    return name
