"""adapter_config.json of PEFT: the base of a LoRA adapter, its ranks and its scales."""

import dataclasses
import math
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any, TypeVar

from byheart.contracts.errors import ModelError
from byheart.contracts.foreign import quote
from byheart.models.families.fields import Fields, list_ignored, mark_ignored
from byheart.models.json_objects import read_json_object
from byheart.models.mistaken import ADAPTER_CONFIG, MERGE
from byheart.store import Place

_Value = TypeVar("_Value")

_MOST_RANK = 2**12
_MOST_CHARACTERS = 1_000
"""Of a base's name or path."""
_NO_WEIGHTS = (
    "ADAPTION_PROMPT",
    "CARTRIDGE",
    "CPT",
    "MULTITASK_PROMPT_TUNING",
    "P_TUNING",
    "PREFIX_TUNING",
    "PROMPT_TUNING",
)
"""Kinds of adapters that put numbers before the text, and change no weight."""
_PLAIN_INITS = ("eva", "gaussian", "orthogonal")
"""What A may be drawn from before the training; other words change the base, too."""
_WITHOUT_EFFECT = (
    "auto_mapping", "corda_config", "eva_config", "inference_mode", "loftq_config", "lora_ga_config", "megatron_core",
    "peft_version", "qalora_group_size", "runtime_config", "task_type",
)  # fmt: skip
"""How A and B came to their values, and what has an effect only beside fields that are refused."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class AdapterConfig:
    """The content of an adapter_config.json of LoRA."""

    base: str
    """The base's repository on the Hub, or its folder; empty if it is not named."""
    base_revision: str
    """Its branch, tag or commit; empty if none is named."""
    rank: int
    alpha: float
    ranks: Mapping[str, int]
    """Those of some modules, by the end of their names."""
    alphas: Mapping[str, float]
    use_rslora: bool
    use_dora: bool
    target_modules: frozenset[str]
    """The ends of the names of modules that are changed; empty if they are given in another way."""
    layers: tuple[int, ...]
    """The layers that are changed; empty for all."""
    modules_to_save: frozenset[str]
    """The ends of the names of modules that are trained as a whole."""
    ignored: tuple[str, ...]
    """Fields that are left out, as the user says."""

    def find_rank(self, module: str) -> int:
        """The rank of a module's matrices."""
        return _find(module, self.ranks, self.rank)

    def compute_scale(self, module: str) -> float:
        """The factor of B A of a module."""
        rank, alpha = self.find_rank(module), _find(module, self.alphas, self.alpha)
        return alpha / math.sqrt(rank) if self.use_rslora else alpha / rank

    def targets(self, module: str) -> bool:
        """Whether a module is one of those that are changed."""
        number = next((int(part) for part in module.split(".") if part.isdecimal()), None)
        in_layers = not self.layers or number in self.layers
        return in_layers and (not self.target_modules or is_named(module, self.target_modules))


def read_adapter_config(place: Place, ignored: Iterable[str] = ()) -> AdapterConfig:
    """The content of a folder's adapter_config.json.

    Raises:
        ModelError: it is of another kind than LoRA, or has a field that is not understood.
        SettingsError: an ignored field has a known meaning.
    """
    content = mark_ignored(read_json_object(place, ADAPTER_CONFIG), frozenset(ignored))
    fields = Fields(content, ADAPTER_CONFIG)
    _check_kind(fields)
    found = AdapterConfig(
        base=_read_text(fields, "base_model_name_or_path"),
        base_revision=_read_text(fields, "revision"),
        rank=fields.integer("r", most=_MOST_RANK),
        alpha=fields.number("lora_alpha"),
        ranks={name: sub.integer(name, most=_MOST_RANK) for name, sub in _read_pattern(fields, "rank_pattern")},
        alphas={name: sub.number(name) for name, sub in _read_pattern(fields, "alpha_pattern")},
        use_rslora=fields.boolean("use_rslora", default=False),
        use_dora=fields.boolean("use_dora", default=False),
        target_modules=_read_names(fields, "target_modules", may_be_text=True),
        layers=_read_layers(fields),
        modules_to_save=_read_names(fields, "modules_to_save"),
        ignored=list_ignored(content),
    )
    fields.boolean("fan_in_fan_out", default=False)  # peft sets it by the kind of module, whatever the file says
    fields.word("bias", ("none", "all", "lora_only"), default="none")  # which tensors there are, the weights say
    for name in ("exclude_modules", "layers_pattern"):
        fields.value(name)
    fields.refuse_unknown_fields(*_WITHOUT_EFFECT)
    return found


