"""Packages that are loaded when something in them is used, and not when a library imports them.

KFP's client imports all of Kubernetes' API for the type of one argument: 0.7 s of a processor at each start. A run on
this machine needs no client at all, which takes another 0.1 s in each of two processes.
"""

import importlib
import importlib.util
import os
import sys
from types import ModuleType
from typing import Any

_IN_CONTAINER = "_KFP_RUNTIME"
"""KFP's own variable."""


class _LazyPackage(ModuleType):
    def __getattr__(self, name: str) -> Any:
        if importlib.util.find_spec(f"{self.__name__}.{name}"):
            return importlib.import_module(f"{self.__name__}.{name}")
        assert self.__spec__
        assert self.__spec__.loader
        self.__class__ = ModuleType  # type: ignore[assignment]
        self.__spec__.loader.exec_module(self)
        return getattr(self, name)


def load_when_used(*packages: str) -> None:
    """Have these packages loaded when they are used; a package stands before those that it contains.

    A submodule that is asked for is loaded alone.
    """
    for name in packages:
        spec = None if name in sys.modules else importlib.util.find_spec(name)
        if spec:
            package = importlib.util.module_from_spec(spec)
            package.__class__ = _LazyPackage
            sys.modules[name] = package


def load_kfp_without_client() -> None:
    """Import kfp as it is in a container: there it leaves its client out, which `kfp.client` then loads."""
    before = os.environ.get(_IN_CONTAINER)
    os.environ[_IN_CONTAINER] = "true"
    try:
        importlib.import_module("kfp")
    finally:
        del os.environ[_IN_CONTAINER]
        if before is not None:
            os.environ[_IN_CONTAINER] = before
