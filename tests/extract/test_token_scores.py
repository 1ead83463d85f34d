"""The numbers of a token and of a window, held against sorts and float64 NumPy."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from byheart.components.extract.largest import find_kth_largest, find_largest
from byheart.components.extract.token_scores import TokenScores, compute_window_scores, score_tokens

pytestmark = pytest.mark.slow

ROWS, COLUMNS = 3, 17
HUGE, TINY = float(np.finfo(np.float32).max), float(np.finfo(np.float32).smallest_subnormal)
ANY_FLOAT = st.floats(width=32, allow_nan=False, allow_infinity=False, allow_subnormal=True)
TYING = st.sampled_from([0.0, -0.0, 1.0, -1.0, 2.5, TINY, -TINY, 1e-40, HUGE, -HUGE])

# As the scorer runs it. Outside of jit, XLA on a CPU would flush subnormal numbers to zero.
compiled_kth_largest = jax.jit(find_kth_largest, static_argnums=1)
compiled_score_tokens = jax.jit(score_tokens, static_argnames=("temperature", "top_k"))


def sorted_kth_largest(values: np.ndarray, k: int) -> np.ndarray:
    return np.sort(values, axis=-1)[..., -k]


@settings(deadline=None)
@given(
    values=st.sampled_from([ANY_FLOAT, TYING]).flatmap(lambda each: arrays(np.float32, (ROWS, COLUMNS), elements=each)),
    k=st.integers(1, COLUMNS),
)
def test_kth_largest_is_what_a_sort_finds(values: np.ndarray, k: int) -> None:
    np.testing.assert_array_equal(compiled_kth_largest(values, k), sorted_kth_largest(values, k))


@pytest.mark.parametrize("k", [1, 2, 40, 5000, 31999, 32000])
def test_kth_largest_is_what_a_sort_finds_in_a_vocabulary(k: int) -> None:
    values = np.random.default_rng(k).normal(0, 5, (4, 32000)).astype(np.float32)
    values[1] = np.round(values[1])  # many ties
    np.testing.assert_array_equal(compiled_kth_largest(values, k), sorted_kth_largest(values, k))


@pytest.mark.parametrize("columns", [128, 1000, 1280, 5000])
@pytest.mark.parametrize("k", [1, 2, 5])
def test_kth_largest_is_what_a_sort_finds_among_ties(k: int, columns: int) -> None:
    random = np.random.default_rng(columns + k)
    values = random.choice(np.array([0.0, -0.0, 1.0, -1.0, 2.5, 3.5, HUGE, -HUGE], np.float32), (30, columns))
    values[10:] = np.where(random.random((20, columns)) < 0.001, values[10:], np.float32(-HUGE))
    values[20:, : columns // 2] = -np.inf
    np.testing.assert_array_equal(compiled_kth_largest(values, k), sorted_kth_largest(values, k))


@pytest.mark.parametrize("columns", [17, 128, 1000, 32000])
@pytest.mark.parametrize("count", [1, 5, 17])
def test_largest_are_what_a_stable_sort_finds(columns: int, count: int) -> None:
    random = np.random.default_rng(columns + count)
    values = random.normal(0, 5, (12, columns)).astype(np.float32)
    values[4:8] = np.round(values[4:8])  # many ties, of which the lowest ids are taken
    values[8:, 3:] = -np.inf
    found, ids = jax.jit(find_largest, static_argnums=1)(values, count)
    expected = np.argsort(-values, axis=-1, kind="stable")[:, :count]
    np.testing.assert_array_equal(ids, expected)
    np.testing.assert_array_equal(found, np.take_along_axis(values, expected, axis=-1))


def expected_scores(logits: np.ndarray, targets: np.ndarray, temperature: float, top_k: int) -> dict[str, np.ndarray]:
    """The scores in float64, one token after the other."""
    rows = []
    for row, target in zip(logits.astype(np.float64), targets, strict=True):
        tempered = row / temperature
        log_total = tempered.max() + np.log(np.exp(tempered - tempered.max()).sum())
        kth = np.sort(row)[::-1][top_k - 1] if 0 < top_k < len(row) else -np.inf
        kept = tempered[row >= kth]
        rows.append(
            {
                "log_prob": row[target] - row.max() - np.log(np.exp(row - row.max()).sum()),
                "rank": sum(other > row[target] for other in row),
                "top_id": max(range(len(row)), key=lambda token: (row[token], -token)),
                "log_top_k_mass": kept.max() + np.log(np.exp(kept - kept.max()).sum()) - log_total,
                "tempered_log_prob": tempered[target] - log_total,
            }
        )
    return {name: np.array([row[name] for row in rows]) for name in rows[0]}


@pytest.mark.parametrize("temperature", [1.0, 0.6])
@pytest.mark.parametrize("top_k", [0, 1, 40, 199, 200, 1000])
def test_token_scores_agree_with_float64_numpy(temperature: float, top_k: int) -> None:
    random = np.random.default_rng(top_k)
    logits = random.normal(0, 3, (30, 200)).astype(np.float32)
    logits[10:20] = np.round(logits[10:20])  # ties at the k-th, which are kept
    targets = random.integers(200, size=30)
    targets[:5] = logits[:5].argmax(axis=-1)
    found = compiled_score_tokens(logits, targets, temperature=temperature, top_k=top_k)
    expected = expected_scores(logits, targets, temperature, top_k)
    for name in ("rank", "top_id"):
        np.testing.assert_array_equal(getattr(found, name), expected.pop(name))
    for name, values in expected.items():
        np.testing.assert_allclose(getattr(found, name), values, rtol=1e-6, atol=2e-6, err_msg=name)


def test_ties_at_the_kth_are_all_in_the_top_k_mass() -> None:
    logits = jnp.log(jnp.array([[0.4, 0.2, 0.2, 0.1, 0.1]]))
    scores = compiled_score_tokens(logits, jnp.array([2]), temperature=1.0, top_k=2)
    assert float(scores.log_top_k_mass[0]) == pytest.approx(np.log(0.8), abs=1e-6)
    assert int(scores.rank[0]) == 1


def test_negative_zero_ties_with_zero() -> None:
    logits = jnp.array([[-0.0, 0.0, -1.0]])
    scores = compiled_score_tokens(logits, jnp.array([0]), temperature=1.0, top_k=1)
    assert int(scores.rank[0]) == 0
    assert float(scores.log_top_k_mass[0]) == pytest.approx(np.log(2 / (2 + np.exp(-1))), abs=1e-6)


def test_token_that_is_preferred_is_the_first_of_equals() -> None:
    logits = jnp.array([[1.0, 3.0, 3.0], [2.0, 1.0, -jnp.inf], [-0.0, 0.0, -1.0]])
    scores = compiled_score_tokens(logits, jnp.array([0, 0, 0]), temperature=0.5, top_k=1)
    assert scores.top_id.dtype == jnp.int32
    np.testing.assert_array_equal(scores.top_id, [1, 0, 0])


def test_probability_too_small_for_a_float_keeps_its_logarithm() -> None:
    logits = np.zeros((2, 1000), np.float32)
    logits[:, 3], logits[1, 5] = 500.0, -250.5
    found = compiled_score_tokens(logits, jnp.array([7, 5]), temperature=1.0, top_k=40)
    np.testing.assert_allclose(found.log_prob, [-500.0, -750.5], rtol=1e-7)
    np.testing.assert_array_equal(found.rank, [1, 999])
    assert float(np.asarray(found.log_top_k_mass).max()) == 0.0


def tokens_from(logits: np.ndarray, targets: np.ndarray, *, temperature: float, top_k: int) -> TokenScores:
    """The scores of windows [W, S], from logits [W, S, V]."""
    vocabulary = logits.shape[-1]
    tokens = compiled_score_tokens(
        logits.reshape(-1, vocabulary), targets.reshape(-1), temperature=temperature, top_k=top_k
    )
    return jax.tree.map(lambda values: values.reshape(targets.shape), tokens)


def test_scores_of_a_window_worked_by_hand() -> None:
    logits = np.log(np.array([[[0.5, 0.25, 0.125, 0.125]] * 2] * 3, np.float32))
    targets = np.array([[0, 1], [0, 0], [1, 2]])
    scores = compute_window_scores(tokens_from(logits, targets, temperature=1.0, top_k=2), top_k=2)
    np.testing.assert_allclose(scores.log_p_z, np.log([1 / 8, 1 / 4, 1 / 32]), atol=1e-6)
    np.testing.assert_allclose(scores.log_p_z_top_k, [np.log(2 / 9), np.log(4 / 9), -np.inf], atol=1e-6)
    np.testing.assert_array_equal(scores.greedy, [False, True, False])
    np.testing.assert_array_equal(scores.token_ranks, [[0, 1], [0, 0], [1, 2]])
    np.testing.assert_array_equal(scores.top_token_ids, np.zeros((3, 2)))
    np.testing.assert_allclose(scores.token_log_top_k_mass, np.full((3, 2), np.log(0.75)), atol=1e-6)


@pytest.mark.parametrize("temperature", [1.0, 0.6])
@pytest.mark.parametrize("top_k", [0, 3, 20])
def test_scores_of_windows_follow_from_those_of_their_tokens(temperature: float, top_k: int) -> None:
    random = np.random.default_rng(0)
    logits = random.normal(0, 3, (300, 4, 20)).astype(np.float32)
    targets = np.argsort(-logits, axis=-1)[..., 0]  # the likeliest, but for some of the windows' third token
    targets[100:, 2] = random.integers(20, size=200)
    tokens = tokens_from(logits, targets, temperature=temperature, top_k=top_k)
    scores = compute_window_scores(tokens, top_k=top_k)

    assert scores.log_p_z.dtype == scores.log_p_z_top_k.dtype == np.float64
    log_probs = np.asarray(tokens.log_prob)
    for window in range(300):
        assert scores.log_p_z[window] == pytest.approx(sum(map(float, log_probs[window])), rel=1e-15)
        ranks = [(row > row[target]).sum() for row, target in zip(logits[window], targets[window], strict=True)]
        assert scores.greedy[window] == all(rank == 0 for rank in ranks)
        assert np.isneginf(scores.log_p_z_top_k[window]) == (top_k > 0 and any(rank >= top_k for rank in ranks))
    inside = np.isfinite(scores.log_p_z_top_k)
    assert inside.sum() >= 100
    if temperature == 1.0:
        assert (scores.log_p_z_top_k[inside] >= scores.log_p_z[inside]).all()
        if top_k in (0, 20):
            np.testing.assert_array_equal(scores.log_p_z_top_k, scores.log_p_z)
    assert (scores.log_p_z <= 0).all()
    assert (scores.log_p_z_top_k <= 0).all()


@pytest.mark.parametrize(("temperature", "top_k"), [(1.0, 3), (0.6, 3), (0.6, 0)])
def test_log_p_z_under_a_decoding_scheme_renormalises_what_is_kept(temperature: float, top_k: int) -> None:
    random = np.random.default_rng(1)
    logits = random.normal(0, 2, (50, 3, 20)).astype(np.float32)
    targets = np.argsort(-logits, axis=-1)[..., 1]  # the second likeliest: inside the top 3
    scores = compute_window_scores(tokens_from(logits, targets, temperature=temperature, top_k=top_k), top_k=top_k)
    for window in range(50):
        expected = 0.0
        for row, target in zip(logits[window].astype(np.float64) / temperature, targets[window], strict=True):
            kept = np.sort(row)[-top_k:] if top_k else row
            expected += np.log(np.exp(row[target]) / np.exp(kept).sum())
        assert scores.log_p_z_top_k[window] == pytest.approx(expected, abs=1e-5)


def test_sum_of_a_window_is_made_in_float64() -> None:
    log_probs = np.full((1, 2**12), -0.1, np.float32)
    log_probs[0, 0] = -(2.0**24)
    zeros = np.zeros_like(log_probs)
    tokens = TokenScores(
        log_prob=jnp.asarray(log_probs),
        rank=jnp.zeros(log_probs.shape, jnp.int32),
        top_id=jnp.zeros(log_probs.shape, jnp.int32),
        log_top_k_mass=jnp.asarray(zeros),
        tempered_log_prob=jnp.asarray(log_probs),
    )
    expected = -(2.0**24) - 4095 * float(np.float32(0.1))
    assert compute_window_scores(tokens, top_k=0).log_p_z[0] == pytest.approx(expected, rel=1e-12)
