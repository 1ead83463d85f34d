"""An adapter's change of tensors as float64, by loops that follow the papers.

It repeats what `byheart.models.adapter` does, and shares no code with it but the reading of safetensors. Sources: LoRA,
arXiv 2106.09685; rsLoRA, 2312.03732; DoRA, 2402.09353; names of tensors and modules, the package peft.
"""

import json
import math
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import numpy.typing as npt

from byheart.models.tensors import Tensor, read_tensors
from byheart.store import Place

Floats = npt.NDArray[np.float64]

_CONFIG, _WEIGHTS = "adapter_config.json", "adapter_model.safetensors"
_BEFORE = "base_model.model."
_TRANSPOSED = ("gpt2",)
"""Families whose matrices are [input, output]."""


class AdapterTensors:
    """The tensors of an adapter's folder, by the names of its base."""

    def __init__(self, place: Place, family: str, decode: Callable[[bytes, str], Floats]) -> None:
        self._place, self._decode, self._family = place, decode, family
        self._config: dict[str, Any] = json.loads(place.read(_CONFIG))
        self._tensors: dict[str, Tensor] = {
            name.removeprefix(_BEFORE): tensor for name, tensor in read_tensors(place, _WEIGHTS).items()
        }

    def read(self, names: Iterable[str]) -> Floats | None:
        """The tensor that takes the place of the base's under one of these names; None without any."""
        for name in names:
            module, _, kind = name.rpartition(".")
            for saved in (name, f"{module}.base_layer.{kind}"):
                if saved in self._tensors:
                    return self._read(saved)
        return None

    def changes(self, names: Iterable[str]) -> bool:
        """Whether the base's tensor under one of these names is changed."""
        return self._find_module(names) is not None

    def change(self, names: Iterable[str], rows: Floats, first: int = 0) -> Floats:
        """The rows of a base's tensor with their change, if there is one; `first` is the number of the first."""
        module = self._find_module(names)
        if module is None:
            return rows
        table = f"{module}.lora_embedding_A" in self._tensors
        a, b = (
            self._read(f"{module}.lora_{'embedding_' * table}{which}{'' if table else '.weight'}") for which in "AB"
        )
        last, rank = first + len(rows), len(a)
        alpha = self._look_up("alpha_pattern", module, self._config["lora_alpha"])
        scale = alpha / (math.sqrt(rank) if self._config.get("use_rslora") else rank)
        if table or (self._family in _TRANSPOSED and not module.endswith("lm_head")):
            return rows + scale * (a[:, first:last].T @ b.T)
        changed = rows + scale * (b[first:last] @ a)
        if not self._config.get("use_dora"):
            return changed
        vector = f"{module}.lora_magnitude_vector"
        wanted = self._read(vector if vector in self._tensors else f"{vector}.weight")[first:last]
        return changed * (wanted / np.sqrt((changed**2).sum(axis=1)))[:, None]

    def _look_up(self, pattern: str, module: str, default: float) -> float:
        """The value of the first key that a module's name is, or ends with."""
        for key, value in (self._config.get(pattern) or {}).items():
            if module == key.removeprefix("^") or module.endswith(f".{key}"):
                return float(value)
        return default

    def _find_module(self, names: Iterable[str]) -> str | None:
        modules = [name.removesuffix(".weight") for name in names if name.endswith(".weight")]
        marks = (".lora_A.weight", ".lora_embedding_A")
        return next((module for module in modules if any(module + mark in self._tensors for mark in marks)), None)

    def _read(self, name: str) -> Floats:
        tensor = self._tensors[name]
        return self._decode(tensor.read(self._place), tensor.dtype).reshape(tensor.shape)
