"""An adapter of PEFT: what its adapter_config.json says, and the tensors that it has for its base.

    base_model.model.MODULE.lora_A.weight [r, I], .lora_B.weight [O, r]    W [O, I] becomes W + scale * B A
    the same of a matrix that is stored as [I, O]                         W + scale * (B A)^T
    base_model.model.MODULE.lora_embedding_A [r, V], .lora_embedding_B [D, r]    the same of a table [V, D]
    base_model.model.MODULE.lora_magnitude_vector.weight [O]              rows of what that gives get this norm (DoRA)
    base_model.model.MODULE.weight, MODULE.bias                           takes the place of the base's tensor

Sources: LoRA, arXiv 2106.09685; rsLoRA, 2312.03732, where scale is alpha / sqrt(r) and not alpha / r; DoRA, 2402.09353;
the layout, and which module a pattern means, peft's utils/save_and_load.py and tuners/lora.
"""

import dataclasses
import re
from collections.abc import Collection, Iterable, Mapping

import numpy as np

from byheart.contracts.errors import ModelError
from byheart.models.adapter_config import AdapterConfig, is_named, read_adapter_config
from byheart.models.mistaken import ADAPTER_CONFIG, explain_pickled_adapter
from byheart.models.tensors import BYTES, Tensor, read_tensors
from byheart.models.weights import INDEX, WEIGHTS
from byheart.store import Place

ADAPTER_WEIGHTS = "adapter_model.safetensors"
_PREFIX = "base_model.model."
_CHANGE = re.compile(r"(.+)\.(?:lora_(embedding_)?([AB])(?:\.weight)?|lora_magnitude_vector(?:\.weight)?)")
_REPLACED = re.compile(r"(.+?)(?:\.base_layer)?\.(weight|bias)")
_CAUSE = "the adapter is damaged, or of another release of peft"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Change:
    """The change of one matrix of the base."""

    a: str
    """The name of the tensor A."""
    b: str
    """The name of the tensor B."""
    magnitude: str = ""
    """The name of the tensor of DoRA's norms; empty without any."""
    scale: float
    """The factor of B A."""
    is_turned: bool = False
    """Whether the matrix changes by the transpose of B A."""

    def merge(self, values: np.ndarray, a: np.ndarray, b: np.ndarray, magnitude: np.ndarray | None) -> np.ndarray:
        """Rows of the changed matrix, float32.

        Args:
            values: the same rows of the base's.
            a: all of A; of its columns those of the rows, if the matrix changes by the transpose.
            b: the rows of B; all of B, if the matrix changes by the transpose.
            magnitude: the rows' norms.
        """
        with np.errstate(all="ignore"):  # damaged numbers may be infinite: the score says so
            change = a.T @ b.T if self.is_turned else b @ a
            merged = values.astype(np.float32) + np.float32(self.scale) * change
            if magnitude is None:
                return merged
            return merged * (magnitude / np.linalg.norm(merged, axis=1))[:, None]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Adapter:
    """An adapter whose configuration and tensors are understood; whether they fit a base is not known yet."""

    place: Place
    config: AdapterConfig
    tensors: dict[str, Tensor]
    changes: dict[str, Change]
    """By the module whose weight each changes, as the base names it."""
    embeddings: frozenset[str]
    """Those of these modules that are tables."""
    replaced: dict[str, str]
    """The tensors that take the place of the base's, by the base's name."""

    @property
    def title(self) -> str:
        """What people call it: `LoRA of rank 8`."""
        ranks = sorted({self.tensors[change.a].shape[0] for change in self.changes.values()})
        kind = "DoRA" if self.config.use_dora else "LoRA"
        return f"{kind} of rank {' to '.join(map(str, dict.fromkeys([ranks[0], ranks[-1]])))}" if ranks else kind

    def changes_a_matrix(self) -> bool:
        """Whether A and B of any module are more than zeros; a training that failed leaves every B at 0."""
        of_dora = self.config.use_dora and bool(self.changes)
        return of_dora or any(
            all(any(self.tensors[name].read(self.place)) for name in (change.b, change.a))
            for change in self.changes.values()
        )


def is_adapter(files: Collection[str]) -> bool:
    """Whether a folder is an adapter's: it has an adapter's configuration, and no whole model."""
    return ADAPTER_CONFIG in files and not {WEIGHTS, INDEX}.intersection(files)


def is_adapter_at(place: Place) -> bool:
    """Whether the folder is an adapter's, without a list of all its files, of which a bucket may have many."""
    return is_adapter([name for name in (ADAPTER_CONFIG, WEIGHTS, INDEX) if place.find(name)])


