"""Adapters, merged while they are loaded, held against peft and transformers (the goldens)."""

import json
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from byheart.components.extract import checkpoint
from byheart.components.extract.decoder import Params
from byheart.components.extract.sharding import use_one_device
from byheart.models.adapted import open_whole_model
from byheart.models.folder import ModelFolder
from byheart.verification.scorers import NUMPY, find_scorer
from tests.extract.test_decoder import GOLDENS, TOLERANCE, largest, scored

HERE = Path(__file__).parent / "adapters"
ADAPTERS = {path.parent.name: path.parent for path in sorted(HERE.glob("*/golden.npz"))}
every_adapter = pytest.mark.parametrize("name", ADAPTERS)


def find_base(name: str) -> Path:
    return GOLDENS[json.loads((ADAPTERS[name] / "adapter_config.json").read_text())["base_model_name_or_path"]]


def opened(name: str) -> ModelFolder:
    model = open_whole_model(find_base(name), str(ADAPTERS[name]))
    model.check_tensors()
    return model


def loaded(name: str, dtype: str = "float32") -> tuple[ModelFolder, Params]:
    model = opened(name)
    return model, checkpoint.load(model, jnp.dtype(dtype), use_one_device())


@pytest.mark.slow
@every_adapter
def test_token_log_probs_agree_with_peft(name: str) -> None:
    with np.load(ADAPTERS[name] / "golden.npz") as golden:
        found = scored(loaded(name), golden["token_ids"])
        assert largest(found.log_prob - golden["log_probs"]) < TOLERANCE
        assert (found.rank == golden["ranks"]).mean() > 0.99


@every_adapter
def test_second_implementation_agrees_with_peft(name: str) -> None:
    scorer = find_scorer(str(find_base(name)), NUMPY, adapter=str(ADAPTERS[name]))
    with np.load(ADAPTERS[name] / "golden.npz") as golden:
        ids, expected = golden["token_ids"], golden["log_probs"]
    top = np.zeros((len(ids), ids.shape[1] - 1), np.int64)
    found = scorer.score(ids, top, temperature=1.0, top_k=0, tolerance=0.0)
    assert largest(found.log_probs - expected) < TOLERANCE


@pytest.mark.parametrize("name", ["llama_ranks", "llama_dora_biases_sharded", "gpt2_transposed", "qwen3_fp8"])
def test_pieces_of_any_size_give_the_same_weights(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A piece has some rows of the base, and what those rows need of the adapter."""
    whole = loaded(name)[1]
    monkeypatch.setattr(checkpoint, "PIECE_BYTES", 500)
    jax.tree.map(
        lambda one, other: np.testing.assert_allclose(one, other, rtol=1e-6, atol=1e-7), loaded(name)[1], whole
    )
