"""The decoder over the shapes of published models: traced, with no weight in memory."""

import jax
import jax.numpy as jnp
import pytest

from byheart.components.extract import decoder
from byheart.models.families import find_family
from tests.models.published import PUBLISHED


@pytest.mark.parametrize("name", PUBLISHED)
def test_published_model_gives_logits_of_its_shape(name: str) -> None:
    content, _ = PUBLISHED[name]
    family = find_family(content)
    config = family.parse_config(content)
    parameters = family.describe_parameters(config)
    params = jax.tree.map(lambda parameter: jax.ShapeDtypeStruct(parameter.shape, jnp.bfloat16), parameters)
    token_ids = jax.ShapeDtypeStruct((2, 99), jnp.int32)

    def forward(params: decoder.Params, token_ids: jax.Array) -> tuple[jax.Array, jax.Array]:
        hidden = decoder.compute_hidden_states(params, config, token_ids, first=49)
        return hidden, decoder.compute_logits(params, config, hidden)

    hidden, logits = jax.eval_shape(forward, params, token_ids)
    assert (hidden.shape, hidden.dtype) == ((2, 50, config.embed), jnp.bfloat16)
    assert (logits.shape, logits.dtype) == ((2, 50, config.vocab), jnp.float32)
