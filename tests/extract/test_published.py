"""Float32 arithmetic over weights that are held in the precision in which they were published."""

from collections.abc import Iterator

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from byheart.components.extract import checkpoint
from byheart.components.extract.engine import Engine, Machine
from byheart.components.extract.scoring import make_scorer
from byheart.components.extract.sharding import use_one_device
from byheart.components.extract.token_scores import TokenScores
from byheart.contracts.setting_groups import ScoreSettings
from byheart.machines.layout import Layout
from byheart.models.folder import open_model
from byheart.models.published import count_published_bytes
from tests.extract.test_decoder import GOLDENS, golden
from tests.models.known_shapes import workload

pytestmark = pytest.mark.slow

HELD = {
    "llama3_new_bfloat16": {"bfloat16"},
    "linear_biases_float16_sharded": {"float16"},
    "gpt_oss_mxfp4": {"bfloat16", "float32"},
    "deepseek_v3_fp8": {"bfloat16", "float32"},
    "gqa_untied": {"float32"},
}
"""The precisions in which the parameters of these models are held."""


@pytest.fixture(scope="module", autouse=True)
def plain_form() -> Iterator[None]:
    """A CPU's own form rounds otherwise, and converts no weights that are held as published."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BYHEART_KERNELS", "0")
        yield


def score(name: str, *, as_published: bool, precision: str = "float32") -> TokenScores:
    ids = golden(name).token_ids
    layout = Layout(data=1, model=1, gather=False, batch_size=len(ids))
    engine = Engine.lay_out(
        open_model(GOLDENS[name]),
        Machine(devices=jax.devices()[:1]),
        ScoreSettings(temperature=1.0, top_k=7, precision=precision),
        layout,
        positions=ids.shape[1] - 1,
        scored_tokens=50,
        as_published=as_published,
    )
    return jax.tree.map(np.asarray, engine.load().score(ids))


@pytest.mark.parametrize("name", HELD)
def test_weights_as_published_give_the_scores_of_weights_in_float32(name: str) -> None:
    held, full = score(name, as_published=True), score(name, as_published=False)
    assert np.abs(held.log_prob - full.log_prob).max() < 1e-6
    np.testing.assert_array_equal(held.rank, full.rank)
    assert np.abs(held.log_prob - golden(name).log_probs[:, -50:]).max() < 1e-4  # those of transformers


def test_arithmetic_in_16_bits_does_not() -> None:
    name = "llama3_new_bfloat16"
    rounded = score(name, as_published=False, precision="bfloat16")
    assert np.abs(rounded.log_prob - golden(name).log_probs[:, -50:]).max() > 1e-3


@pytest.mark.parametrize(("name", "precisions"), HELD.items())
def test_each_parameter_is_held_as_it_was_published(name: str, precisions: set[str]) -> None:
    model = open_model(GOLDENS[name])
    params = jax.tree.leaves(checkpoint.load(model, None, use_one_device()))
    assert {str(array.dtype) for array in params} == precisions
    assert count_published_bytes(model) == sum(array.nbytes for array in params)


def test_one_layer_at_a_time_is_converted() -> None:
    """Compiled for the shape of a model of 16 layers, with weights in float16: this CPU's compiler has no slices of
    bfloat16, and converts all layers of it first."""
    full = workload("llama-3.2-1b", precision="float32")
    params = jax.tree.map(lambda parameter: jax.ShapeDtypeStruct(parameter.shape, jnp.float16), full.weights)
    scorer = make_scorer(
        full.decoder, full.weights, use_one_device(), scored_tokens=50, temperature=1.0, top_k=40,
        arithmetic=jnp.dtype("float32"),
    )  # fmt: skip
    memory = scorer.lower(params, jax.ShapeDtypeStruct((1, 100), jnp.int32)).compile().memory_analysis()
    assert memory
    assert memory.argument_size_in_bytes == pytest.approx(2 * full.parameters, rel=1e-3)
    head, layer = 4 * full.head_elements, 4 * full.layer_elements
    assert head + layer < memory.temp_size_in_bytes < head + 2 * layer < 4 * full.parameters / 3


@pytest.mark.parametrize("name", ["gqa_untied", "mixtral_old"])
def test_products_with_weights_in_16_bits_are_of_full_precision(name: str) -> None:
    model = open_model(GOLDENS[name])
    parameters = model.describe_parameters()
    scorer = make_scorer(
        model.decoder, parameters, use_one_device(), scored_tokens=9, temperature=1.0, top_k=7,
        arithmetic=jnp.dtype("float32"),
    )  # fmt: skip
    params = jax.tree.map(lambda parameter: jax.ShapeDtypeStruct(parameter.shape, jnp.bfloat16), parameters)
    program = scorer.lower(params, jax.ShapeDtypeStruct((2, 20), jnp.int32)).as_text()
    products = [line for line in program.splitlines() if "dot_general" in line]
    assert len(products) >= 9
    assert all("precision = [HIGHEST, HIGHEST]" in line and "bf16" not in line for line in products), products
