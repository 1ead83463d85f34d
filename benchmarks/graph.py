"""A Llama as a small module of PyTorch, which runtimes import: `.venv-peers` exports it for `benchmarks.runtimes`.

It feeds all tokens of a window but the last, and runs the head on the positions that predict a scored one, as this
engine does. It makes log-probabilities only: no ranks, and no mass of the top k.
"""

import json
from pathlib import Path
from typing import Any

import torch  # type: ignore[import-not-found]
from safetensors.torch import load_file
from torch.nn import functional  # type: ignore[import-not-found]


class Llama(torch.nn.Module):  # type: ignore[misc]
    """From token ids int64 [B, T] to the log-probabilities [B, S] of the last S."""

    def __init__(self, folder: str, scored: int, dtype: Any = torch.float32) -> None:
        super().__init__()
        self.config = json.loads((Path(folder) / "config.json").read_text(encoding="utf-8"))
        tensors = load_file(str(Path(folder) / "model.safetensors"))
        tensors = {name: values.to(dtype) for name, values in tensors.items()}
        self.scored, self.head_dim = scored, self.config["hidden_size"] // self.config["num_attention_heads"]

        def keep(name: str) -> torch.nn.Parameter:
            return torch.nn.Parameter(tensors[f"model.{name}.weight"], requires_grad=False)

        def join(layer: str, *names: str) -> torch.nn.Parameter:
            return torch.nn.Parameter(
                torch.cat([tensors[f"model.{layer}.{name}.weight"] for name in names]), requires_grad=False
            )

        self.embed, self.norm = keep("embed_tokens"), keep("norm")
        self.tied = self.config["tie_word_embeddings"]
        if not self.tied:
            self.head = torch.nn.Parameter(tensors["lm_head.weight"], requires_grad=False)
        self.layers = torch.nn.ModuleList()
        for index in range(self.config["num_hidden_layers"]):
            layer, name = torch.nn.Module(), f"layers.{index}"
            layer.first, layer.second = keep(f"{name}.input_layernorm"), keep(f"{name}.post_attention_layernorm")
            layer.projections = join(name, *(f"self_attn.{part}_proj" for part in "qkv"))
            layer.output = keep(f"{name}.self_attn.o_proj")
            layer.gate_up, layer.down = join(name, "mlp.gate_proj", "mlp.up_proj"), keep(f"{name}.mlp.down_proj")
            self.layers.append(layer)

    def forward(self, token_ids: torch.Tensor) -> torch.Tensor:
        """The log-probabilities."""
        config, fed = self.config, token_ids.shape[1] - 1
        heads, kv_heads, dim = config["num_attention_heads"], config["num_key_value_heads"], self.head_dim
        states = functional.embedding(token_ids[:, :-1], self.embed)
        frequencies = config["rope_theta"] ** (-torch.arange(0, dim, 2, dtype=torch.float64) / dim)
        angles = torch.arange(fed, dtype=torch.float64)[:, None] * frequencies
        cos, sin = (torch.cat([f(angles), f(angles)], -1).to(states.dtype)[:, None] for f in (torch.cos, torch.sin))
        for layer in self.layers:
            rows = self._normalize(states, layer.first) @ layer.projections.T
            rows = rows.unflatten(-1, (heads + 2 * kv_heads, dim))
            query, key, value = rows.split([heads, kv_heads, kv_heads], dim=-2)
            query, key = (rotate(part, cos, sin).transpose(1, 2) for part in (query, key))
            groups = heads // kv_heads
            key, value = (part.repeat_interleave(groups, 1) for part in (key, value.transpose(1, 2)))
            mixed = functional.scaled_dot_product_attention(query, key, value, is_causal=True)
            states = states + mixed.transpose(1, 2).flatten(-2) @ layer.output.T
            gate, up = (self._normalize(states, layer.second) @ layer.gate_up.T).chunk(2, -1)
            states = states + (functional.silu(gate) * up) @ layer.down.T
        logits = (
            self._normalize(states[:, -self.scored :], self.norm) @ (self.embed if self.tied else self.head).T
        ).float()
        target = logits.gather(-1, token_ids[:, -self.scored :, None])[..., 0]
        return target - torch.logsumexp(logits, -1)

    def _normalize(self, states: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
        wide = states.float()
        wide = wide * torch.rsqrt((wide * wide).mean(-1, keepdim=True) + self.config["rms_norm_eps"])
        return wide.to(states.dtype) * weight


def rotate(heads: torch.Tensor, cos: torch.Tensor, sin: torch.Tensor) -> torch.Tensor:
    """Heads [B, T, H, E], with each pair of numbers rotated by its position's angle."""
    left, right = heads.chunk(2, -1)
    return heads * cos + torch.cat([-right, left], -1) * sin
