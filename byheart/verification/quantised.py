"""The numbers of tensors in 8 and in 4 bits, by loops that follow the definitions.

It repeats what `byheart.models.encoding` does, and shares no code with it. Sources: OCP 8-bit Floating Point 1.0, E4M3;
OCP Microscaling Formats 1.0, E2M1 with scales in E8M0.
"""

import json

import numpy as np
import numpy.typing as npt

from byheart.store import Place

Floats = npt.NDArray[np.float64]
_CONFIG, _FIELD, _BLOCK = "config.json", "quantization_config", "weight_block_size"


def read_block(place: Place) -> tuple[int, int] | None:
    """Rows and columns that share a scale, by config.json; None for one scale of a whole tensor."""
    described = json.loads(place.read(_CONFIG)).get(_FIELD) or {}
    sides = described.get(_BLOCK) if _BLOCK in described else (128, 128)
    return (int(sides[0]), int(sides[1])) if sides else None


def decode_8_bits(data: bytes, shape: tuple[int, ...], scales: Floats, block: tuple[int, int] | None) -> Floats:
    """A matrix of E4M3 numbers, each times the scale of its block, rounded to float32."""
    values = np.array([_read_e4m3(code) for code in range(256)])[np.frombuffer(data, np.uint8)].reshape(shape)
    if block is None:
        return (values * scales.ravel()[0]).astype(np.float32).astype(np.float64)
    height, width = block
    for row in range(0, shape[0], height):
        for column in range(0, shape[1], width):
            values[row : row + height, column : column + width] *= scales[row // height, column // width]
    return values.astype(np.float32).astype(np.float64)


def decode_4_bits(blocks: bytes, scales: bytes, shape: tuple[int, ...]) -> Floats:
    """A matrix of E2M1 numbers, 32 to a block of 16 bytes, each times two to the power of its block's scale.

    Args:
        shape: of the blocks: rows, blocks in a row, 16.
    """
    codes = np.frombuffer(blocks, np.uint8).reshape(shape)
    table = np.array([_read_e2m1(code) for code in range(16)])
    values = np.empty((*shape[:-1], 32))
    values[..., 0::2] = table[codes % 16]
    values[..., 1::2] = table[codes // 16]
    exponents = np.frombuffer(scales, np.uint8).reshape(shape[:-1]).astype(np.float64) - 127
    return (values * 2.0 ** exponents[..., None]).reshape(shape[0], -1)


def _read_e4m3(code: int) -> float:
    sign, exponent, fraction = -1.0 if code & 0x80 else 1.0, code >> 3 & 0xF, code & 0x7
    if (exponent, fraction) == (0xF, 0x7):
        return float("nan")
    return sign * (fraction / 8 * 2.0**-6 if exponent == 0 else (1 + fraction / 8) * 2.0 ** (exponent - 7))


def _read_e2m1(code: int) -> float:
    sign, exponent, fraction = -1.0 if code & 0x8 else 1.0, code >> 1 & 0x3, code & 0x1
    return sign * (fraction / 2 if exponent == 0 else (1 + fraction / 2) * 2.0 ** (exponent - 1))
