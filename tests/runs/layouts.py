"""Scores the same windows on eight devices that the CPU pretends to have, under every layout.

    XLA_FLAGS=--xla_force_host_platform_device_count=8 python -m tests.runs.layouts OUT.npz CHECKPOINT [ADAPTER]

The first layout is one device.
"""

import sys
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from byheart.components.extract import checkpoint
from byheart.components.extract.scoring import make_scorer
from byheart.components.extract.sharding import make_sharding
from byheart.machines.mesh import Mesh
from byheart.models.adapted import open_whole_model

LAYOUTS = [(1, 1, False), (8, 1, False), (8, 1, True), (1, 2, False), (4, 2, False)]
"""Devices along `data`, devices along `model`, and whether weights are gathered."""
WINDOWS, TOKENS, SCORED = 16, 40, 20


def main(out: str, checkpoint_folder: str, adapter: str = "") -> None:
    """Write log_prob, rank and log_top_k_mass of each layout; the log_prob with weights that are held as they were
    published; and that of windows of different tokens."""
    found: dict[str, Any] = {}
    model = open_whole_model(checkpoint_folder, adapter)
    random = np.random.default_rng(0)
    ids = random.integers(0, model.decoder.vocab, (WINDOWS, TOKENS)).astype(np.int32)
    own = np.stack([random.integers(1, TOKENS - SCORED, WINDOWS), random.integers(1, SCORED + 1, WINDOWS)], axis=1)
    checkpoint.PIECE_BYTES = 10_000  # so that a small tensor comes in pieces too
    for data, along_model, gather in LAYOUTS:
        sharding = make_sharding(jax.devices(), Mesh(data=data, model=along_model, gather=gather))
        params = checkpoint.load(model, jnp.dtype("float32"), sharding)
        score = make_scorer(
            model.decoder, model.describe_parameters(), sharding, scored_tokens=SCORED, temperature=0.8, top_k=7
        )
        scores = score(params, jax.device_put(ids, sharding.windows))
        for name in ("log_prob", "rank", "log_top_k_mass"):
            found[f"{data}x{along_model}{'g' * gather}/{name}"] = np.asarray(getattr(scores, name))
        held = make_scorer(
            model.decoder, model.describe_parameters(), sharding, scored_tokens=SCORED, temperature=0.8, top_k=7,
            arithmetic=jnp.dtype("float32"),
        )(checkpoint.load(model, None, sharding), jax.device_put(ids, sharding.windows))  # fmt: skip
        found[f"{data}x{along_model}{'g' * gather}/held_log_prob"] = np.asarray(held.log_prob)
        score_padded = make_scorer(
            model.decoder, model.describe_parameters(), sharding, scored_tokens=SCORED, temperature=0.8, top_k=7,
            is_padded=True,
        )  # fmt: skip
        padded = score_padded(params, *jax.device_put([ids, own.astype(np.int32)], sharding.windows))
        found[f"{data}x{along_model}{'g' * gather}/padded_log_prob"] = np.asarray(padded.log_prob)
    np.savez(out, **found)


if __name__ == "__main__":
    main(*sys.argv[1:])
