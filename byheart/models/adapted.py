"""A model with an adapter: its folder, in which the adapter's files and tensors stand among the base's.

adapter:adapter_config.json           a file of the adapter, by its name in such a folder
model.layers.0.mlp.up_proj.weight     the base's tensor, or the one of the adapter that takes its place
....up_proj.weight, lora_A            what is merged into it while it is loaded
"""

import dataclasses
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType

from byheart.contracts.errors import MisfitError, ModelError
from byheart.contracts.model import Model
from byheart.models.adapter import ADAPTER_WEIGHTS, Adapter, Change, is_saved, open_adapter
from byheart.models.folder import CONFIG, ModelFolder, hash_files, locate_folder, open_model
from byheart.models.hashed import HashedPlace
from byheart.models.mistaken import ADAPTER_CONFIG, MERGE
from byheart.models.names import find_names
from byheart.models.parameters import Parameter, leaves
from byheart.models.tensors import have_same_numbers
from byheart.store import Place, open_store
from byheart.store.stored import Stored

PREFIX = "adapter:"
"""What stands before the names of an adapter's files, where the base's stand, too."""
_UNTIE = (
    "name by base= a copy of the base that holds both, as model.embed_tokens.weight and lm_head.weight, with "
    '"tie_word_embeddings": false in config.json'
)
_FIT = "say by base= which model the adapter was trained on"


@dataclasses.dataclass(frozen=True, kw_only=True)
class JoinedPlace:
    """The base's files by their names, and the adapter's by theirs after `PREFIX`."""

    base: Place
    adapter: Place

    def read(self, name: str) -> bytes:
        """The file's bytes."""
        place, name = self._choose(name)
        return place.read(name)

    def read_range(self, name: str, start: int, stop: int) -> bytes:
        """Some of the file's bytes."""
        place, name = self._choose(name)
        return place.read_range(name, start, stop)

    def find(self, name: str) -> Stored | None:
        """The file's size, age and version; None if there is no such file."""
        place, name = self._choose(name)
        return place.find(name)

    def list(self, prefix: str = "") -> Iterator[Stored]:
        """The base's files whose name begins with `prefix`."""
        return self.base.list(prefix)

    def locate(self, name: str) -> str:
        """The file's full address."""
        place, name = self._choose(name)
        return place.locate(name)

    def _choose(self, name: str) -> tuple[Place, str]:
        of_adapter = name.startswith(PREFIX)
        return (self.adapter if of_adapter else self.base), name.removeprefix(PREFIX)


def open_described_model(model: Model) -> ModelFolder:
    """The model that `download` described; its files must have the hashes that make the address of its scores.

    Raises:
        ModelError: config.json is another one by now, or the description contradicts itself; like `open_model`.
    """
    folder = open_whole_model(model.address, model.adapter_address, model.ignored_fields, model.files)
    names = list_hashed_files(folder)
    if hash_files({name: model.files.get(name, "") for name in names}) != model.weights_sha256:
        raise ModelError(
            f"{model.address} must hold the files that were hashed for this run, found {', '.join(names[:3])}"
            f"{', ...' * (len(names) > 3)}: run again, and change nothing meanwhile",
            parameter="model",
        )
    return folder


def open_whole_model(
    address: str | Path,
    adapter: str = "",
    ignored: Iterable[str] = (),
    digests: Mapping[str, str] = MappingProxyType({}),
) -> ModelFolder:
    """The model in a folder, with the adapter in another; like `open_model`.

    Args:
        adapter: the address of the adapter's folder; empty without any.
        digests: the SHA-256 that files must have when they are read, by name.
    """
    ignored = tuple(ignored)
    folder = open_model(address, ignored, digests)
    if not adapter:
        return folder
    own = {name.removeprefix(PREFIX): digest for name, digest in digests.items() if name.startswith(PREFIX)}
    place: Place = open_store(adapter, "model")
    return adapt(folder, open_adapter(HashedPlace(place=place, digests=own) if own else place, ignored))


def list_hashed_files(model: ModelFolder) -> list[str]:
    """The names of the files whose hashes make that of the weights."""
    of_adapter = [f"{PREFIX}{ADAPTER_CONFIG}"] if isinstance(model.place, JoinedPlace) else []
    return [CONFIG, *of_adapter, *model.list_weight_files()]


