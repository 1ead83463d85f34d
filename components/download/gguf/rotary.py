"""The rotary embedding of a GGUF file, as config.json describes it.

GGUF has the base, how much of a head is rotated, and for some scalings what comes of them: divisors of frequencies.
Source: llama.cpp's src/llama-context.cpp, which reads these fields, and its conversions, which write them.
"""

import dataclasses
import math
from typing import Any, NamedTuple

import numpy as np

from byheart.components.download.gguf.metadata import Metadata
from byheart.models.rope import Rope

FREQUENCIES, LONG, SHORT = "rope_freqs.weight", "rope_factors_long.weight", "rope_factors_short.weight"
DIVISORS = (FREQUENCIES, LONG, SHORT)
"""Tensors that config.json stands for."""
_LLAMA3 = ((1.0, 4.0, 8192), (1.0, 1.0, 8192))
"""Of published models that scale as Llama 3 does: low and high frequency factor, and the original positions."""


def read_rope(metadata: Metadata, **more: Any) -> dict[str, Any]:
    """The fields `rope_theta` and `rope_scaling` of config.json.

    Args:
        more: fields of `rope_scaling` that GGUF lacks, if the architecture's models have a scaling by YaRN.
    """
    theta = metadata.number("rope.freq_base", default=10_000.0)
    return {"rope_theta": theta, "rope_scaling": _describe_scaling(metadata, theta, more)}


def read_share(metadata: Metadata) -> float:
    """The share of each head that is rotated."""
    head_dim = metadata.head_dim
    dims = metadata.integer("rope.dimension_count", default=head_dim)
    share = dims / head_dim
    return share if int(share * head_dim) == dims else math.nextafter(share, 2.0)


def require_whole_heads(metadata: Metadata) -> None:
    """Refuse a model that rotates a part of each head."""
    metadata.require("rope.dimension_count", metadata.head_dim)


def _describe_scaling(metadata: Metadata, theta: float, more: dict[str, Any]) -> dict[str, Any] | None:
    factor = metadata.number_or_none("rope.scaling.factor")
    kind = metadata.word("rope.scaling.type", ("none", "linear", "yarn", "longrope"), default="linear")
    stretch = metadata.number_or_none("rope.scaling.attn_factor")
    original = metadata.integer("rope.scaling.original_context_length", metadata.integer("context_length"), least=0)
    is_scaled = kind != "none" and factor not in (None, 1.0)
    if LONG in metadata.gguf.tensors or SHORT in metadata.gguf.tensors:
        return _describe_longrope(metadata, stretch)
    if FREQUENCIES in metadata.gguf.tensors:
        return _describe_llama3(metadata, theta, is_scaled or kind == "longrope")
    if kind == "longrope":
        metadata.gguf.refuse(f"hold {LONG} and {SHORT}", "none", "fetch it again")
    if kind == "yarn" and is_scaled:
        betas = {"beta_fast": 32.0, "beta_slow": 1.0}
        scaling = {name: metadata.number(f"rope.scaling.yarn_{name}", default) for name, default in betas.items()}
        whole = metadata.number_or_none("rope.scaling.yarn_attn_factor")
        if whole is None and stretch is not None:
            whole = stretch * (0.1 * math.log(float(factor or 1)) + 1)
        scaling |= {"attention_factor": whole} if whole is not None else {}
        return {"rope_type": "yarn", "factor": factor, "original_max_position_embeddings": original, **scaling, **more}
    metadata.require("rope.scaling.attn_factor", 1.0)
    return {"rope_type": "linear", "factor": factor} if is_scaled and kind == "linear" else None


def _describe_longrope(metadata: Metadata, stretch: float | None) -> dict[str, Any]:
    gguf = metadata.gguf
    if not {LONG, SHORT} <= gguf.tensors.keys():
        gguf.refuse(f"hold {LONG} and {SHORT}", "one of them", "fetch it again")
    factors = {"long_factor": LONG, "short_factor": SHORT}
    lists = {name: [float(str(value)) for value in metadata.read_vector(tensor)] for name, tensor in factors.items()}
    return {"rope_type": "longrope", **lists} | ({} if stretch is None else {"attention_factor": stretch})


def _describe_llama3(metadata: Metadata, theta: float, is_scaled_too: bool) -> dict[str, Any]:
    divisors = metadata.read_vector(FREQUENCIES)
    factor = float(divisors.max(initial=1.0))
    fits = not is_scaled_too and 2 * len(divisors) == metadata.head_dim
    scalings = [_Llama3(factor, *of_model) for of_model in _LLAMA3] if fits else []
    found = [scaling for scaling in scalings if scaling.has(divisors, Rope(theta=theta), metadata.head_dim)]
    if not found:
        metadata.gguf.refuse(
            f"scale rotary frequencies as Llama 3 does, if it has {FREQUENCIES}",
            "another scaling",
            "name the model's safetensors",
        )
    names = ("factor", "low_freq_factor", "high_freq_factor", "original_max_position_embeddings")
    return {"rope_type": "llama3", **dict(zip(names, found[0], strict=True))}


class _Llama3(NamedTuple):
    factor: float
    low: float
    high: float
    original: int

    def has(self, divisors: np.ndarray, plain: Rope, head_dim: int) -> bool:
        """Whether these divisors are those of this scaling."""
        scaled = dataclasses.replace(
            plain,
            scaling="llama3",
            factor=self.factor,
            low_freq_factor=self.low,
            high_freq_factor=self.high,
            original_positions=self.original,
        )
        with np.errstate(all="ignore"):  # numbers of a damaged file
            expected = plain.compute_inverse_frequencies(head_dim) / scaled.compute_inverse_frequencies(head_dim)
        return np.allclose(divisors, expected, rtol=1e-5, atol=0)
