"""The change of log_p_z when a model's weights, or its weights and its arithmetic, have 16 bits instead of 32.

    python -m benchmarks.precision [WINDOWS]

About WINDOWS windows of each text, evenly spread, are scored in float32 and in four other ways, under two models: one
of 30 layers, trained by others, which `make real` measures too, and the sample's, of 3 layers, which knows half of its
book by heart. The tables show the change of log_p_z in nats; of the sample, for windows whose p_z in float32 lies in
each of three bands. The last column is the largest change of log(p_z / (1 - p_z)). Logits, norms and softmax are always
computed in float32.
"""

import itertools
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks.real.measure import BUILD, CONTROLS, KNOWN, SAMPLES, fetch_model, find_text
from byheart.components.download.model import bring_model
from byheart.components.extract import checkpoint, decoder
from byheart.components.extract.rounding import BANDS, Shift, find_in_band, measure_shift
from byheart.components.extract.scoring import Scorer, make_scorer
from byheart.components.extract.sharding import use_one_device
from byheart.components.extract.token_scores import compute_window_scores
from byheart.components.tokenize.tokenizer import load_tokenizer
from byheart.components.tokenize.windows import slide
from byheart.contracts.setting_groups import WindowSettings
from byheart.models.adapted import open_described_model
from byheart.models.folder import ModelFolder, open_model

PROMPT, SUFFIX, BATCH = 50, 50, 32
SAMPLE_WINDOWS = 1_600
Divide = Callable[[np.ndarray], dict[str, np.ndarray]]


def main(windows: int = 60) -> None:
    """Score the windows of both models in all ways, and print the tables."""
    described = bring_model(str(fetch_model()), str(BUILD / "store"))
    texts = {
        "known": [make_windows(find_text(name), described.address, windows) for name in KNOWN],
        "controls": [make_windows(find_text(name), described.address, windows) for name in CONTROLS],
    }
    groups = np.repeat([*texts], [sum(map(len, rows)) for rows in texts.values()])
    token_ids = np.concatenate([rows for group in texts.values() for rows in group])
    print_table(open_described_model(described), token_ids, "text", lambda _: {name: groups == name for name in texts})
    sample = SAMPLES / "model"
    token_ids = make_windows(SAMPLES / "the-soap-winter.txt", str(sample), SAMPLE_WINDOWS)
    bands = list(itertools.pairwise(BANDS))
    print_table(
        open_model(sample),
        token_ids,
        "p_z",
        lambda exact: {f"{low} to {high}": find_in_band(exact, low, high) for low, high in bands},
    )


def print_table(model: ModelFolder, token_ids: np.ndarray, title: str, divide: Divide) -> None:
    """Score windows in all ways, and print a row for each way and group.

    Args:
        title: what groups are.
        divide: from exact log_p_z to the windows of each group, bool [W], by its name.
    """
    params = checkpoint.load(model, jnp.float32, use_one_device())
    score = make_scorer(
        model.decoder, model.describe_parameters(), use_one_device(), scored_tokens=SUFFIX, temperature=1.0, top_k=0
    )
    exact = compute_log_p_z(score, params, token_ids)
    groups = divide(exact)
    print(f"| weights | arithmetic | {title} | windows | median | 95% | largest | mean, signed | log odds, largest |")
    print("|---|---|---|---|---|---|---|---|---|")
    for name, weights in round_weights(params):
        rounded = compute_log_p_z(score, weights, token_ids)
        for group, inside in groups.items():
            change = measure_shift(exact[inside], rounded[inside])
            odds = measure_shift(to_log_odds(exact[inside]), to_log_odds(rounded[inside]))
            print(f"| {name} | {group} | {format_shift(change)} | {odds.largest:.1g} |", flush=True)


def format_shift(change: Shift) -> str:
    """The cells of a change."""
    nats = (f"{value:.2g}" for value in (change.median, change.most, change.largest))
    return f"{change.windows:,} | {' | '.join(nats)} | {change.mean:+.1g}"


def to_log_odds(log_p_z: np.ndarray) -> np.ndarray:
    """log(p_z / (1 - p_z)): nearly log_p_z where p_z is small, and without end where it nears 1."""
    return log_p_z - np.log(-np.expm1(np.minimum(log_p_z, -1e-12)))


def round_weights(params: decoder.Params) -> Iterator[tuple[str, decoder.Params]]:
    """Weights rounded to 16 bits, kept in 16 bits or widened to float32 again; with names for the table."""

    def cast(params: decoder.Params, dtype: type) -> decoder.Params:
        return jax.tree.map(lambda weight: weight.astype(dtype), params)

    for name, dtype in (("bfloat16", jnp.bfloat16), ("float16", jnp.float16)):
        yield f"{name} | float32", cast(cast(params, dtype), jnp.float32)
        yield f"{name} | {name}", cast(params, dtype)


def make_windows(text: Path, model: str, windows: int) -> np.ndarray:
    """Token ids of about so many windows of a text, int32 [W, 100]."""
    characters = text.read_text(encoding="utf-8")
    settings = WindowSettings(
        chunk_size=PROMPT + SUFFIX,
        slice_length=2000,
        cursor_inc=max(1, len(characters) // windows),
        max_length=0,
        prompt_tokens=PROMPT,
        bos="false",
    )
    return slide(characters, load_tokenizer(model).encode, settings, scored_tokens=SUFFIX).token_ids


def compute_log_p_z(score: Scorer, params: decoder.Params, token_ids: np.ndarray) -> np.ndarray:
    """log_p_z of each window, float64 [W]."""
    padded = np.concatenate([token_ids, token_ids[: -len(token_ids) % BATCH]])
    batches = [score(params, jnp.asarray(rows)) for rows in padded.reshape(-1, BATCH, PROMPT + SUFFIX)]
    return np.concatenate([compute_window_scores(tokens, top_k=0).log_p_z for tokens in batches])[: len(token_ids)]


if __name__ == "__main__":
    main(*map(int, sys.argv[1:2]))
