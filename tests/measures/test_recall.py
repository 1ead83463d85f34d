"""Recall in plain units, worked out by hand and by drawing from a toy model."""

import dataclasses
import itertools
import math

import numpy as np
import pytest

from byheart.contracts.windows import Windows
from byheart.measures.recall import LENGTH_THRESHOLDS, BestWindow, Recall, TokenRun, WindowRecall, find_best_window
from byheart.scores.scores import Scores
from tests.measures import toy

TEXT = "ab cd é😀f gh"
"""Of bytes, é has two and 😀 four."""


def make_windows(*spans: tuple[int, int, int]) -> Windows:
    """Windows of these starts, suffix starts and stops."""
    start, suffix_start, stop = np.array(spans, np.int64).T
    return dataclasses.replace(toy.make_windows(len(spans)), start=start, suffix_start=suffix_start, stop=stop)


def make_scores(probabilities: list[list[float]], ranks: list[list[int]], top_k: list[float]) -> Scores:
    token_log_probs = np.log(np.array(probabilities)).astype(np.float32)
    log_p_z = token_log_probs.sum(axis=1, dtype=np.float64)
    return dataclasses.replace(
        toy.make_scores(log_p_z, np.array(top_k)),
        token_log_probs=token_log_probs,
        token_ranks=np.array(ranks, np.int32),
    )


WINDOWS = make_windows((0, 3, 6), (3, 6, 9), (5, 8, 12))
"""Suffixes `cd `, `é😀f` and `f gh`. In the third, 😀 is split: its first bytes end the prompt and hold the character,
its last byte is the first suffix token, whose bits count."""
SCORES = make_scores(
    [[0.6, 0.5, 0.5], [0.9, 0.1, 0.8], [1.0, 0.002, 0.25]],
    [[0, 0, 0], [0, 2, 0], [0, 9, 1]],
    [-1.0, -np.inf, -2.0],
)


def test_recall_of_three_windows() -> None:
    recall = WindowRecall.from_scores(TEXT, WINDOWS, SCORES).compute()
    bits = math.log2(1 / 0.15) + math.log2(1 / 0.072) + math.log2(1 / 0.0005)
    assert recall
    assert recall.bits_per_character == pytest.approx(bits / (3 + 3 + 4))
    assert recall.bits_per_byte == pytest.approx(bits / (3 + 7 + 4))
    assert recall.corrections_per_1000_tokens == pytest.approx(3_000 / 9)
    assert recall.corrections_per_1000_characters == pytest.approx(3_000 / 10)
    runs = [0.6 + 0.3 + 0.15, 0.9 + 0.09 + 0.072, 1 + 0.002 + 0.0005]
    assert dataclasses.astuple(recall.expected_verbatim_run) == pytest.approx((np.mean(runs), runs[1], runs[1]))
    assert recall.greedy_run == TokenRun(mean=5 / 3, quantile_99=3, largest=3)
    assert recall.within_top_k_share == 2 / 3
    assert recall.length_curve == {0.5: [1, 0, 0], 0.1: [1, 1 / 3, 1 / 3], 0.001: [1, 1, 2 / 3]}


def test_windows_of_fewer_tokens_count_their_own() -> None:
    """The third window has a single suffix token, the first two; what stands behind them counts nowhere."""
    windows = dataclasses.replace(WINDOWS, suffix_tokens=np.array([2, 3, 1], np.int32))
    scores = make_scores(
        [[0.6, 0.5, 1.0], [0.9, 0.1, 0.8], [1.0, 1.0, 1.0]], [[0, 3, 0], [0, 2, 0], [0, 0, 0]], [-1.0] * 3
    )
    recall = WindowRecall.from_scores(TEXT, windows, scores).compute()
    assert recall
    assert recall.corrections_per_1000_tokens == pytest.approx(2_000 / 6)
    runs = [0.6 + 0.3, 0.9 + 0.09 + 0.072, 1.0]
    assert dataclasses.astuple(recall.expected_verbatim_run) == pytest.approx((np.mean(runs), runs[1], runs[1]))
    assert recall.greedy_run == TokenRun(mean=1, quantile_99=1, largest=1)
    assert recall.length_curve == {0.5: [1, 1 / 3, 1 / 3], 0.1: [1, 2 / 3, 2 / 3], 0.001: [1, 1, 1]}
    shorter = WindowRecall.from_scores(TEXT, windows, scores).select(np.array([2]))
    pooled = WindowRecall.pool([shorter, WindowRecall.from_scores(TEXT, windows, scores)]).compute()
    assert pooled
    assert pooled.length_curve[0.5] == [1, 2 / 4, 2 / 4]


