"""Kernels for TPUs, computed step by step on the CPU, against the plain form and against transformers."""

import dataclasses
import json
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from byheart.components.extract import decoder
from byheart.components.extract.attention import attend
from byheart.components.extract.head import score_blocks
from byheart.components.extract.kernels.attention import attend_rows
from byheart.components.extract.kernels.statistics import score_rows
from byheart.components.extract.rotary import compute_positions
from byheart.components.extract.token_scores import score_tokens
from byheart.machines.kernels import BLOCK_WINDOWS, has_attention_kernel, has_statistics_kernel, is_whole_and_plain
from byheart.models.decoder_config import Attention, DecoderConfig
from byheart.models.families import find_family
from byheart.models.rope import Rope
from tests.extract.test_decoder import GOLDENS, HASTY, TOLERANCE, at, golden, largest, loaded, log_softmax

INTERPRETED = partial(attend_rows, interpret=True)
PLAIN = DecoderConfig(
    layers=1,
    vocab=8,
    embed=24,
    heads=4,
    kv_heads=2,
    head_dim=16,
    ffn=8,
    max_positions=128,
    norm_epsilon=1e-6,
    attention=(Attention(rope=Rope(theta=1e4)),),
)
"""A layer with two query heads for each of two kv heads."""


def parse_config(name: str) -> DecoderConfig:
    content = json.loads((GOLDENS[name] / "config.json").read_text())
    return find_family(content).parse_config(content)


KNOWN = [name for name in GOLDENS if is_whole_and_plain(parse_config(name))]
FIRST = {name.split("_")[0]: name for name in reversed(KNOWN)}


def make_weights(config: DecoderConfig, random: np.random.Generator) -> dict[str, np.ndarray]:
    width, kv_width = config.heads * config.head_dim, config.kv_heads * config.head_dim
    shapes = {"query": (width, config.embed), "key": (kv_width, config.embed), "value": (kv_width, config.embed)}
    matrices = {name: random.normal(size=shape) for name, shape in shapes.items()}
    held = {name: matrix.reshape(-1, config.head_dim, config.embed) for name, matrix in matrices.items()}
    held["output"] = random.normal(size=(config.embed, width))
    return {name: matrix.astype(np.float32) / 5 for name, matrix in held.items()}


@pytest.mark.parametrize(
    ("tokens", "change"),
    [
        (13, {}),
        pytest.param(8, {"kv_heads": 4, "attention_scale": 0.7}, marks=pytest.mark.slow),
        pytest.param(
            7,
            {"kv_heads": 1, "attention": (Attention(rope=Rope(theta=1e4), window=3),), "attention_softcap": 2.0},
            marks=pytest.mark.slow,
        ),
    ],
    ids=str,
)
def test_attention_is_that_of_the_plain_form(tokens: int, change: dict[str, Any]) -> None:
    config = dataclasses.replace(PLAIN, **change)
    random = np.random.default_rng(tokens)
    weights, states = (
        make_weights(config, random),
        random.normal(size=(2 * BLOCK_WINDOWS * tokens, config.embed)).astype(np.float32),
    )
    positions = jax.tree.map(lambda table: table[0], compute_positions(config, tokens, np.float32)[0])
    found, expected = (
        jax.jit(partial(attend, config=config, kernel=kernel), compiler_options=HASTY)(
            weights, states=states, positions=positions
        )
        for kernel in (INTERPRETED, None)
    )
    np.testing.assert_allclose(found, expected, atol=2e-5)


@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=pytest.mark.slow if name in FIRST.values() else pytest.mark.nightly) for name in KNOWN],
)
def test_every_family_that_the_kernel_knows_agrees_with_transformers(name: str) -> None:
    model, params = loaded(GOLDENS[name])
    held = golden(name)
    ids, expected = (np.resize(array, (BLOCK_WINDOWS, *array.shape[1:])) for array in (held.token_ids, held.log_probs))

    def forward(params: decoder.Params, token_ids: jax.Array) -> jax.Array:
        hidden = decoder.compute_hidden_states(params, model.decoder, token_ids, kernel=INTERPRETED)
        return decoder.compute_logits(params, model.decoder, hidden)

    logits = np.asarray(jax.jit(forward, compiler_options=HASTY)(params, ids[:, :-1]))
    assert largest(at(log_softmax(logits), ids) - expected) < TOLERANCE


def test_families_that_are_measured_most_are_among_them() -> None:
    assert {"sample", "mistral", "mixtral", "qwen2", "qwen3", "gemma2", "gemma3", "olmo2"} <= FIRST.keys()


