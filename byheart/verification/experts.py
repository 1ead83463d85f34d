"""Layers with experts: what each family's routers do, and the second implementation of them.

Source: the modeling files of Hugging Face transformers; for groups, DeepSeek-AI 2024 (arXiv 2412.19437), section 2.1.2.
"""

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np

from byheart.verification.weights import Floats, Weights


def _in_all_layers(fields: dict[str, Any]) -> list[int]:
    return list(range(fields["num_hidden_layers"]))


def in_every_nth(fields: dict[str, Any]) -> list[int]:
    """The layers with experts in Qwen's families."""
    step, dense = fields.get("decoder_sparse_step", 1), fields.get("mlp_only_layers") or []
    return [layer for layer in range(fields["num_hidden_layers"]) if (layer + 1) % step == 0 and layer not in dense]


def after_the_first(fields: dict[str, Any]) -> list[int]:
    """The layers with experts in GLM's families."""
    return list(range(fields["first_k_dense_replace"], fields["num_hidden_layers"]))


@dataclasses.dataclass(frozen=True, kw_only=True)
class Routing:
    """The experts of a family; the defaults are those of Qwen's."""

    block: str = "mlp."
    """The beginning of its tensors' names in a layer."""
    router: str = "gate"
    list_layers: Callable[[dict[str, Any]], list[int]] = _in_all_layers
    count: str = "num_experts"
    """The field with the number of experts."""
    normalized: bool | str = "norm_topk_prob"
    """Whether the shares of a token's experts add up to 1, or the field that says so."""
    sigmoid: bool = False
    """Whether a score is the sigmoid of its logit alone, and the choice is limited to groups and corrected."""
    names: tuple[str, str, str] = ("gate_proj", "up_proj", "down_proj")
    """The matrices of an expert."""
    shared: str = ""
    """The MLP that all tokens go through; empty where there is none."""
    shared_gate: str = ""


def mix_experts(
    routing: Routing,
    fields: dict[str, Any],
    weights: Weights,
    name: str,
    states: Floats,
    apply: Callable[[str, tuple[str, str, str], Floats], Floats],
) -> Floats:
    """The sum of what a token's experts return, each times its share, and of what the shared one returns.

    Args:
        name: the beginning of the layer's tensors' names.
        states: [B, T, D].
        apply: an MLP, by the beginning and the ends of its tensors' names.
    """
    block = name + routing.block
    rows = states.reshape(-1, states.shape[-1])
    logits = rows @ weights.read(f"{block}{routing.router}.weight").T
    if weights.has(f"{block}{routing.router}.bias"):
        logits = logits + weights.read(f"{block}{routing.router}.bias")
    correction = weights.read(f"{block}{routing.router}.e_score_correction_bias") if routing.sigmoid else None
    shares = np.stack([_share(routing, fields, row, correction) for row in logits])
    mixed = np.zeros_like(rows)
    for expert in range(fields[routing.count]):
        used = shares[:, expert] > 0
        if used.any():
            mixed[used] += shares[used, expert, None] * apply(f"{block}experts.{expert}.", routing.names, rows[used])
    if routing.shared:
        shared = apply(f"{block}{routing.shared}.", routing.names, rows)
        if routing.shared_gate:
            shared /= 1 + np.exp(-rows @ weights.read(f"{block}{routing.shared_gate}.weight").T)
        mixed += shared
    return mixed.reshape(states.shape)


def _share(routing: Routing, fields: dict[str, Any], logits: Floats, correction: Floats | None) -> Floats:
    """The share of each expert for one token; 0 for those that are not chosen."""
    if routing.sigmoid:
        scores = 1 / (1 + np.exp(-logits))
    else:
        scores = np.exp(logits - logits.max()) / np.exp(logits - logits.max()).sum()
    ranked = logits if correction is None else scores + correction
    if routing.sigmoid and fields["n_group"] > 1:
        groups = ranked.reshape(fields["n_group"], -1)
        totals = np.sort(groups, axis=1)[:, -2:].sum(axis=1)
        groups[np.argsort(-totals, kind="stable")[fields["topk_group"] :]] = -np.inf
        ranked = groups.reshape(-1)
    chosen = np.argsort(-ranked, kind="stable")[: fields["num_experts_per_tok"]]
    normalized = fields[routing.normalized] if isinstance(routing.normalized, str) else routing.normalized
    shares = np.zeros_like(scores)
    shares[chosen] = scores[chosen] / (scores[chosen].sum() if normalized else 1)
    return shares * fields.get("routed_scaling_factor", 1.0)
