"""p_z by other means: a Llama in plain float64 NumPy, from the files of a model and of a text.

It shares no code with byheart: the tokens come from the tokenizers library, the weights from safetensors.
"""

import functools
import json
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import load_file
from tokenizers import Tokenizer


class Oracle:
    """A model, read anew."""

    def __init__(self, folder: Path) -> None:
        self._config: dict[str, Any] = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        self._weights = {
            name: array.astype(np.float64) for name, array in load_file(folder / "model.safetensors").items()
        }
        self._tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))

    def score(self, text: str, cursor: int, *, prompt: int = 50, window: int = 100) -> float:
        """log p_z, in nats, of the window at a cursor."""
        ids = self._tokenizer.encode(text[cursor:], add_special_tokens=False).ids[:window]
        return float(self.score_tokens(np.array(ids))[prompt - 1 :].sum())

    def score_tokens(self, ids: np.ndarray) -> np.ndarray:
        """float64 [T - 1]: the log-probability of each token but the first, given all before it."""
        config, weights = self._config, self._weights
        heads, kv_heads, size = (config[name] for name in ("num_attention_heads", "num_key_value_heads", "head_dim"))
        states = weights["model.embed_tokens.weight"][ids]
        future = np.triu(np.full((len(ids), len(ids)), -np.inf), 1)
        for layer in range(config["num_hidden_layers"]):
            get = functools.partial(self._get, layer)
            normed = self._normalize(states, get("input_layernorm"))
            query = self._rotate((normed @ get("self_attn.q_proj").T).reshape(len(ids), heads, size))
            key = self._rotate((normed @ get("self_attn.k_proj").T).reshape(len(ids), kv_heads, size))
            value = (normed @ get("self_attn.v_proj").T).reshape(len(ids), kv_heads, size)
            mixed = []
            for head in range(heads):
                group = head // (heads // kv_heads)
                scores = query[:, head] @ key[:, group].T / np.sqrt(size) + future
                attention = np.exp(scores - scores.max(axis=1, keepdims=True))
                mixed.append(attention / attention.sum(axis=1, keepdims=True) @ value[:, group])
            states = states + np.concatenate(mixed, axis=1) @ get("self_attn.o_proj").T
            normed = self._normalize(states, get("post_attention_layernorm"))
            gate = normed @ get("mlp.gate_proj").T
            states = states + (gate / (1 + np.exp(-gate)) * (normed @ get("mlp.up_proj").T)) @ get("mlp.down_proj").T
        logits = self._normalize(states, weights["model.norm.weight"]) @ weights["model.embed_tokens.weight"].T
        logits -= logits.max(axis=1, keepdims=True)
        log_probs = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
        return log_probs[np.arange(len(ids) - 1), ids[1:]]

    def _get(self, layer: int, name: str) -> np.ndarray:
        return self._weights[f"model.layers.{layer}.{name}.weight"]

    def _normalize(self, states: np.ndarray, weight: np.ndarray) -> np.ndarray:
        return states / np.sqrt((states**2).mean(axis=1, keepdims=True) + self._config["rms_norm_eps"]) * weight

    def _rotate(self, states: np.ndarray) -> np.ndarray:
        """Rotates the pairs (i, i + E/2) of each head's E numbers by their position."""
        half = states.shape[2] // 2
        rates = self._config["rope_theta"] ** (-np.arange(half) / half)
        angles = np.arange(len(states))[:, None, None] * rates
        first, second = states[..., :half], states[..., half:]
        return np.concatenate(
            [first * np.cos(angles) - second * np.sin(angles), second * np.cos(angles) + first * np.sin(angles)], axis=2
        )
