"""The config.json files of published models are understood, and describe as many parameters as were published."""

import math

import pytest

from byheart.models.families import FAMILIES, family_of
from byheart.models.parameters import parameter_count, parameters
from tests.models.published import PUBLISHED


@pytest.mark.parametrize("name", PUBLISHED)
def test_published_model_has_its_published_number_of_parameters(name: str) -> None:
    config, count = PUBLISHED[name]
    family = family_of(config)
    decoder = family.decoder_config(config)
    assert parameter_count(*parameters(decoder, family.sources), decoder.layers) == count


def test_every_family_is_among_the_published() -> None:
    assert {config["model_type"] for config, _ in PUBLISHED.values()} == FAMILIES.keys()


@pytest.mark.parametrize("name", PUBLISHED)
def test_every_element_of_the_checkpoint_is_in_one_parameter(name: str) -> None:
    config, count = PUBLISHED[name]
    family = family_of(config)
    decoder = family.decoder_config(config)
    of_model, of_layer = parameters(decoder, family.sources)
    tensors = {tensor: each.source_shape for each in of_model.values() for tensor in each.tensors()}
    for layer in range(decoder.layers):
        tensors |= {tensor: each.source_shape for each in of_layer.values() for tensor in each.tensors(layer)}
    assert sum(map(math.prod, tensors.values())) == count
    for each in (*of_model.values(), *of_layer.values()):
        assert math.prod(each.view) == math.prod(each.source_shape)
        sides = [stop - start for start, stop in each.box]
        assert math.prod(sides) * len(each.tensors(0)) == each.size
        assert all(0 <= start < stop <= side for (start, stop), side in zip(each.box, each.view, strict=True))
