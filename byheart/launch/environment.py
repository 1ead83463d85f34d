"""What the processes that compute get of the caller's environment: settings of libraries are left out.

Variables of JAX, matplotlib and Python can change numbers and pictures, or end a stage: a run sets what it needs. What
says where something lies, as a proxy, a certificate, an account or a cache does, is passed on.
"""

import os
import resource
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

_SETTINGS = ("JAX_", "MPL", "NVIDIA_TF32_OVERRIDE", "PYTHON")
"""Beginnings of the names of variables that are left out."""
_PLACES = (
    "JAX_COMPILATION_CACHE_DIR",
    "JAX_PERSISTENT_CACHE_",
    "MPLCONFIGDIR",
    "PYTHONDONTWRITEBYTECODE",
    "PYTHONHOME",
    "PYTHONNOUSERSITE",
    "PYTHONPATH",
    "PYTHONPYCACHEPREFIX",
    "PYTHONUSERBASE",
)
"""Beginnings of those among them that are passed on: they say where files and packages lie."""
_HEEDED = ("JAX_", "NVIDIA_")
"""Beginnings of those whose absence is said: somebody may wait for their effect."""
COMPILER = ("XLA_FLAGS", "LIBTPU_INIT_ARGS")
"""Variables that are passed on, for nothing else sets what they set, but that can change scores."""
TOKENS = ("HF_TOKEN", "HF_TOKEN_PATH", "HUGGING_FACE_HUB_TOKEN")
"""Variables that download alone gets."""


def list_settings(variables: Mapping[str, str]) -> list[str]:
    """The names of the variables that are left out."""
    return sorted(name for name in variables if name.startswith(_SETTINGS) and not name.startswith(_PLACES))


def select_variables(variables: Mapping[str, str] = os.environ) -> dict[str, str]:
    """The variables without those that are left out."""
    left_out = list_settings(variables)
    return {name: value for name, value in variables.items() if name not in left_out}


def describe_settings(variables: Mapping[str, str] = os.environ) -> Iterator[str]:
    """A line on what is left out and one on what is passed on, where either may surprise; usually none."""
    if left_out := [name for name in list_settings(variables) if name.startswith(_HEEDED)]:
        verb = "is" if len(left_out) == 1 else "are"
        yield f"{', '.join(left_out)} {verb} left out: byheart sets up JAX itself, for accelerator= and precision="
    if compiler := [name for name in COMPILER if variables.get(name)]:
        yield f"{' and '.join(compiler)} can change scores, and the store does not tell: unset what you do not need"


def leave_out_settings() -> None:
    """Leave the settings out of this process's own environment, before it imports JAX; print what may surprise."""
    for line in describe_settings():
        print(line, flush=True)
    for name in list_settings(os.environ):
        del os.environ[name]
    forbid_cores()


@contextmanager
def without_settings() -> Iterator[None]:
    """Keep the settings from libraries that are imported meanwhile: they read them when they are imported."""
    left_out = {name: os.environ.pop(name) for name in list_settings(os.environ)}
    try:
        yield
    finally:
        os.environ.update(left_out)


def forbid_cores() -> None:
    """Keep this process, and those that it starts, from writing core files, which hold texts and tokens."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))
