"""What a config.json says of weights that are stored in fewer bits; those of unknown methods are refused."""

import dataclasses
from collections.abc import Mapping
from typing import Any

from byheart.contracts.errors import ModelError
from byheart.contracts.foreign import quote, shorten
from byheart.models.families.fields import Fields

_FIELDS = ("quantization_config", "compression_config", "quantization")
"""Fields that describe quantised weights: of transformers, of an older compressed-tensors, and of MLX."""
FP8, MXFP4 = "fp8", "mxfp4"
_FAMILY_OF_MXFP4 = "gpt_oss"
_WITHOUT_EFFECT = ("dequantize", "ignored_layers", "modules_to_convert", "modules_to_not_convert")
"""Which tensors are quantised, their dtypes say."""
_WRITE = (
    ", or write these weights as plain ones, as AutoModelForCausalLM.from_pretrained({}).save_pretrained({}) of "
    "transformers does, put the model's tokenizer.json into NEW, and name NEW"
)
_REMEDIES = {
    "bitsandbytes": _WRITE.format("MODEL).dequantize(", "NEW, save_original_format=False"),
    "compressed-tensors": _WRITE.format("MODEL, quantization_config=CompressedTensorsConfig(dequantize=True)", "NEW"),
}
"""What helps, beside naming the model that was quantised. Both steps were tried with transformers 5.23."""
_MOST_BLOCK = 2**20


@dataclasses.dataclass(frozen=True, kw_only=True)
class Quantisation:
    """How the quantised ones of a model's tensors are stored."""

    method: str
    """`fp8` or `mxfp4`."""
    block: tuple[int, int] | None = None
    """Rows and columns that share a scale, under fp8; None is one scale for a tensor."""

    @property
    def title(self) -> str:
        """What people call it."""
        if self.method == MXFP4:
            return "MXFP4"
        return f"FP8 in blocks of {'x'.join(map(str, self.block))}" if self.block else "FP8 with a scale for a tensor"


def read_quantisation(config: Mapping[str, Any]) -> Quantisation | None:
    """How config.json says that weights are stored; None if they are plain.

    Raises:
        ModelError: they are stored in a way that is not read here.
    """
    inner = config.get("text_config")
    objects = {"config.json": config} | ({"config.json, text_config": inner} if isinstance(inner, dict) else {})
    for where, fields in objects.items():
        for name in _FIELDS:
            if value := fields.get(name):
                return _parse(value, name, where, config.get("model_type"))
    return None


def _parse(value: Any, name: str, where: str, model_type: Any) -> Quantisation:
    method = value.get("quant_method") if isinstance(value, dict) else None
    fields = Fields(value if isinstance(value, dict) else {}, f"{where}, {name}")
    if name == _FIELDS[0] and method == FP8:
        fields.require("fmt", "e4m3")
        fields.require("expert_dtype", FP8)
        fields.word("activation_scheme", ("dynamic", "static"), default="dynamic")
        fields.word("scale_fmt", ("float", "ue8m0"), default="float")
        found = Quantisation(method=FP8, block=_read_block(fields))
    elif name == _FIELDS[0] and method == MXFP4 and model_type == _FAMILY_OF_MXFP4:
        found = Quantisation(method=MXFP4)
    else:
        by = f" ({shorten(str(method))})" if method else ""
        raise ModelError(
            f"{where} must describe plain weights, fp8, or mxfp4 of {_FAMILY_OF_MXFP4}, found a {name}{by}: name the "
            f"model that was quantised{_REMEDIES.get(method, '') if isinstance(method, str) else ''}"
        )
    fields.value("quant_method")
    fields.refuse_unknown_fields(*_WITHOUT_EFFECT)
    return found


def _read_block(fields: Fields) -> tuple[int, int] | None:
    """The rows and columns of a block; DeepSeek's and transformers' default is 128 each, and null is the tensor."""
    default = [128, 128] if fields.is_missing("weight_block_size") else None
    block = fields.value("weight_block_size", default=default)
    if block is None:
        return None
    is_pair = isinstance(block, list) and len(block) == 2
    if not is_pair or not all(type(side) is int and 0 < side <= _MOST_BLOCK for side in block):
        raise ModelError(
            f"{fields.where} must have two whole numbers from 1 to {_MOST_BLOCK:,} as weight_block_size, found "
            f"{quote(block)}: the file is broken"
        )
    return block[0], block[1]
