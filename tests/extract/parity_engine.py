"""The engine's half of the comparison with transformers: writes `engine.npy` beside each `golden.npz`."""

import sys
from pathlib import Path

import jax.numpy as jnp
import numpy as np

from byheart.components.extract import checkpoint
from byheart.components.extract.scoring import make_scorer
from byheart.components.extract.sharding import use_one_device
from byheart.models.folder import open_model


def log_probs(folder: Path) -> np.ndarray:
    """The log-probability of each token but the first of the golden's, float32 [N, T - 1]."""
    model = open_model(folder)
    model.check_tensors()
    with np.load(folder / "golden.npz") as golden:
        token_ids = golden["token_ids"]
    sharding, scored_tokens = use_one_device(), token_ids.shape[1] - 1
    score = make_scorer(
        model.decoder, model.describe_parameters(), sharding, scored_tokens=scored_tokens, temperature=1.0, top_k=0
    )
    return np.asarray(score(checkpoint.load(model, jnp.float32, sharding), jnp.asarray(token_ids)).log_prob)


if __name__ == "__main__":
    for folder in map(Path, sys.argv[1:]):
        np.save(folder / "engine.npy", log_probs(folder))
