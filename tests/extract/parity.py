"""Compares the engine with Hugging Face transformers, live, on random models that are drawn anew each time; and the two
second implementations of `byheart verify` with one another.

    make test-parity                        # a seed of its own, which is printed
    make test-parity SEED=7 ROUNDS=20

Runs where transformers and PyTorch are (the environment of `make goldens`) and calls the project's own interpreter for
the engine's half. Exit status 1, with the config.json, if any token's log-probability differs by more than 1e-4, or
anything that the second implementations compute.
"""

import argparse
import json
import secrets
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import torch  # type: ignore[import-not-found]
from transformers.utils import logging

from byheart.verification.families import TRANSFORMERS_ALONE
from byheart.verification.scorers import NUMPY, TRANSFORMERS, find_scorer
from byheart.verification.scoring import ReferenceScores
from tests.extract.goldens.draw import FAMILIES, draw_config
from tests.extract.goldens.random_models import transformers_scores, write_random_model

TOLERANCE = 1e-4
SEQUENCES, TOKENS = 2, 100
DTYPES = (torch.float32, torch.bfloat16, torch.float16)


def write_models(folder: Path, families: list[str], seed: int) -> list[Path]:
    """One random model of each family and what transformers computes with it."""
    models = []
    for family in families:
        random = np.random.default_rng([seed, *family.encode()])
        config = draw_config(family, random)
        model = folder / f"{seed}-{family}"
        write_random_model(model, config, random, DTYPES[int(random.integers(len(DTYPES)))])
        token_ids = random.integers(config["vocab_size"] * 3 // 4, size=(SEQUENCES, TOKENS))
        np.savez(model / "golden.npz", **transformers_scores(model, token_ids))
        models.append(model)
    return models


def compare(models: list[Path], engine: str) -> bool:
    """Whether the engine agrees on every model; says so of each. A model that it could not score is not agreed on."""
    subprocess.run([engine, "-m", "tests.extract.parity_engine", *map(str, models)], check=False)
    agree = True
    for model in models:
        largest = float("inf")
        if (model / "engine.npy").exists():
            with np.load(model / "golden.npz") as held:
                differences = np.abs(np.load(model / "engine.npy") - held["log_probs"])
            largest = float(np.nan_to_num(differences, nan=np.inf).max())
        between_scorers = compare_scorers(model)
        print(f"{model.name:24} {largest:.1e} {between_scorers:.1e}", flush=True)
        if max(largest, between_scorers) > TOLERANCE:
            agree = False
            print(json.dumps(json.loads((model / "config.json").read_text(encoding="utf-8")), indent=2), flush=True)
    return agree


def compare_scorers(model: Path) -> float:
    """The largest difference, in nats a token, between what NumPy, transformers and the golden say of the golden's
    tokens; infinite where they rank the tokens differently.
    """
    with np.load(model / "golden.npz") as held:
        token_ids, log_probs, ranks = held["token_ids"], held["log_probs"], held["ranks"]
    theirs = _score(model, TRANSFORMERS, token_ids)
    is_known = json.loads((model / "config.json").read_text(encoding="utf-8"))["model_type"] not in TRANSFORMERS_ALONE
    ours = _score(model, NUMPY, token_ids) if is_known else theirs
    for scores in (ours, theirs):
        if (ranks < scores.surely_above).any() or (ranks > scores.perhaps_above).any():
            return float("inf")
    pairs = [
        (ours.log_probs, theirs.log_probs),
        (ours.tempered_log_probs, theirs.tempered_log_probs),
        (ours.log_top_k_mass, theirs.log_top_k_mass),
        (ours.top_gaps, theirs.top_gaps),
        (theirs.log_probs, log_probs),
    ]
    return max(float(np.abs(one - other).max()) for one, other in pairs)


def _score(model: Path, scorer: str, token_ids: np.ndarray) -> ReferenceScores:
    return find_scorer(str(model), scorer).score(
        token_ids, token_ids[:, 1:], temperature=0.7, top_k=5, tolerance=TOLERANCE
    )


def main() -> int:
    """The exit status."""
    parser = argparse.ArgumentParser(description="Compare the engine with transformers on random models.")
    parser.add_argument("--engine", default=sys.executable, help="the interpreter that has the project's dependencies")
    parser.add_argument("--seed", type=int, default=secrets.randbelow(10**6))
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--families", nargs="*", default=list(FAMILIES))
    asked = parser.parse_args()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    print(f"seed {asked.seed}: repeat with make test-parity SEED={asked.seed} ROUNDS={asked.rounds}", flush=True)
    agree = True
    for seed in range(asked.seed, asked.seed + asked.rounds):
        with tempfile.TemporaryDirectory() as folder:
            agree &= compare(write_models(Path(folder), asked.families, seed), asked.engine)
    return 0 if agree else 1


if __name__ == "__main__":
    sys.exit(main())
