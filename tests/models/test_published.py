"""The config.json files of published models are understood, and describe as many parameters as were published."""

import math

import pytest

from byheart.models.families import FAMILIES, family_of
from byheart.models.parameters import count_parameters, leaves
from tests.models.published import PUBLISHED


@pytest.mark.parametrize("name", PUBLISHED)
def test_published_model_has_its_published_number_of_parameters(name: str) -> None:
    config, count = PUBLISHED[name]
    family = family_of(config)
    decoder = family.decoder_config(config)
    assert count_parameters(family.parameters(decoder)) == count


def test_every_family_is_among_the_published() -> None:
    assert {config["model_type"] for config, _ in PUBLISHED.values()} == FAMILIES.keys()


@pytest.mark.parametrize("name", PUBLISHED)
def test_every_element_of_the_checkpoint_is_in_one_parameter(name: str) -> None:
    config, count = PUBLISHED[name]
    family = family_of(config)
    decoder = family.decoder_config(config)
    parameters = list(leaves(family.parameters(decoder)))
    tensors = {tensor: each.source_shape for each in parameters for tensor in each.tensors().values()}
    assert sum(map(math.prod, tensors.values())) == count
    for each in parameters:
        assert math.prod(each.view) == math.prod(each.source_shape)
        sides = [stop - start for start, stop in each.box]
        assert math.prod(sides) * len(each.tensors()) == each.size
        assert all(0 <= start < stop <= side for (start, stop), side in zip(each.box, each.view, strict=True))
