"""A small model as the Hub has it, and what a run that brings it leaves."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import save

from tests.conftest import MODEL
from tests.hub import HubServer
from tests.models.test_folder import CONFIG, INDEX, SHAPES, SHARDS

NAME = "org/toy"
MANIFEST = "manifest.json"
SMALL = ("config.json", "tokenizer.json", "tokenizer_config.json")
WANTED = {*SMALL, INDEX, *SHARDS}
UNWANTED: dict[str, bytes] = {
    "README.md": b"# Toy\n",
    ".gitattributes": b"*.safetensors filter=lfs\n",
    "pytorch_model.bin": b"\x80\x02",
    "consolidated.safetensors": b"another layout",
    "original/consolidated.00.pth": b"\x80\x02",
    "onnx/model.onnx": b"onnx",
    "model.fp16.safetensors": b"another precision",
}


def toy(embed: int = 8, **config: Any) -> dict[str, bytes]:
    """The files of a model in two safetensors; `embed` makes it larger, `config` changes its config.json."""
    random = np.random.default_rng(0)
    shapes = {name: tuple(embed if side == 8 else side for side in shape) for name, shape in SHAPES.items()}
    shapes |= {name: (embed // 2, embed) for name in shapes if "k_proj" in name or "v_proj" in name}
    weights = {name: random.normal(size=shape).astype(np.float32) for name, shape in shapes.items()}
    files = {name: SHARDS[place % 2] for place, name in enumerate(sorted(weights))}
    shards = {file: save({name: weights[name] for name in files if files[name] == file}) for file in SHARDS}
    described = CONFIG | {"hidden_size": embed} | config
    return {
        "config.json": json.dumps(described).encode(),
        INDEX: json.dumps({"metadata": {}, "weight_map": files}).encode(),
        **{name: (MODEL / name).read_bytes() for name in SMALL[1:]},
        **shards,
        **UNWANTED,
    }


def sha256(data: bytes) -> str:
    """Its SHA-256."""
    return hashlib.sha256(data).hexdigest()


def write(folder: Path, files: Mapping[str, bytes], names: Iterable[str] = WANTED) -> Path:
    """The files in a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        (folder / name).write_bytes(files[name])
    return folder


def asked_for(hub: HubServer) -> list[str]:
    """What the Hub was asked for, in order: `model`, or the name of a file, however often."""
    urls = [call.url.partition("?")[0] for call in hub.calls if call.origin == "hub" and "harnesses" not in call.url]
    kinds = [(url, url.partition("/resolve/")[2].partition("/")[2]) for url in urls if "/resolve-cache/" not in url]
    return [name or "model" for url, name in kinds]


def sent_by_cdn(hub: HubServer) -> int:
    """Bytes of large files that went out."""
    return sum(call.sent_bytes for call in hub.calls if call.origin == "cdn")
