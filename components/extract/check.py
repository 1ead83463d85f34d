"""Checks whether this machine can score: its devices, what this process may do with them, and one window, scored.

    python -m byheart.components.extract.check --accelerator v6e-2x4

ends with a non-zero exit where JAX does not find that accelerator, or the window's score is not the known one. The
model is a small one of random weights, laid out, loaded and compiled by the code that scores every model. k8s/tpu-check
runs it on a cluster.
"""

import argparse
import json
import math
import tempfile
import time
from pathlib import Path

import jax
import numpy as np

from byheart.components.extract.devices import Surroundings, find_devices
from byheart.components.extract.engine import Engine, Machine
from byheart.components.extract.token_scores import compute_window_scores
from byheart.contracts.errors import DeviceError
from byheart.contracts.progress import format_duration, say, stage
from byheart.contracts.setting_groups import ScoreSettings
from byheart.machines.accelerators import find_accelerator
from byheart.machines.layout import Layout
from byheart.models.folder import CONFIG, open_model
from byheart.models.weights import WEIGHTS

_EMBED, _FFN, _LAYERS, _VOCAB = 256, 512, 2, 1024
LOG_P_Z = -361.281
"""The score of `window()` under the check's model, computed in float64 by a second implementation."""
_TOLERANCE = 0.05
"""Nats over 50 tokens; a CPU's float32 is within 0.0005."""
_PROMPT, _SCORED = 50, 50
_SCORE = ScoreSettings(temperature=1.0, top_k=40, precision="float32")


def check(accelerator: str) -> None:
    """Print which devices there are, and score a window on them.

    Args:
        accelerator: a slice, such as v6e-2x4.

    Raises:
        DeviceError: it is not there, or computes another score.
        SettingsError: there is no such slice.
    """
    wanted = find_accelerator(accelerator)
    say(f"JAX {jax.__version__}; {Surroundings.look().description}")
    devices = find_devices(wanted)
    say(f"{accelerator} is there: {len(devices)} of {devices[0].device_kind}, platform {devices[0].platform}")
    with tempfile.TemporaryDirectory() as folder:
        write_model(Path(folder))
        batch_size = len(devices) * wanted.generation.windows_per_device
        layout = Layout(data=len(devices), model=1, gather=False, batch_size=batch_size)
        machine = Machine(devices=devices)
        engine = Engine.lay_out(open_model(folder), machine, _SCORE, layout, positions=99, scored_tokens=_SCORED)
        windows = np.tile(window(), (engine.layout.batch_size, 1))
        started = time.monotonic()
        score = engine.load().score
        log_p_z = compute_window_scores(jax.block_until_ready(score(windows)), top_k=_SCORE.top_k).log_p_z
        compiled = time.monotonic()
        jax.block_until_ready(score(windows))
    again = time.monotonic() - compiled
    worst = max(log_p_z, key=lambda score: abs(score - LOG_P_Z))
    if not math.isfinite(worst) or abs(worst - LOG_P_Z) > _TOLERANCE:
        raise DeviceError(
            f"a window must have log p_z = {LOG_P_Z} under the check's model, found {worst:.3f} on "
            f"{devices[0].device_kind}: it computes wrongly, choose another node, and keep this line"
        )
    say(
        f"one window scored: log p_z = {log_p_z[0]:.3f}, as expected; {format_duration(compiled - started)} with "
        f"compilation, {format_duration(again)} again, for a batch of {len(windows):,}"
    )


def window() -> np.ndarray:
    """The tokens of the window, prompt and suffix, int32 [T]."""
    return (np.arange(_PROMPT + _SCORED, dtype=np.int32) * 37 + 11) % _VOCAB


def write_model(folder: Path) -> None:
    """Write the model: the same weights wherever it is called."""
    config = {
        "model_type": "llama",
        "hidden_size": _EMBED,
        "intermediate_size": _FFN,
        "num_hidden_layers": _LAYERS,
        "num_attention_heads": 4,
        "vocab_size": _VOCAB,
        "max_position_embeddings": 128,
        "tie_word_embeddings": True,
    }
    (folder / CONFIG).write_text(json.dumps(config), encoding="utf-8")
    shapes: dict[str, tuple[int, ...]] = {"model.embed_tokens": (_VOCAB, _EMBED), "model.norm": (_EMBED,)}
    for layer in range(_LAYERS):
        name = f"model.layers.{layer}."
        shapes |= {f"{name}self_attn.{part}_proj": (_EMBED, _EMBED) for part in "qkvo"}
        shapes |= {f"{name}mlp.{part}_proj": (_FFN, _EMBED) for part in ("gate", "up")}
        shapes |= {f"{name}mlp.down_proj": (_EMBED, _FFN)}
        shapes |= {f"{name}{norm}_layernorm": (_EMBED,) for norm in ("input", "post_attention")}
    random = np.random.default_rng(1)
    header: dict[str, object] = {}
    data = b""
    for name, shape in shapes.items():
        values = random.normal(1.0 if len(shape) == 1 else 0.0, 0.05, shape).astype("<f4").tobytes()
        offsets = [len(data), len(data) + len(values)]
        header[f"{name}.weight"] = {"dtype": "F32", "shape": shape, "data_offsets": offsets}
        data += values
    text = json.dumps(header).encode()
    (folder / WEIGHTS).write_bytes(len(text).to_bytes(8, "little") + text + data)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        prog="python -m byheart.components.extract.check", description=__doc__.splitlines()[0]
    )
    parser.add_argument("--accelerator", required=True, help="generation and topology, such as v6e-2x4; or gpu-1, cpu")
    chosen = parser.parse_args()
    with stage("check"):
        check(chosen.accelerator)
