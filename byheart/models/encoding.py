"""The numbers of tensors that are stored in fewer bits, beside their scales.

    fp8      weight [R, C] F8_E4M3         weight_scale_inv [R / rows, C / columns]   number * its block's scale
    mxfp4    blocks [X, R, C / 32, 16] U8  scales [X, R, C / 32] U8                   number * 2^(scale - 127)

Numbers of 8 and of 4 bits are float32 exactly. A product with a scale of fp8 is rounded to float32 once, and is exact
where the scale is a power of two; one of mxfp4 is exact, and so it is in bfloat16.
Sources: DeepSeek V3's report (arXiv 2412.19437) 3.3; OCP Microscaling Formats (MX) 1.0, where fp4 is E2M1; the layout
of files, transformers' integrations/finegrained_fp8.py and mxfp4.py.
"""

import dataclasses
from collections.abc import Mapping

import numpy as np

from byheart.models.families.quantisation import FP8, MXFP4, Quantisation
from byheart.models.tensors import Tensor

_SCALES: dict[str, np.dtype[np.floating]] = {"F32": np.dtype("<f4"), "F16": np.dtype("<f2")}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Encoding:
    """How the numbers of one tensor are stored."""

    quantisation: Quantisation
    numbers: Tensor
    scales_name: str
    """The family's name for the tensor of its scales."""

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of the tensor that is meant."""
        if self.quantisation.method == FP8:
            return self.numbers.shape
        return (*self.numbers.shape[:-2], self.numbers.shape[-2] * 32)

    @property
    def scales_shape(self) -> tuple[int, ...]:
        """The shape that the scales must have."""
        if self.quantisation.method == MXFP4:
            return self.numbers.shape[:-1]
        if not self.quantisation.block:
            return ()
        sides = zip(self.numbers.shape, self.quantisation.block, strict=True)
        return tuple(-(-side // block) for side, block in sides)

    def check(self, scales: Tensor | None) -> str:
        """What is wrong with the two tensors, as `must ..., found ...`; empty if nothing is."""
        dimensions = 2 if self.quantisation.method == FP8 else 4
        is_whole = len(self.numbers.shape) == dimensions and min(self.numbers.shape) > 0
        if not is_whole or (self.quantisation.method == MXFP4 and self.numbers.shape[-1] != 16):
            needed = "two sides" if dimensions == 2 else "four sides, the last 16"
            return f"have {needed}, found {list(self.numbers.shape)}"
        dtypes = (*_SCALES, "BF16") if self.quantisation.method == FP8 else ("U8",)
        if scales is None:
            return f"have scales in {self.scales_name}, found none"
        shapes = {self.scales_shape, (1,)} if self.scales_shape == () else {self.scales_shape}
        if scales.dtype not in dtypes or scales.shape not in shapes:
            return (
                f"have scales {list(self.scales_shape)} in {' or '.join(dtypes)}, found {list(scales.shape)} in "
                f"{scales.dtype}"
            )
        return ""

    def find_scales(self, rows: range) -> range:
        """Which rows of the scales belong to rows of the tensor; of one scale, the only one."""
        if self.quantisation.method == MXFP4:
            return rows
        if not self.quantisation.block:
            return range(1)
        height = self.quantisation.block[0]
        return range(rows.start // height, -(-rows.stop // height))

    def decode(self, numbers: bytes, scales: bytes, scales_dtype: str, rows: range) -> np.ndarray:
        """Rows of the tensor, float32.

        Args:
            numbers: the bytes of these rows.
            scales: those of their scales, as `find_scales` says.
        """
        packed = np.frombuffer(numbers, np.uint8).reshape(len(rows), *self.numbers.shape[1:])
        with np.errstate(all="ignore"):  # a damaged scale may be infinite: the score says so
            if self.quantisation.method == MXFP4:
                return _decode_mxfp4(packed, np.frombuffer(scales, np.uint8).reshape(len(rows), *self.scales_shape[1:]))
            values = _E4M3[packed]
            factors = decode_scales(scales, scales_dtype)
            if not self.quantisation.block:
                return values * factors
            height, width = self.quantisation.block
            first = rows.start // height
            factors = factors.reshape(-1, self.scales_shape[1])[np.arange(rows.start, rows.stop) // height - first]
            values *= np.repeat(factors, width, axis=1)[:, : values.shape[1]]
            return values


def find_encoding(name: str, tensors: Mapping[str, Tensor], quantisation: Quantisation | None) -> Encoding | None:
    """How a tensor is stored; None if it is plain, or its dtype is one that is not read."""
    tensor = tensors.get(name)
    if tensor is None or quantisation is None:
        return None
    if quantisation.method == FP8 and tensor.dtype == "F8_E4M3":
        return Encoding(quantisation=quantisation, numbers=tensor, scales_name=f"{name}_scale_inv")
    if quantisation.method == MXFP4 and tensor.dtype == "U8" and name.endswith("_blocks"):
        scales_name = f"{name.removesuffix('_blocks')}_scales"
        return Encoding(quantisation=quantisation, numbers=tensor, scales_name=scales_name)
    return None


def decode_scales(data: bytes, dtype: str) -> np.ndarray:
    """Numbers of a safetensors file as float32; BF16 is the upper half of one."""
    if dtype == "BF16":
        return (np.frombuffer(data, "<u2").astype(np.uint32) << 16).view(np.float32)
    return np.frombuffer(data, _SCALES[dtype]).astype(np.float32)


def _list_e4m3() -> np.ndarray:
    """The number of each byte: a sign, four bits of an exponent whose bias is 7, and three of a fraction."""
    codes = np.arange(128)
    exponents, fractions = codes >> 3, codes & 7
    normal = np.ldexp(1 + fractions / 8, exponents - 7)
    numbers = np.where(exponents == 0, np.ldexp(fractions / 8, -6), normal)
    numbers[127] = np.nan
    return np.concatenate([numbers, -numbers]).astype(np.float32)


_E4M3 = _list_e4m3()
_E2M1 = np.array([0, 0.5, 1, 1.5, 2, 3, 4, 6, -0.0, -0.5, -1, -1.5, -2, -3, -4, -6], np.float32)


def _decode_mxfp4(packed: np.ndarray, scales: np.ndarray) -> np.ndarray:
    """The numbers of blocks [..., G, 16], two in each byte, the lower half first; float32 [..., 32 G]."""
    numbers = np.stack([_E2M1[packed & 15], _E2M1[packed >> 4]], axis=-1).reshape(*packed.shape[:-1], 32)
    numbers = np.ldexp(numbers, scales[..., None].astype(np.int32) - 127)
    return numbers.reshape(*packed.shape[:-2], -1)