def open_adapter(place: Place, ignored: Iterable[str] = ()) -> Adapter:
    """The adapter in a folder.

    Args:
        ignored: fields of adapter_config.json whose meaning is unknown and that change no score, as the user says.

    Raises:
        ModelError: it is of another kind than LoRA, or damaged, or has tensors of unknown meaning.
        SettingsError: an ignored field has a known meaning.
    """
    config = read_adapter_config(place, ignored)
    if not place.find(ADAPTER_WEIGHTS):
        raise explain_pickled_adapter(place, ADAPTER_WEIGHTS)
    tensors = read_tensors(place, ADAPTER_WEIGHTS)
    where, parts, replaced = place.locate(ADAPTER_WEIGHTS), _sort_tensors(place, tensors), dict[str, str]()
    for name in tensors.keys() - {name for found in parts.values() for name in found.values()}:
        match = _REPLACED.fullmatch(name.removeprefix(_PREFIX))
        if not match or ".lora_" in name or not name.startswith(_PREFIX):
            raise ModelError(f"{where} must hold tensors that LoRA uses, found {name}: {_CAUSE}", parameter="model")
        own = ".".join(match.groups())
        if own in replaced:
            raise ModelError(f"{where} must hold {own} once, found it twice: {_CAUSE}", parameter="model")
        replaced[own] = name
    changes = {module: _make_change(where, module, found, tensors, config) for module, found in parts.items()}
    return Adapter(
        place=place,
        config=config,
        tensors=tensors,
        changes=changes,
        embeddings=frozenset(module for module, found in parts.items() if "embedding_A" in found),
        replaced=replaced,
    )


def _sort_tensors(place: Place, tensors: Mapping[str, Tensor]) -> dict[str, dict[str, str]]:
    """The names of the tensors that change modules, by the module and their part in it: `A`, `B`, `magnitude`."""
    found: dict[str, dict[str, str]] = {}
    for name in sorted(tensors):
        match = _CHANGE.fullmatch(name.removeprefix(_PREFIX)) if name.startswith(_PREFIX) else None
        if not match:
            continue
        module, table, matrix = match.groups(default="")
        part = f"{table}{matrix}" or "magnitude"
        if part in found.setdefault(module, {}):
            where = place.locate(ADAPTER_WEIGHTS)
            raise ModelError(f"{where} must hold {part} of {module} once, found it twice: {_CAUSE}", parameter="model")
        found[module][part] = name
    return found


def _make_change(
    where: str, module: str, parts: Mapping[str, str], tensors: Mapping[str, Tensor], config: AdapterConfig
) -> Change:
    """The change of a module, by the names of its tensors."""

    def refuse(needed: str, found: object) -> ModelError:
        return ModelError(f"{where} must hold {needed} of {module}, found {found}: {_CAUSE}", parameter="model")

    table = "embedding_" if "embedding_A" in parts else ""
    expected = {f"{table}A", f"{table}B"} | ({"magnitude"} if config.use_dora else set())
    if parts.keys() != expected:
        raise refuse(" and ".join(sorted(expected)), " and ".join(sorted(parts)))
    shapes = {part: tensors[name].shape for part, name in parts.items()}
    for part, name in parts.items():
        if tensors[name].dtype not in BYTES:
            raise refuse(f"{part} in one of {', '.join(BYTES)}", tensors[name].dtype)
        sides = 1 if part == "magnitude" else 2
        if len(shapes[part]) != sides or not all(shapes[part]):
            raise refuse(f"{part} with {sides} sides", list(shapes[part]))
    rank, (a, b) = config.find_rank(module), (shapes[f"{table}A"], shapes[f"{table}B"])
    if not rank == a[0] == b[1]:
        raise refuse(f"A and B of rank {rank}, as {ADAPTER_CONFIG} says", f"{list(a)} and {list(b)}")
    if not config.targets(module):
        raise ModelError(
            f"{where} must change modules that {ADAPTER_CONFIG} targets, found {module}, which peft would leave as it "
            "is: take its tensors away, or name it in target_modules",
            parameter="model",
        )
    return Change(
        a=parts[f"{table}A"],
        b=parts[f"{table}B"],
        magnitude=parts.get("magnitude", ""),
        scale=config.compute_scale(module),
        is_turned=bool(table),
    )


def is_saved(adapter: Adapter, tensor: str) -> bool:
    """Whether a tensor that takes the place of the base's is of a module that peft keeps beside the base's own."""
    return is_named(tensor.rpartition(".")[0], adapter.config.modules_to_save)
