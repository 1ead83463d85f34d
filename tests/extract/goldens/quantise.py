"""Random weights in 8 and in 4 bits, in the layouts of published checkpoints."""

import json
from pathlib import Path
from typing import Any

import torch  # type: ignore[import-not-found]
from safetensors.torch import load_file, save_file

_LARGEST = 448.0
"""Of 8 bits."""


def quantise_checkpoint(folder: Path, config: dict[str, Any]) -> None:
    """Write the weights of a checkpoint in fewer bits, as its config.json says, and that into config.json."""
    described, file = config["quantization_config"], folder / "model.safetensors"
    plain: dict[str, torch.Tensor] = load_file(file)
    tensors: dict[str, torch.Tensor] = {}
    for name, weights in plain.items():
        kept = any(part in name for part in described.get("modules_to_not_convert", ()))
        if described["quant_method"] == "fp8" and ("_proj" in name or "_proj_with_mqa" in name) and not kept:
            tensors |= _quantise_to_8_bits(name, weights.float(), *described["weight_block_size"])
        elif described["quant_method"] == "mxfp4" and name.endswith(("experts.gate_up_proj", "experts.down_proj")):
            tensors |= _quantise_to_4_bits(name, weights.float().mT)
        else:
            tensors[name] = weights
    save_file(tensors, file, metadata={"format": "pt"})
    (folder / "config.json").write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")


def _quantise_to_8_bits(name: str, weights: torch.Tensor, height: int, width: int) -> dict[str, torch.Tensor]:
    rows, columns = weights.shape
    if rows % height or columns % width:
        raise ValueError(f"transformers needs whole blocks of {height} times {width}, found {name} {rows, columns}")
    blocks = weights.reshape(rows // height, height, columns // width, width)
    scales = blocks.abs().amax((1, 3)) / _LARGEST
    numbers = (blocks / scales[:, None, :, None]).to(torch.float8_e4m3fn).reshape(rows, columns)
    return {name: numbers, f"{name}_scale_inv": scales}


def _quantise_to_4_bits(name: str, weights: torch.Tensor) -> dict[str, torch.Tensor]:
    """Of weights [experts, outputs, inputs]: the nearest of sixteen numbers, two of them in each byte."""
    table = torch.tensor([0, 0.5, 1, 1.5, 2, 3, 4, 6])
    blocks = weights.reshape(*weights.shape[:-1], -1, 32)
    exponents = torch.floor(torch.log2(blocks.abs().amax(-1))) - 2
    scaled = blocks * 2.0 ** -exponents[..., None]
    codes = (scaled.abs()[..., None] - table).abs().argmin(-1) + 8 * (scaled < 0)
    packed = codes[..., 0::2] + 16 * codes[..., 1::2]
    return {f"{name}_blocks": packed.to(torch.uint8), f"{name}_scales": (exponents + 127).to(torch.uint8)}
