"""The forms for a CPU, held against float64 NumPy and against the plain form."""

from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from byheart.components.extract import checkpoint, decoder
from byheart.components.extract.cpu.head import COLUMNS, score_rows
from byheart.components.extract.cpu.scorer import compile_scorer, make_batch_scorer, share
from byheart.components.extract.cpu.weights import describe_divided, divide_layers
from byheart.components.extract.decoder import Params
from byheart.components.extract.head import ScoredTokens
from byheart.components.extract.scoring import make_scorer
from byheart.components.extract.sharding import use_one_device
from byheart.components.extract.token_scores import TokenScores
from byheart.contracts.logits import KeptLogits
from byheart.models.folder import open_model
from tests.extract.test_decoder import FEW, GOLDENS, HASTY, NEAR_TIE, golden
from tests.extract.test_token_scores import expected_scores

pytestmark = pytest.mark.slow

UNTIED = open_model(GOLDENS["gqa_untied"]).decoder
CHUNKED = 4 * COLUMNS
"""The least vocabulary that is read in chunks."""


def score_logits(logits: np.ndarray, targets: np.ndarray, *, temperature: float, top_k: int) -> TokenScores:
    """The scores under these logits [R, V], as products, which are exact, of the unit matrix with a head."""
    wanted = ScoredTokens(scored_tokens=len(logits), temperature=temperature, top_k=top_k)
    score = jax.jit(lambda head, hidden, targets: score_rows({"head": head}, UNTIED, hidden, targets, wanted))
    return score(logits.T.copy(), np.eye(len(logits), dtype=np.float32), targets)


@pytest.mark.parametrize("temperature", [1.0, 0.6])
@pytest.mark.parametrize("top_k", [0, 1, 40, 3000])
@pytest.mark.parametrize("vocabulary", [203, 1024, CHUNKED, CHUNKED + 1, 6 * COLUMNS - 1])
def test_head_in_columns_agrees_with_float64_numpy(vocabulary: int, top_k: int, temperature: float) -> None:
    random = np.random.default_rng(vocabulary + top_k)
    logits = random.normal(0, 3, (40, vocabulary)).astype(np.float32)
    logits[10:20] = np.round(logits[10:20])  # ties of the k-th, and of groups' maxima
    logits[20:22] = np.arange(vocabulary) / 1000  # the largest all in the last groups
    logits[22:24] = np.arange(vocabulary)[::-1] / 1000
    logits[24:26] -= 500.0
    targets = random.integers(vocabulary, size=40)
    targets[:5], targets[5:10] = logits[:5].argmax(axis=-1), vocabulary - 1
    found = score_logits(logits, targets, temperature=temperature, top_k=top_k)
    expected = expected_scores(logits, targets, temperature, top_k)
    for name in ("rank", "top_id"):
        np.testing.assert_array_equal(getattr(found, name), expected.pop(name), err_msg=name)
    for name, values in expected.items():
        np.testing.assert_allclose(getattr(found, name), values, rtol=1e-6, atol=1e-4, err_msg=name)


@pytest.mark.parametrize("vocabulary", [1024, CHUNKED + 77])
def test_tokens_with_one_embedding_have_one_rank(vocabulary: int) -> None:
    random = np.random.default_rng(0)
    head = random.normal(size=(vocabulary, 24)).astype(np.float32)
    copies = random.permutation(vocabulary)[:64]
    head[copies] = head[copies[0]]
    hidden = np.tile(random.normal(size=(1, 24)).astype(np.float32), (64, 1))
    wanted = ScoredTokens(scored_tokens=64, temperature=1.0, top_k=40)
    score = jax.jit(lambda head, hidden, targets: score_rows({"head": head}, UNTIED, hidden, targets, wanted))
    assert len(set(np.asarray(score(head, hidden, copies).rank))) == 1


def score_both(folder: Path, token_ids: np.ndarray, *scored: np.ndarray, **wanted: Any) -> list[TokenScores]:
    """The scores on three cores, and those of the plain form."""
    model, sharding = open_model(folder), use_one_device()
    params = checkpoint.load(model, jnp.float32, sharding)
    plain = make_scorer(model.decoder, model.describe_parameters(), sharding, **wanted)
    shares = share(len(token_ids), 3)
    divided = divide_layers({**params, "layers": dict(params["layers"])}, model.decoder)
    shapes = describe_divided(checkpoint.describe(model, jnp.float32, sharding), model.decoder)
    program = compile_scorer(shapes, model.decoder, ScoredTokens(**wanted), shares, token_ids.shape[1])
    score = make_batch_scorer(program, divided, shares)
    return [score(token_ids, *scored), plain(params, token_ids, *scored)]


@pytest.mark.parametrize("name", FEW)
def test_cores_score_as_one_device_does(name: str) -> None:
    token_ids = golden(name).token_ids
    token_ids = np.concatenate([token_ids, token_ids[::-1]])[:4]  # no multiple of the cores
    found, expected = score_both(
        GOLDENS[name], token_ids, scored_tokens=token_ids.shape[1] - 3, temperature=0.7, top_k=5
    )
    for field in ("log_prob", "log_top_k_mass", "tempered_log_prob"):
        np.testing.assert_allclose(getattr(found, field), getattr(expected, field), atol=3e-5, err_msg=field)
    np.testing.assert_array_equal(found.top_id, expected.top_id)
    logits = keep_all_logits(GOLDENS[name], token_ids)[:, 2:]
    targets = np.take_along_axis(logits, token_ids[:, 3:, None], axis=-1)
    least, most = ((logits > targets + slack).sum(axis=-1) for slack in (NEAR_TIE, -NEAR_TIE))
    assert ((least <= found.rank) & (found.rank <= most)).all()


def keep_all_logits(folder: Path, token_ids: np.ndarray) -> np.ndarray:
    model, sharding = open_model(folder), use_one_device()

    def forward(params: Params, token_ids: jax.Array) -> jax.Array:
        hidden = decoder.compute_hidden_states(params, model.decoder, token_ids)
        return decoder.compute_logits(params, model.decoder, hidden)

    params = checkpoint.load(model, jnp.float32, sharding)
    return np.asarray(jax.jit(forward, compiler_options=HASTY)(params, token_ids[:, :-1]))


def test_cores_score_padded_windows() -> None:
    token_ids = golden("sample").token_ids[:2]
    scored = np.array([[5, 7], [12, 3]], np.int32)
    wanted = {"scored_tokens": 8, "temperature": 1.0, "top_k": 5, "is_padded": True}
    found, expected = score_both(GOLDENS["sample"], token_ids, scored, **wanted)
    np.testing.assert_allclose(found.log_prob, expected.log_prob, atol=1e-5)
    assert (np.asarray(found.log_prob) == 0).sum() == 16 - 10


def test_cores_keep_logits() -> None:
    kept = KeptLogits(name="top9", values=9, dtype="float32", has_ids=True, positions=11)
    wanted = {"scored_tokens": 8, "temperature": 1.0, "top_k": 5, "kept": kept}
    found, expected = score_both(GOLDENS["sample"], golden("sample").token_ids[:2], **wanted)
    np.testing.assert_allclose(found.log_prob, expected.log_prob, atol=1e-5)
    np.testing.assert_allclose(found.logits["values"], expected.logits["values"], atol=1e-4)
    np.testing.assert_array_equal(found.logits["ids"], expected.logits["ids"])
