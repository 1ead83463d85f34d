"""Numbers in 8 and in 4 bits, held against ml_dtypes and against the loops of the second implementation."""

import json
import re
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
import pytest
from safetensors.numpy import save_file

from byheart.models.encoding import Encoding, find_encoding
from byheart.models.families.quantisation import Quantisation
from byheart.models.tensors import Tensor
from byheart.store import open_store
from byheart.verification.quantised import decode_4_bits, decode_8_bits
from byheart.verification.weights import Weights
from tests.models.test_folder import CONFIG, SINGLE, opened, refusal, tensors

UP = "model.layers.0.mlp.up_proj.weight"


def header(dtype: str, shape: tuple[int, ...]) -> Tensor:
    return Tensor(file=SINGLE, dtype=dtype, shape=shape, start=0, stop=0)


def of_8_bits(shape: tuple[int, ...], block: tuple[int, int] | None) -> Encoding:
    found = find_encoding("a", {"a": header("F8_E4M3", shape)}, Quantisation(method="fp8", block=block))
    assert found
    return found


def test_every_number_of_8_bits_is_the_one_that_ml_dtypes_has() -> None:
    codes = np.arange(256, dtype=np.uint8)
    found = of_8_bits((1, 256), None).decode(codes.tobytes(), np.ones(1, np.float32).tobytes(), "F32", range(1))
    np.testing.assert_array_equal(found[0], codes.view(ml_dtypes.float8_e4m3fn).astype(np.float32))


@pytest.mark.parametrize("rows", [range(23), range(2, 3), range(7, 16), range(16, 23)])
@pytest.mark.parametrize("dtype", ["F32", "BF16", "F16"])
def test_rows_of_8_bits_have_the_scales_of_their_blocks_even_of_the_last_which_are_cut(dtype: str, rows: range) -> None:
    """As DeepSeek's matrix of 576 rows in blocks of 128."""
    kind = {"F32": np.float32, "BF16": ml_dtypes.bfloat16, "F16": np.float16}[dtype]
    random = np.random.default_rng(0)
    codes = random.integers(0, 127, (23, 21)).astype(np.uint8)
    scales = random.uniform(0.001, 2, (6, 3)).astype(kind)
    encoding = of_8_bits((23, 21), (4, 8))
    assert encoding.scales_shape == (6, 3)
    needed = encoding.find_scales(rows)
    found = encoding.decode(
        codes[rows.start : rows.stop].tobytes(), scales[needed.start : needed.stop].tobytes(), dtype, rows
    )
    whole = decode_8_bits(codes.tobytes(), (23, 21), scales.astype(np.float64), (4, 8))
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, whole[rows.start : rows.stop])


def test_every_number_of_4_bits_under_every_scale_is_exact_and_so_in_bfloat16() -> None:
    scales = np.arange(1, 253, dtype=np.uint8).reshape(2, 126, 1)
    blocks = np.broadcast_to(np.arange(16, dtype=np.uint8) * 16 + np.arange(16, dtype=np.uint8)[::-1], (2, 126, 1, 16))
    encoding = find_encoding("a_blocks", {"a_blocks": header("U8", blocks.shape)}, Quantisation(method="mxfp4"))
    assert encoding
    assert (encoding.shape, encoding.scales_shape) == ((2, 126, 32), (2, 126, 1))
    found = encoding.decode(blocks.tobytes(), scales.tobytes(), "U8", range(2))
    whole = [decode_4_bits(blocks[at].tobytes(), scales[at].tobytes(), (126, 1, 16)) for at in range(2)]
    np.testing.assert_array_equal(found, whole)
    np.testing.assert_array_equal(found.astype(ml_dtypes.bfloat16).astype(np.float32), found)
    alone = encoding.decode(blocks[1].tobytes(), scales[1].tobytes(), "U8", range(1, 2))
    np.testing.assert_array_equal(alone[0], found[1])


def write(folder: Path, changed: dict[str, np.ndarray], **described: Any) -> Path:
    """A model one of whose matrices is in 8 bits."""
    fp8 = {"quant_method": "fp8", "weight_block_size": [4, 8]} | described
    (folder / "config.json").write_text(json.dumps(CONFIG | {"quantization_config": fp8}))
    save_file(tensors() | changed, folder / SINGLE)
    return folder


NUMBERS = np.arange(96, dtype=np.uint8).reshape(12, 8).view(ml_dtypes.float8_e4m3fn)
SCALES = np.array([[0.5], [2], [3]], np.float32)


def test_matrix_of_8_bits_among_plain_ones_is_accepted(tmp_path: Path) -> None:
    opened(write(tmp_path, {UP: NUMBERS, f"{UP}_scale_inv": SCALES}))
    expected = NUMBERS.astype(np.float64) * np.repeat(SCALES, 4, axis=0)
    np.testing.assert_array_equal(Weights(open_store(str(tmp_path))).read(UP), expected)
    scalar: dict[str, np.ndarray] = {UP: NUMBERS, f"{UP}_scale_inv": np.full((), 0.5, np.float32)}
    opened(write(tmp_path, scalar, weight_block_size=None))


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({UP: NUMBERS}, f"must have scales in {UP}_scale_inv, found none"),
        ({UP: NUMBERS, f"{UP}_scale_inv": SCALES[:2]}, "scales [3, 1] in F32 or F16 or BF16, found [2, 1] in F32"),
        ({UP: NUMBERS, f"{UP}_scale_inv": SCALES.astype(np.int32)}, "found [3, 1] in I32"),
        ({UP: NUMBERS[0], f"{UP}_scale_inv": SCALES}, "must have two sides, found [8]"),
        ({UP: NUMBERS[:4], f"{UP}_scale_inv": SCALES[:1]}, f"must hold {UP} as [12, 8], found [4, 8]"),
    ],
)
def test_scales_that_do_not_fit_are_refused(changed: dict[str, np.ndarray], said: str, tmp_path: Path) -> None:
    message = refusal(write(tmp_path, changed))
    assert said in message
    assert re.search(r"config\.json is of another model, or not all weights were saved$", message)


def test_numbers_of_8_bits_that_no_config_describes_are_refused(tmp_path: Path) -> None:
    write(tmp_path, {UP: NUMBERS, f"{UP}_scale_inv": SCALES})
    (tmp_path / "config.json").write_text(json.dumps(CONFIG))
    assert "found F8_E4M3, as quantised weights are: name the model that it was made of" in refusal(tmp_path)