def test_kernel_is_taken_where_blocks_are_whole_tiles(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = dataclasses.replace(PLAIN, head_dim=128)
    assert has_attention_kernel(whole, 64, 99)
    assert not has_attention_kernel(whole, 60, 99), "no whole number of blocks"
    assert not has_attention_kernel(PLAIN, 64, 99), "heads that are no whole tiles"
    assert not has_attention_kernel(dataclasses.replace(whole, heads=64, kv_heads=1), 64, 999), "no room"
    assert not has_attention_kernel(dataclasses.replace(whole, rope_interleaved=True), 64, 99)
    monkeypatch.setenv("BYHEART_KERNELS", "0")
    assert not has_attention_kernel(whole, 64, 99)


VOCABULARY = 4_224
"""A whole group of tiles and one tile."""


def make_logits(rows: int, vocabulary: int = VOCABULARY) -> tuple[jax.Array, jax.Array]:
    random = np.random.default_rng(rows)
    logits = random.normal(scale=3, size=(rows, vocabulary)).astype(np.float32)
    logits[0] = np.round(logits[0])  # ties
    logits[1, ::100] = -np.inf
    logits[2, 5 : 5 + 128 * 32 : 128] = 20 + np.arange(
        32
    )  # the largest of all are one group, behind which is one of few
    targets = random.integers(0, vocabulary, rows)
    targets[3] = logits[3].argmax()
    return jnp.asarray(logits), jnp.asarray(targets, jnp.int32)


@pytest.mark.parametrize(
    ("rows", "top_k", "temperature"),
    [
        (8, 40, 1.0),
        *(
            pytest.param(*case, marks=pytest.mark.slow)
            for case in [(8, 0, 1.0), (16, 1, 1.0), (32, 40, 0.7), (8, 700, 2.0), (8, 9_999, 1.0)]
        ),
    ],
)
def test_scores_are_those_of_the_plain_form(rows: int, top_k: int, temperature: float) -> None:
    logits, targets = make_logits(rows)
    score = partial(score_rows, temperature=temperature, top_k=top_k, interpret=True)
    found = jax.jit(score, compiler_options=HASTY)(logits, targets)
    expected = score_tokens(logits, targets, temperature=temperature, top_k=top_k)
    for name in ("rank", "top_id"):
        np.testing.assert_array_equal(getattr(found, name), getattr(expected, name))
    for name in ("log_prob", "tempered_log_prob", "log_top_k_mass"):
        np.testing.assert_allclose(getattr(found, name), getattr(expected, name), rtol=1e-6, atol=4e-6)


def test_logit_that_is_no_number_is_seen_in_the_scores() -> None:
    logits, targets = make_logits(8)
    logits = logits.at[4, 7].set(np.nan)
    score = jax.jit(partial(score_rows, temperature=1.0, top_k=0, interpret=True), compiler_options=HASTY)
    found = score(logits, targets)
    assert np.isnan(found.log_prob).tolist() == [row == 4 for row in range(8)]


@pytest.mark.slow
def test_blocks_keep_the_order_of_windows_and_tokens() -> None:
    random = np.random.default_rng(0)
    hidden = random.normal(size=(2 * BLOCK_WINDOWS, 3, 8)).astype(np.float32)
    head = random.normal(size=(256, 8)).astype(np.float32)
    targets = random.integers(0, 256, (2 * BLOCK_WINDOWS, 3), dtype=np.int32)
    score = partial(score_rows, temperature=1.0, top_k=5, interpret=True)
    score_all = partial(score_blocks, lambda rows: rows @ head.T, score)
    found = jax.jit(score_all, compiler_options=HASTY)(hidden, targets)
    logits = jnp.asarray(hidden @ head.T)
    expected = jax.vmap(partial(score_tokens, temperature=1.0, top_k=5))(logits, jnp.asarray(targets))
    jax.tree.map(partial(np.testing.assert_allclose, atol=1e-5), found, expected)


def test_scores_have_a_kernel_where_rows_are_whole_tiles_and_have_room(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = dataclasses.replace(PLAIN, vocab=128_256)
    assert has_statistics_kernel(whole, 64)
    assert not has_statistics_kernel(whole, 60), "no whole number of blocks"
    assert not has_statistics_kernel(dataclasses.replace(whole, vocab=50_257), 64), "no whole tiles"
    assert not has_statistics_kernel(dataclasses.replace(whole, vocab=1 << 20), 64), "no room"
    monkeypatch.setenv("BYHEART_KERNELS", "0")
    assert not has_statistics_kernel(whole, 64)
