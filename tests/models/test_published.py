"""The config.json files of published models are understood, and describe as many parameters as were published."""

import math

import pytest

from byheart.models.families import FAMILIES, find_family
from byheart.models.parameters import count_parameters, leaves
from tests.models.published import PUBLISHED


@pytest.mark.parametrize("name", PUBLISHED)
def test_published_model_has_its_published_number_of_parameters(name: str) -> None:
    config, count = PUBLISHED[name]
    family = find_family(config)
    decoder = family.parse_config(config)
    assert count_parameters(family.describe_parameters(decoder)) == count


def test_every_family_is_among_the_published() -> None:
    assert {config["model_type"] for config, _ in PUBLISHED.values()} == FAMILIES.keys()


@pytest.mark.parametrize("name", PUBLISHED)
def test_every_element_of_the_checkpoint_is_in_one_parameter(name: str) -> None:
    config, count = PUBLISHED[name]
    family = find_family(config)
    decoder = family.parse_config(config)
    parameters = list(leaves(family.describe_parameters(decoder)))
    tensors = {
        tensor: parameter.source_shape for parameter in parameters for tensor in parameter.name_tensors().values()
    }
    assert sum(map(math.prod, tensors.values())) == count
    for parameter in parameters:
        assert math.prod(parameter.view) == math.prod(parameter.source_shape)
        sides = [stop - start for start, stop in parameter.box]
        assert math.prod(sides) * len(parameter.name_tensors()) == parameter.size
        assert all(0 <= start < stop <= side for (start, stop), side in zip(parameter.box, parameter.view, strict=True))