def is_named(module: str, names: Collection[str]) -> bool:
    """Whether one of the names is a module's, or the end of it."""
    return any(end in names for end in _list_ends(module))


def _list_ends(module: str) -> Iterator[str]:
    """What a module may be called: `layers.0.up`, `0.up`, `up`."""
    parts = module.split(".")
    return (".".join(parts[first:]) for first in range(len(parts)))


def _find(module: str, pattern: Mapping[str, _Value], default: _Value) -> _Value:
    """The value of the first name of a pattern that is a module's, or the end of it; `^` begins a whole name."""
    named = [name for name in (*_list_ends(module), f"^{module}") if name in pattern]
    return pattern[min(named, key=list(pattern).index)] if named else default


def _check_kind(fields: Fields) -> None:
    kind = fields.value("peft_type")
    if kind in _NO_WEIGHTS:
        raise ModelError(
            f"{fields.where} must have peft_type 'LORA', found {quote(kind)}, which changes no weight but feeds "
            "numbers before the text: it cannot be measured; name its base",
            parameter="model",
        )
    if kind != "LORA":
        raise ModelError(f"{fields.where} must have peft_type 'LORA', found {quote(kind)}: {MERGE}", parameter="model")
    init = fields.value("init_lora_weights", default=True)
    if not isinstance(init, bool) and init not in _PLAIN_INITS:
        raise ModelError(
            f"{fields.where} must have init_lora_weights that leave the base as it is, found {quote(init)}: {MERGE}",
            parameter="model",
        )


def _read_text(fields: Fields, name: str) -> str:
    text = fields.value(name, default="")
    if not isinstance(text, str) or len(text) > _MOST_CHARACTERS:
        raise ModelError(
            f"{fields.where} must have a text of at most {_MOST_CHARACTERS:,} characters as {name}, found "
            f"{quote(text)}: the file is broken",
            parameter="model",
        )
    return text


def _read_pattern(fields: Fields, name: str) -> Iterator[tuple[str, Fields]]:
    """The names of a pattern, each with the object that has its value.

    Peft takes a name for a regular expression. A stranger's is not run, so a name that is more than a name is refused.
    """
    values = fields.object(name)
    for key in values:
        if not all(
            part.replace("-", "_").isidentifier() or part.isdecimal() for part in key.removeprefix("^").split(".")
        ):
            raise ModelError(
                f"{fields.where} must have names of modules in {name}, found {quote(key)}: {MERGE}", parameter="model"
            )
        yield key, Fields(values, f"{fields.where}, {name}")


def _read_names(fields: Fields, name: str, *, may_be_text: bool = False) -> frozenset[str]:
    """A list of names; empty if it is missing, or a text where that may be: a regular expression, which is not run."""
    values = fields.value(name, default=[])
    if may_be_text and isinstance(values, str):
        return frozenset()
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        raise ModelError(
            f"{fields.where} must have a list of names as {name}, found {quote(values)}: the file is broken",
            parameter="model",
        )
    return frozenset(values)


def _read_layers(fields: Fields) -> tuple[int, ...]:
    value: Any = fields.value("layers_to_transform", default=[])
    layers = value if isinstance(value, list) else [value]
    if not all(type(layer) is int for layer in layers):
        raise ModelError(
            f"{fields.where} must have whole numbers as layers_to_transform, found {quote(value)}: the file is broken",
            parameter="model",
        )
    return tuple(layers)