def test_best_window_is_the_earliest_of_the_best() -> None:
    log_p_z = np.array([-3.0, -1.0, -1.0])
    best = BestWindow(row=1, start=3, suffix_start=6, stop=9, log_p_z=-1.0)
    assert find_best_window(WINDOWS, log_p_z) == best
    assert find_best_window(WINDOWS, log_p_z, np.array([0, 1])) == best
    again = find_best_window(WINDOWS, log_p_z, np.array([2]))
    assert again
    assert again.row == 2
    assert find_best_window(WINDOWS, log_p_z, np.array([], np.int64)) is None


def test_pool_is_one_text_of_all_windows() -> None:
    """Every array is joined, and selected, in the order of the windows."""
    whole = WindowRecall.from_scores(TEXT, WINDOWS, SCORES)
    parts = [whole.select(np.array([row])) for row in (0, 1, 2)]
    assert WindowRecall.pool(parts).compute() == whole.compute()
    assert whole.select(np.array([], np.int64)).compute() is None


def test_expected_verbatim_run_is_what_draws_from_a_toy_model_give() -> None:
    """The toy draws each of six tokens given the last one; a draw counts until it leaves the suffix."""
    random, tokens, draws = np.random.default_rng(0), 6, 10_000
    table = random.dirichlet(np.full(4, 0.4), 4)  # row: the last token
    prompt = 2
    suffix = [int(np.argmax(table[prompt]))]
    while len(suffix) < tokens:
        suffix.append(int(np.argmax(table[suffix[-1]])))
    probabilities = [float(table[last, token]) for last, token in itertools.pairwise([prompt, *suffix])]
    scores = make_scores([probabilities], [[0] * tokens], [-1.0])
    recall = WindowRecall.from_scores(TEXT, make_windows((0, 3, 6)), scores).compute()
    lengths = []
    for _ in range(draws):
        last, length = prompt, 0
        while length < tokens and (drawn := int(random.choice(4, p=table[last]))) == suffix[length]:
            last, length = drawn, length + 1
        lengths.append(length)
    error = np.std(lengths, ddof=1) / math.sqrt(draws)
    assert error > 0.01
    assert recall
    assert recall.expected_verbatim_run.mean == pytest.approx(np.mean(lengths), abs=4 * float(error))


def test_recall_of_many_windows_is_that_of_a_naive_loop() -> None:
    random = np.random.default_rng(1)
    probabilities = random.beta(1, 0.2, (250, 7)).clip(1e-6)
    ranks = np.where(random.random((250, 7)) < 0.9, 0, random.integers(1, 9, (250, 7)))
    windows = toy.make_windows(250, suffix=7)
    text = toy.random_text(3_000)
    scores = make_scores(probabilities.tolist(), ranks.tolist(), [-1.0] * 250)
    recall = WindowRecall.from_scores(text, windows, scores).compute()
    assert recall
    runs, greedy, curve = [], [], {at: [0] * 7 for at in LENGTH_THRESHOLDS}
    for window in range(250):
        together, run = 1.0, 0.0
        for k, probability in enumerate(probabilities[window]):
            together *= probability
            run += together
            for at in LENGTH_THRESHOLDS:
                curve[at][k] += together >= at
        runs.append(run)
        greedy.append(next((k for k in range(7) if ranks[window][k]), 7))
    assert recall.expected_verbatim_run.mean == pytest.approx(np.mean(runs))
    assert recall.expected_verbatim_run.quantile_99 == pytest.approx(sorted(runs)[247], rel=1e-6)  # 248 of 250 are 99%
    assert recall.greedy_run.mean == pytest.approx(np.mean(greedy))
    assert recall.greedy_run.largest == max(greedy)
    for at in LENGTH_THRESHOLDS:
        assert recall.length_curve[at] == pytest.approx([count / 250 for count in curve[at]])
    assert isinstance(recall, Recall)
