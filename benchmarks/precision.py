"""How far log_p_z moves when the sample model's weights, or its arithmetic too, have 16 bits and not 32.

    python -m benchmarks.precision [STRIDE]

Windows of the sample book, a cursor every STRIDE characters, are scored in float32 and in four other ways. Printed is,
for windows whose p_z in float32 lies in each of three bands, how far log_p_z moves, in nats. Logits, norms and softmax
are computed in float32 in all of them.
"""

import itertools
import sys
from collections.abc import Iterator
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np

from byheart.components.extract import checkpoint, decoder
from byheart.components.extract.scoring import compute_window_scores, make_scorer
from byheart.components.extract.sharding import use_one_device
from byheart.components.tokenize.tokenizer import load_tokenizer
from byheart.components.tokenize.windows import slide
from byheart.contracts.settings import WindowSettings
from byheart.models.folder import ModelFolder, open_model

SAMPLES = Path(__file__).parents[1] / "samples"
PROMPT, SUFFIX, BATCH = 50, 50, 32
BANDS = (0.0, 0.001, 0.9, 1.0)


def main(stride: int = 25) -> None:
    """Score and print."""
    model = open_model(SAMPLES / "model")
    params = checkpoint.load(model, jnp.float32, use_one_device())
    token_ids = windows(stride)
    exact = log_p_z(model, params, token_ids)
    print("| weights | arithmetic | p_z | windows | median | 95% | largest | mean, signed |")
    print("|---|---|---|---|---|---|---|---|")
    for name, weights in variants(params):
        found = log_p_z(model, weights, token_ids)
        for low, high in itertools.pairwise(BANDS):
            here = (np.exp(exact) >= low) & (np.exp(exact) < (high if high < 1 else np.inf))
            difference = (found - exact)[here]
            middle, most, largest = np.quantile(np.abs(difference), (0.5, 0.95, 1.0))
            moved = f"{middle:.1g} | {most:.1g} | {largest:.1g} | {difference.mean():+.1g}"
            print(f"| {name} | {low} to {high} | {len(difference):,} | {moved} |", flush=True)


def variants(params: decoder.Params) -> Iterator[tuple[str, decoder.Params]]:
    """Weights that are rounded, and used as they are or widened again."""

    def cast(params: decoder.Params, dtype: type) -> decoder.Params:
        return jax.tree.map(lambda weight: weight.astype(dtype), params)

    for name, dtype in (("bfloat16", jnp.bfloat16), ("float16", jnp.float16)):
        yield f"{name} | float32", cast(cast(params, dtype), jnp.float32)
        yield f"{name} | {name}", cast(params, dtype)


def windows(stride: int) -> np.ndarray:
    """Token ids of the sample book's windows, int32 [W, 100]."""
    text = (SAMPLES / "the-soap-winter.txt").read_text(encoding="utf-8")
    settings = WindowSettings(
        chunk_size=PROMPT + SUFFIX,
        slice_length=2000,
        cursor_inc=stride,
        max_length=0,
        prompt_tokens=PROMPT,
        bos="false",
    )
    return slide(text, load_tokenizer(SAMPLES / "model").encode, settings, scored_tokens=SUFFIX).token_ids


def log_p_z(model: ModelFolder, params: decoder.Params, token_ids: np.ndarray) -> np.ndarray:
    """Of each window, float64 [W]."""

    score = make_scorer(
        model.decoder, model.describe_parameters(), use_one_device(), scored_tokens=SUFFIX, temperature=1.0, top_k=0
    )
    padded = np.concatenate([token_ids, token_ids[: -len(token_ids) % BATCH]])
    batches = [score(params, jnp.asarray(rows)) for rows in padded.reshape(-1, BATCH, PROMPT + SUFFIX)]
    return np.concatenate([compute_window_scores(tokens, top_k=0).log_p_z for tokens in batches])[: len(token_ids)]


if __name__ == "__main__":
    main(*map(int, sys.argv[1:2]))
