"""The change of log_p_z when the sample model's weights, or its weights and its arithmetic, have 16 bits instead of 32.

    python -m benchmarks.precision [STRIDE]

Windows of the sample book, one every STRIDE characters, are scored in float32 and in four other ways. The table shows
the change of log_p_z in nats, for windows whose p_z in float32 lies in each of three bands. Logits, norms and softmax
are always computed in float32.
"""

import sys
from collections.abc import Iterator
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np

from byheart.components.extract import checkpoint, decoder
from byheart.components.extract.rounding import measure_shift_by_band
from byheart.components.extract.scoring import make_scorer
from byheart.components.extract.sharding import use_one_device
from byheart.components.extract.token_scores import compute_window_scores
from byheart.components.tokenize.tokenizer import load_tokenizer
from byheart.components.tokenize.windows import slide
from byheart.contracts.setting_groups import WindowSettings
from byheart.models.folder import ModelFolder, open_model

SAMPLES = Path(__file__).parents[1] / "samples"
PROMPT, SUFFIX, BATCH = 50, 50, 32


def main(stride: int = 25) -> None:
    """Score the windows in all ways, and print the table."""
    model = open_model(SAMPLES / "model")
    params = checkpoint.load(model, jnp.float32, use_one_device())
    token_ids = make_windows(stride)
    exact = compute_log_p_z(model, params, token_ids)
    print("| weights | arithmetic | p_z | windows | median | 95% | largest | mean, signed |")
    print("|---|---|---|---|---|---|---|---|")
    for name, weights in round_weights(params):
        rounded = compute_log_p_z(model, weights, token_ids)
        for (low, high), change in measure_shift_by_band(exact, rounded):
            columns = f"{change.median:.1g} | {change.most:.1g} | {change.largest:.1g} | {change.mean:+.1g}"
            print(f"| {name} | {low} to {high} | {change.windows:,} | {columns} |", flush=True)


def round_weights(params: decoder.Params) -> Iterator[tuple[str, decoder.Params]]:
    """Weights rounded to 16 bits, kept in 16 bits or widened to float32 again; with names for the table."""

    def cast(params: decoder.Params, dtype: type) -> decoder.Params:
        return jax.tree.map(lambda weight: weight.astype(dtype), params)

    for name, dtype in (("bfloat16", jnp.bfloat16), ("float16", jnp.float16)):
        yield f"{name} | float32", cast(cast(params, dtype), jnp.float32)
        yield f"{name} | {name}", cast(params, dtype)


def make_windows(stride: int) -> np.ndarray:
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


def compute_log_p_z(model: ModelFolder, params: decoder.Params, token_ids: np.ndarray) -> np.ndarray:
    """log_p_z of each window, float64 [W]."""

    score = make_scorer(
        model.decoder, model.describe_parameters(), use_one_device(), scored_tokens=SUFFIX, temperature=1.0, top_k=0
    )
    padded = np.concatenate([token_ids, token_ids[: -len(token_ids) % BATCH]])
    batches = [score(params, jnp.asarray(rows)) for rows in padded.reshape(-1, BATCH, PROMPT + SUFFIX)]
    return np.concatenate([compute_window_scores(tokens, top_k=0).log_p_z for tokens in batches])[: len(token_ids)]


if __name__ == "__main__":
    main(*map(int, sys.argv[1:2]))
