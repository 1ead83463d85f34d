"""Eight devices give what one gives, whatever lies where."""

import os
import subprocess
import sys

import numpy as np
import pytest

from tests.conftest import ROOT
from tests.runs.layouts import LAYOUTS

GOLDENS = ROOT / "tests" / "extract" / "goldens"
ADAPTERS = ROOT / "tests" / "extract" / "adapters"
NIGHTLY = pytest.mark.nightly
CHECKPOINTS = [
    pytest.param("gqa_untied", id="dense"),
    pytest.param("phi3_short_factors_old", id="fused tensors"),
    pytest.param("mixtral_old", id="routed"),
    pytest.param("linear_biases_float16_sharded llama_dora_biases_sharded", id="with an adapter"),
    pytest.param("gpt2_scaled_by_layer gpt2_transposed", id="with a transposed adapter", marks=NIGHTLY),
    pytest.param("gpt2_tied_unscaled", id="transposed tensors, learned positions", marks=NIGHTLY),
    pytest.param("falcon_grouped_two_norms_new", id="heads in groups", marks=NIGHTLY),
    pytest.param("deepseek_v3_yarn_old", id="latent and routed", marks=NIGHTLY),
    pytest.param("qwen3_next_old", id="linear and routed", marks=NIGHTLY),
]
"""A checkpoint, and the adapter that is merged into it, if there is one."""
ONE, *OTHERS = [f"{data}x{model}{'g' * gather}" for data, model, gather in LAYOUTS]


@pytest.fixture(scope="module", params=CHECKPOINTS)
def scored(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> dict[str, np.ndarray]:
    """What a checkpoint's windows score under each layout."""
    out = tmp_path_factory.mktemp("layouts") / "scores.npz"
    base, *adapters = request.param.split()
    folders = [str(GOLDENS / base), *(str(ADAPTERS / adapter) for adapter in adapters)]
    command = [sys.executable, "-m", "tests.runs.layouts", str(out), *folders]
    eight = {**os.environ, "XLA_FLAGS": "--xla_force_host_platform_device_count=8"}
    subprocess.run(command, check=True, cwd=ROOT, capture_output=True, env=eight)
    with np.load(out) as held:
        return dict(held)


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("layout", OTHERS)
def test_layout_agrees_with_one_device(scored: dict[str, np.ndarray], layout: str) -> None:
    """To 1e-5 nats, or 1e-5 of the value where that is more."""
    for field in ("log_prob", "log_top_k_mass", "padded_log_prob"):
        one, other = scored[f"{ONE}/{field}"], scored[f"{layout}/{field}"]
        np.testing.assert_allclose(other, one, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(scored[f"{layout}/held_log_prob"], scored[f"{layout}/log_prob"], rtol=1e-6, atol=1e-6)
    moved = np.abs(scored[f"{layout}/rank"] - scored[f"{ONE}/rank"])
    assert moved.max() <= 1, "two logits that nearly tie may change places"
    assert moved.mean() < 1e-2
