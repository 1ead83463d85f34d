"""Checks that this machine scores the bundled sample as transformers does."""

import dataclasses
import hashlib
import math
from pathlib import Path

import jax
import numpy as np

from byheart.components.extract.devices import Surroundings
from byheart.components.extract.rounding import ALLOWED, PROMISE, measure_shift, measure_shift_by_band
from byheart.components.extract.trial import Trial, find_own_accelerator, score_windows
from byheart.contracts.errors import DeviceError, ModelError
from byheart.contracts.progress import read_by_people
from byheart.contracts.setting_groups import AUTO, ScoreSettings
from byheart.machines.accelerators import Accelerator
from byheart.models.folder import ModelFolder, open_model
from byheart.models.weights import WEIGHTS

SAMPLES = Path(__file__).parents[1] / "samples"
REFERENCE = "reference.npz"
FULL = "float32"
FLOOR, HALF = 0.001, 0.5
"""The thresholds of the headline."""


def check_sample(score: ScoreSettings, samples: Path = SAMPLES) -> None:
    """Score windows of the sample on this machine, and print how far they are from what transformers has computed.

    Args:
        score: `precision=auto` checks float32, and also the precision of a run on this machine if it is another.
        samples: the folder with the model and the reference.

    Raises:
        DeviceError: the machine computes other numbers.
        ModelError: the sample is not as it was published.
    """
    token_ids, exact = _read_reference(samples)
    accelerator = find_own_accelerator()
    print(describe_machine(accelerator))
    model, wrong = open_model(samples / "model"), []
    for precision in _choose_precisions(score.precision, accelerator):
        trial = score_in_precision(model, token_ids, accelerator, score, precision, exact.shape[1])
        print(
            f"{precision}: {len(token_ids):,} windows of the sample, {trial.windows_per_second:,.0f} windows/s "
            f"({trial.description}, batches of {trial.batch_size:,})"
        )
        if refusal := _judge(trial, exact):
            wrong.append(refusal)
    if wrong:
        raise DeviceError(
            f"this machine must score the sample as transformers does, found otherwise in {' and '.join(wrong)}: use "
            "none of its scores, bring JAX to the version of requirements.txt and the driver up to date, or choose "
            "another machine"
        )
    print("right: this machine scores as transformers does")


def _read_reference(samples: Path) -> tuple[np.ndarray, np.ndarray]:
    """Model input, int32 [W, T], and the log-probabilities of its last tokens by transformers, float32 [W, S].

    Raises:
        ModelError: the recorded numbers are of another model than the sample's.
    """
    with np.load(samples / REFERENCE) as held:
        expected, token_ids, log_probs = str(held["weights_sha256"]), held["token_ids"], held["token_log_probs"]
    weights = samples / "model" / WEIGHTS
    digest = hashlib.sha256(weights.read_bytes()).hexdigest()
    if digest != expected:
        raise ModelError(
            f"{weights} must have the SHA-256 {expected[:12]}..., as recorded in {REFERENCE}, found {digest[:12]}...: "
            "install byheart anew"
        )
    return token_ids, log_probs


def describe_machine(accelerator: Accelerator) -> str:
    """A line on JAX and its devices; with the surroundings if the machine has a chip, used or not."""
    devices, seen = jax.devices(), Surroundings.look()
    summary = f"JAX {jax.__version__}, {len(devices)} {devices[0].device_kind}, planned as {accelerator.name}"
    return f"{summary}; {seen.description}" if accelerator.generation.resource or seen.chips else summary


def _choose_precisions(asked: str, accelerator: Accelerator) -> list[str]:
    if asked != AUTO:
        return [asked]
    return [FULL, "bfloat16"] if accelerator.generation.resource else [FULL]


def score_in_precision(
    model: ModelFolder,
    token_ids: np.ndarray,
    accelerator: Accelerator,
    score: ScoreSettings,
    precision: str,
    scored_tokens: int,
) -> Trial:
    """Score windows, int32 [W, T], in a precision; the engine's messages are printed as on a terminal."""
    settings = dataclasses.replace(score, precision=precision)
    with read_by_people():
        return score_windows(model, token_ids, accelerator, settings, scored_tokens=scored_tokens)


def _judge(trial: Trial, exact: np.ndarray) -> str:
    """Print how far a trial is from the reference, [W, S]; returns what is wrong, or an empty text."""
    log_p_z = exact.sum(axis=-1, dtype=np.float64)
    token = float(np.abs(trial.token_log_probs - exact).max())
    window = measure_shift(log_p_z, trial.log_p_z)
    print(f"  largest difference: {token:.1g} nats a token, {window.largest:.1g} a window (median {window.median:.1g})")
    for threshold in (FLOOR, HALF):
        print(
            f"  p_z ≥ {threshold}: {format_share(trial.log_p_z, threshold)} of windows, "
            f"{format_share(log_p_z, threshold)} expected"
        )
    if trial.precision == FULL:
        return "" if token <= PROMISE else f"{FULL}, {token:.1g} nats a token where {PROMISE:.0e} is promised"
    for (low, high), band in measure_shift_by_band(log_p_z, trial.log_p_z):
        allowed = ALLOWED[trial.precision][low]
        print(f"  p_z from {low} to {high}: at most {band.largest:.1g} nats a window, {allowed:g} allowed")
        if not band.largest <= allowed:
            return (
                f"{trial.precision}, {band.largest:.1g} nats a window where p_z is {low} to {high}, above {allowed:g}"
            )
    return ""


def format_share(log_p_z: np.ndarray, threshold: float) -> str:
    """The share of windows whose p_z reaches the threshold, as a percentage."""
    return f"{(log_p_z >= math.log(threshold)).mean():.1%}"
