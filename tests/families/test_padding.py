"""Windows of different numbers of tokens, padded to one shape: each gets the scores that it has alone."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tests.extract.test_decoder import GOLDENS, HASTY, TOLERANCE, compiled, golden, largest, loaded

SCORED = 40
NAMES = {
    "gqa_untied": "full attention",
    "mistral_sliding_new": "sliding windows",
    "llama4_text_old": "attention in chunks, experts",
    "qwen3_next_old": "linear attention, experts",
    "gpt2_tied_unscaled": "learned positions",
}


@pytest.mark.parametrize("name", NAMES, ids=NAMES.values())
def test_padded_windows_score_as_transformers_scores_them(name: str) -> None:
    """Each row keeps some tokens of the golden's; behind them other ids, which must not change anything before."""
    known, random = golden(name), np.random.default_rng(0)
    windows, tokens = known.token_ids.shape
    first = random.integers(1, tokens - SCORED, windows)
    count = np.concatenate([[1, SCORED], random.integers(1, SCORED + 1, max(windows - 2, 0))])[:windows]
    model, params = loaded(GOLDENS[name])
    ids = np.where(
        np.arange(tokens) < (first + count)[:, None],
        known.token_ids,
        random.integers(0, model.decoder.vocab, known.token_ids.shape),
    )
    score = compiled(GOLDENS[name], scored_tokens=SCORED, temperature=1.0, top_k=7, is_padded=True)
    arguments = params, jnp.asarray(ids, jnp.int32), jnp.asarray(np.stack([first, count], axis=1), jnp.int32)
    found = jax.tree.map(np.asarray, score.lower(*arguments).compile(HASTY)(*arguments))
    for row in range(windows):
        own = slice(first[row] - 1, first[row] - 1 + count[row])
        assert largest(found.log_prob[row, : count[row]] - known.log_probs[row, own]) < TOLERANCE
        assert (found.rank[row, : count[row]] == known.ranks[row, own]).mean() > 0.9
        for behind in vars(found).values():
            assert isinstance(behind, dict) or not behind[row, count[row] :].any()
