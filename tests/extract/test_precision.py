"""The precision that a scorer's products are made in is its own, whatever JAX has been told around it."""

import jax
import jax.numpy as jnp
import pytest

from byheart.components.extract.scoring import make_scorer
from byheart.components.extract.sharding import use_one_device
from byheart.models.folder import open_model
from tests.extract.test_decoder import GOLDENS


@pytest.mark.parametrize("around", ["default", "highest", "bfloat16"])
@pytest.mark.parametrize(("dtype", "asked"), [("float32", "HIGHEST"), ("bfloat16", "DEFAULT"), ("float16", "DEFAULT")])
@pytest.mark.parametrize("name", ["gqa_untied", "mixtral_old"])
def test_scorer_of_float32_asks_for_full_products_whatever_is_asked_around_it(
    name: str, dtype: str, asked: str, around: str
) -> None:
    model = open_model(GOLDENS[name])
    parameters = model.describe_parameters()
    score = make_scorer(model.decoder, parameters, use_one_device(), scored_tokens=9, temperature=1.0, top_k=7)
    params = jax.tree.map(lambda parameter: jax.ShapeDtypeStruct(parameter.shape, jnp.dtype(dtype)), parameters)
    with jax.default_matmul_precision(around):
        program = score.lower(params, jax.ShapeDtypeStruct((2, 20), jnp.int32)).as_text()
    products = [line for line in program.splitlines() if "dot_general" in line]
    assert len(products) >= 9  # four of attention, its two of scores, two or three of the MLP, the head
    assert all(f"precision = [{asked}, {asked}]" in line for line in products), products
