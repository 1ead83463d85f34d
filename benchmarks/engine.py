"""This engine as a contestant of `benchmarks.extract`."""

import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks.contestant import serve, time_fastest
from byheart.components.extract import engine
from byheart.components.extract.token_scores import compute_window_scores
from byheart.contracts.setting_groups import ScoreSettings
from byheart.machines.layout import Layout
from byheart.models.folder import open_model

_TOP_K = 40
"""The pipeline's default: ranks and the mass of the top k are part of the work."""


class Engine:
    """The engine of `extract`, on one device."""

    def __init__(self, job: dict[str, Any]) -> None:
        device, token_ids = jax.devices()[0], np.load(job["windows"], mmap_mode="r")
        if (device.platform == "cpu") != (job["device"] == "cpu"):
            raise SystemExit(f"jax must find a {job['device']}, found {device.device_kind}")
        self.about = f"jax {jax.__version__}"
        self._batch, self._dtype, self._device, self._side = (
            job["batch"],
            jnp.dtype(job["precision"]),
            device,
            job["side"],
        )
        self._score = (
            engine.Engine.lay_out(
                open_model(job["model"]),
                engine.Machine(devices=[device]),
                ScoreSettings(temperature=1.0, top_k=_TOP_K, precision=job["precision"]),
                Layout(data=1, model=1, gather=False, batch_size=job["batch"]),
                positions=token_ids.shape[1] - 1,
                scored_tokens=job["scored"],
            )
            .load()
            .score
        )

    def score(self, token_ids: np.ndarray) -> np.ndarray:
        """log_p_z of windows; all batches are started before the first scores are fetched."""
        batches = [token_ids[first : first + self._batch] for first in range(0, len(token_ids), self._batch)]
        padded = [np.pad(rows, ((0, self._batch - len(rows)), (0, 0))) for rows in batches]
        started = [self._score(rows) for rows in padded]
        scores = [compute_window_scores(jax.device_get(tokens), top_k=_TOP_K).log_p_z for tokens in started]
        return np.concatenate(scores)[: len(token_ids)]

    def multiply(self) -> float:
        """Operations a second of a square matmul."""
        square = jnp.full((self._side, self._side), 0.5, self._dtype)
        precision = "highest" if self._dtype == jnp.float32 else "default"
        product = jax.jit(functools.partial(jnp.matmul, precision=precision))
        return 2 * self._side**3 / time_fastest(lambda: product(square, square).block_until_ready())

    def device_bytes(self) -> int | None:
        """The peak memory of the device."""
        statistics = self._device.memory_stats() or {}
        return statistics.get("peak_bytes_in_use")


if __name__ == "__main__":
    serve(Engine)
