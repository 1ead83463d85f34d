"""The tables of positions, against float64."""

import math

import jax.numpy as jnp
import numpy as np

from byheart.components.extract.rotary import compute_positions
from byheart.models.families import find_family
from tests.models.test_families import SIZES

POSITIONS = 4096
ROUNDING = 2**-24
"""Half a unit in the last place of a float32 below 1."""


def test_angle_of_a_late_position_is_as_exact_as_float32_can_say() -> None:
    content = SIZES | {"model_type": "llama", "max_position_embeddings": POSITIONS, "rope_theta": 100.0}
    positions, _ = compute_positions(find_family(content).parse_config(content), POSITIONS, jnp.float32)
    for pair in range(8):
        angles = [position * 100.0 ** (-pair / 8) for position in range(POSITIONS)]
        for name, function in (("cos", math.cos), ("sin", math.sin)):
            table = np.asarray(positions[name])[0, :, pair]
            np.testing.assert_allclose(table, list(map(function, angles)), rtol=0, atol=ROUNDING)


def test_layer_without_rotary_embedding_rotates_by_nothing() -> None:
    content = SIZES | {"model_type": "smollm3"}
    positions, kinds = compute_positions(find_family(content).parse_config(content), 50, jnp.float32)
    assert kinds.tolist() == [0, 0, 0, 1]
    assert (np.asarray(positions["cos"])[1] == 1).all()
    assert (np.asarray(positions["sin"])[1] == 0).all()
