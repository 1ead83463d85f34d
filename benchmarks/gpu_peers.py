"""The peers in `benchmarks.gpu`: two compiled models in PyTorch that do the same work as `extract`.

Both feed all tokens but the last, run the head on the positions that predict a scored token, and make the
log-probability, the rank and the mass of the top 40 of each. They run in the environment `.venv-peers`.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch  # type: ignore[import-not-found]
import transformers
from torch.nn import functional  # type: ignore[import-not-found]

from benchmarks.contestant import serve, time_fastest

_TOP_K = 40


def score_rows(logits: Any, targets: Any) -> tuple[Any, Any, Any]:
    """Log-probabilities, ranks and the log of the top k's mass [B, S] of targets [B, S] under logits [B, S, V]."""
    logits = logits.float()
    target = logits.gather(-1, targets[..., None])
    total = torch.logsumexp(logits, -1)
    ranks = (logits > target).sum(-1)
    mass = torch.logsumexp(logits.topk(_TOP_K, -1).values, -1) - total
    return target[..., 0] - total, ranks, mass


class Compiled:
    """transformers' model with `logits_to_keep`, compiled."""

    def __init__(self, job: dict[str, Any]) -> None:
        torch.set_num_threads(job["threads"])
        torch.set_grad_enabled(False)
        self.about = f"transformers {transformers.__version__}, torch {torch.__version__}"
        self._device = torch.device("cpu" if job["device"] == "cpu" else "cuda")
        self._batch, self._scored, self._side = job["batch"], job["scored"], job["side"]
        self._dtype = getattr(torch, job["precision"])
        model = transformers.AutoModelForCausalLM.from_pretrained(
            job["model"], dtype=self._dtype, attn_implementation="sdpa"
        ).eval()
        forward = self._make_forward(model)

        def score(ids: Any) -> tuple[Any, Any, Any]:
            return score_rows(forward(ids[:, :-1]), ids[:, -self._scored :])

        self._score = torch.compile(score)

    def _make_forward(self, model: Any) -> Callable[[Any], Any]:
        """A function from the ids that are fed to the logits of the last positions."""
        model = model.to(self._device)
        return lambda ids: model(ids, use_cache=False, logits_to_keep=self._scored).logits

    def score(self, token_ids: np.ndarray) -> np.ndarray:
        """log_p_z of windows; all batches are started before the first scores are fetched."""
        started = []
        with torch.inference_mode():
            for first in range(0, len(token_ids), self._batch):
                rows = torch.from_numpy(token_ids[first : first + self._batch].astype(np.int64))
                started.append(self._score(rows.to(self._device)))
        fetched = [[part.cpu() for part in parts] for parts in started]
        return np.concatenate([parts[0].double().sum(-1).numpy() for parts in fetched])

    def multiply(self) -> float:
        """Operations a second of a square matmul."""
        square = torch.full((self._side, self._side), 0.5, dtype=self._dtype, device=self._device)
        return 2 * self._side**3 / time_fastest(lambda: (square @ square)[0, 0].item())

    def device_bytes(self) -> int | None:
        """The peak memory of the device."""
        return None if self._device.type == "cpu" else torch.cuda.max_memory_allocated()


class HandWritten(Compiled):
    """Llama's forward pass written for this one purpose: fused products, and nothing that scoring does not need."""

    def _make_forward(self, model: Any) -> Callable[[Any], Any]:
        config, device = model.config, self._device
        heads, kv_heads = config.num_attention_heads, config.num_key_value_heads
        size = config.hidden_size // heads
        base = model.model
        layers = []
        for layer in base.layers:
            attention, mlp = layer.self_attn, layer.mlp
            weights = [
                layer.input_layernorm.weight,
                torch.cat([attention.q_proj.weight, attention.k_proj.weight, attention.v_proj.weight]),
                attention.o_proj.weight,
                layer.post_attention_layernorm.weight,
                torch.cat([mlp.gate_proj.weight, mlp.up_proj.weight]),
                mlp.down_proj.weight,
            ]
            layers.append([weight.to(device) for weight in weights])
        embed, last_norm = base.embed_tokens.weight.to(device), base.norm.weight.to(device)
        head = embed if config.tie_word_embeddings else model.lm_head.weight.to(device)
        rotary, epsilon = base.rotary_emb.to(device), config.rms_norm_eps

        def normalize(states: Any, weight: Any) -> Any:
            return functional.rms_norm(states, (states.shape[-1],), weight, epsilon)

        def rotate(states: Any, cos: Any, sin: Any) -> Any:
            left, right = states.chunk(2, -1)
            return states * cos + torch.cat([-right, left], -1) * sin

        def forward(ids: Any) -> Any:
            batch, tokens = ids.shape
            states = functional.embedding(ids, embed)
            cos, sin = rotary(states, torch.arange(tokens, device=device)[None])
            cos, sin = cos[:, None], sin[:, None]
            for first_norm, qkv, output, second_norm, gate_up, down in layers:
                product = functional.linear(normalize(states, first_norm), qkv)
                query, key, value = (
                    part.reshape(batch, tokens, -1, size).transpose(1, 2)
                    for part in product.split([heads * size, kv_heads * size, kv_heads * size], -1)
                )
                mixed = functional.scaled_dot_product_attention(
                    rotate(query, cos, sin), rotate(key, cos, sin), value, is_causal=True, enable_gqa=True
                )
                states = states + functional.linear(mixed.transpose(1, 2).reshape(batch, tokens, -1), output)
                gate, up = functional.linear(normalize(states, second_norm), gate_up).chunk(2, -1)
                states = states + functional.linear(functional.silu(gate) * up, down)
            return functional.linear(normalize(states[:, -self._scored :], last_norm), head)

        return forward


if __name__ == "__main__":
    serve(lambda job: {"compiled": Compiled, "hand-written": HandWritten}[job["way"]](job))