def adapt(base: ModelFolder, adapter: Adapter) -> ModelFolder:
    """The model that an adapter makes of its base; its tensors are still to be checked, by `check_tensors`.

    Raises:
        MisfitError: the adapter changes what the base has not, or matrices of other shapes, or one of two tied ones.
    """
    expected = {
        name: parameter
        for parameter in leaves(base.describe_parameters())
        for name in parameter.name_tensors().values()
    }
    modules = {f"{module}.weight": module for module in adapter.changes}
    replaced, changed = _find_own(base, adapter, adapter.replaced), _find_own(base, adapter, modules)
    _check_tied(base, adapter, replaced, changed)
    if missing := sorted((replaced.keys() | changed.keys()) - expected.keys()):
        raise _refuse(adapter, missing[0], "which the base has not, or not as one matrix")
    files, names, changes = dict(base.tensor_files), dict(base.names), dict[str, Change]()
    for own, saved in replaced.items():
        files[own], names[own] = f"{PREFIX}{ADAPTER_WEIGHTS}", adapter.replaced[saved]
    for own, name in changed.items():
        change = changes[own] = _fit(base, adapter, modules[name], expected[own])
        for part in filter(None, (change.a, change.b, change.magnitude)):
            files[part], names[part] = f"{PREFIX}{ADAPTER_WEIGHTS}", part
    return dataclasses.replace(
        base,
        place=JoinedPlace(base=base.place, adapter=adapter.place),
        tensor_files=files,
        names=names,
        changes=changes,
        ignored=tuple(sorted({*base.ignored, *adapter.config.ignored})),
    )


def check_changes(base: ModelFolder, adapter: Adapter) -> None:
    """Check that an adapter changes any weight of its base.

    Raises:
        MisfitError: it changes none, or does not fit.
    """
    if adapter.changes_a_matrix():
        return
    adapted = adapt(base, adapter)
    before, after = base.read_tensor_headers(), adapted.read_tensor_headers()
    for own in _find_own(base, adapter, adapter.replaced):
        if own not in before or not have_same_numbers(adapted.place, before[own], after[own]):
            return
    raise MisfitError(
        f"{adapter.place.locate(ADAPTER_WEIGHTS)} must change a weight, found every B or A in it 0 and other tensors "
        "as the base has them, so it has the base's scores: name the base, or the adapter after its training",
        parameter="model",
    )


def _find_own(base: ModelFolder, adapter: Adapter, names: Iterable[str]) -> dict[str, str]:
    """The adapter's names of tensors by the family's: a text model inside another has several."""
    try:
        return find_names(base.family.find_sources(base.names), names, tied_head=False)
    except ModelError as error:
        raise MisfitError(f"{adapter.place.locate(ADAPTER_WEIGHTS)}: {error.message}", parameter="model") from None


def _fit(base: ModelFolder, adapter: Adapter, module: str, parameter: Parameter) -> Change:
    """The change of a module as it is made to the matrix that the checkpoint stores."""
    change = adapter.changes[module]
    is_turned = module in adapter.embeddings or parameter.is_transposed
    sides = adapter.tensors[change.b].shape[0], adapter.tensors[change.a].shape[1]
    wanted = sides[::-1] if is_turned else sides
    if parameter.source_shape != wanted:
        found = f"which is {list(parameter.source_shape)} in {locate_folder(base.place)}"
        raise _refuse(adapter, f"{module} as {list(wanted)}", found)
    if change.magnitude and (is_turned or adapter.tensors[change.magnitude].shape != sides[:1]):
        raise _refuse(adapter, module, "a DoRA of a table or of a transposed matrix", MERGE)
    return dataclasses.replace(change, is_turned=is_turned)


def _check_tied(base: ModelFolder, adapter: Adapter, replaced: Mapping[str, str], changed: Mapping[str, str]) -> None:
    """Refuse to change one of head and embedding where they are one matrix: peft would make two of it.

    Args:
        replaced, changed: the adapter's names of tensors, by the family's.
    """
    if not base.decoder.tied_head:
        return
    both = {str(base.family.sources[name]) for name in ("embed", "head")}
    kept = {own for own, name in replaced.items() if own in both and not is_saved(adapter, name)}
    kept.discard(str(base.family.sources["head"]))
    if one := sorted(both & (replaced.keys() | changed.keys()) - kept):
        raise _refuse(
            adapter, one[0], "which is embedding and head at once in the base, where peft changes one", _UNTIE
        )


def _refuse(adapter: Adapter, module: str, found: str, remedy: str = _FIT) -> MisfitError:
    return MisfitError(
        f"{adapter.place.locate(ADAPTER_WEIGHTS)} must change matrices of its base, found {module}, {found}: {remedy}",
        parameter="model",
    )
