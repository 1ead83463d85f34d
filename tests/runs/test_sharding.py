"""Eight devices give what one gives, whatever lies where."""

import os
import subprocess
import sys

import numpy as np
import pytest

from tests.conftest import ROOT
from tests.runs.layouts import LAYOUTS

GOLDENS = ROOT / "tests" / "extract" / "goldens"
CHECKPOINTS = [
    "gqa_untied", "phi3_short_factors_old", "mixtral_old", "gpt2_tied_unscaled", "falcon_grouped_two_norms_new",
]  # fmt: skip
"""A dense family, one with fused tensors, a routed one, one with transposed tensors and positions that are learned, and
one with heads in groups.
"""
ONE, *OTHERS = [f"{data}x{model}{'g' * gather}" for data, model, gather in LAYOUTS]


@pytest.fixture(scope="module")
def scored(tmp_path_factory: pytest.TempPathFactory) -> dict[str, np.ndarray]:
    out = tmp_path_factory.mktemp("layouts") / "scores.npz"
    command = [sys.executable, "-m", "tests.runs.layouts", str(out), *(str(GOLDENS / name) for name in CHECKPOINTS)]
    eight = {**os.environ, "XLA_FLAGS": "--xla_force_host_platform_device_count=8"}
    subprocess.run(command, check=True, cwd=ROOT, capture_output=True, env=eight)
    with np.load(out) as held:
        return dict(held)


@pytest.mark.timeout(600)
@pytest.mark.parametrize("layout", OTHERS)
@pytest.mark.parametrize("name", CHECKPOINTS)
def test_layout_agrees_with_one_device(scored: dict[str, np.ndarray], name: str, layout: str) -> None:
    """To 1e-5 nats, or 1e-5 of the value where that is more."""
    for field in ("log_prob", "log_top_k_mass"):
        one, other = scored[f"{name}/{ONE}/{field}"], scored[f"{name}/{layout}/{field}"]
        np.testing.assert_allclose(other, one, rtol=1e-5, atol=1e-5)
    moved = np.abs(scored[f"{name}/{layout}/rank"] - scored[f"{name}/{ONE}/rank"])
    assert moved.max() <= 1, "two logits that nearly tie may change places"
    assert moved.mean() < 1e-2
