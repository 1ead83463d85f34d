"""From a config.json's content to the decoder that it describes."""

import math
from typing import Any

import numpy as np
import pytest

from components.contracts.errors import ModelError
from components.models.decoder_config import Attention, DecoderConfig
from components.models.families import FAMILIES, family_of
from components.models.rope import Rope

# Without num_key_value_heads, head_dim and whatever else has a default.
LEAST: dict[str, Any] = {
    "model_type": "llama",
    "vocab_size": 32000,
    "hidden_size": 4096,
    "num_hidden_layers": 32,
    "num_attention_heads": 32,
    "intermediate_size": 11008,
}
LLAMA3 = {
    "rope_type": "llama3",
    "factor": 8.0,
    "low_freq_factor": 1.0,
    "high_freq_factor": 4.0,
    "original_max_position_embeddings": 8192,
}


def described(**changes: Any) -> DecoderConfig:
    config = LEAST | changes
    return family_of(config).decoder_config(config)


def rope_of(config: DecoderConfig) -> Rope:
    (attention,) = config.attention
    return attention.rope


def test_fields_that_are_missing_take_the_defaults_of_the_family() -> None:
    assert described() == DecoderConfig(
        vocab=32000,
        embed=4096,
        layers=32,
        heads=32,
        kv_heads=32,
        head_dim=128,
        ffn=11008,
        norm_epsilon=1e-6,
        attention=(Attention(rope=Rope(theta=10_000.0)),),
        max_positions=2048,
    )


def test_fields_that_are_null_take_the_defaults_too() -> None:
    assert described(num_key_value_heads=None, head_dim=None, rope_scaling=None, rope_theta=None) == described()
    assert described(hidden_act=None, partial_rotary_factor=None) == described()
    assert described(rope_parameters={"rope_type": "default", "partial_rotary_factor": None}) == described()


def test_every_field_is_read() -> None:
    found = described(
        num_key_value_heads=8,
        head_dim=64,
        rms_norm_eps=1e-5,
        max_position_embeddings=131072,
        tie_word_embeddings=True,
        attention_bias=True,
        mlp_bias=True,
        hidden_act="silu",
        rope_theta=500000.0,
    )
    assert (found.kv_heads, found.head_dim, found.norm_epsilon, found.max_positions) == (8, 64, 1e-5, 131072)
    assert found.tied_head
    assert found.biases == {"query", "key", "value", "output", "gate", "up", "down"}
    assert rope_of(found) == Rope(theta=500000.0)


@pytest.mark.parametrize(
    ("old", "new", "rope"),
    [
        ({"rope_theta": 5e5}, {"rope_type": "default", "rope_theta": 5e5}, Rope(theta=5e5)),
        (
            {"rope_theta": 1e4, "rope_scaling": {"type": "linear", "factor": 2.0}},
            {"rope_type": "linear", "factor": 2.0, "rope_theta": 1e4},
            Rope(theta=1e4, scaling="linear", factor=2.0),
        ),
        (
            {"rope_theta": 5e5, "rope_scaling": LLAMA3},
            LLAMA3 | {"rope_theta": 5e5},
            Rope(
                theta=5e5,
                scaling="llama3",
                factor=8.0,
                low_freq_factor=1.0,
                high_freq_factor=4.0,
                original_positions=8192,
            ),
        ),
    ],
)
def test_old_and_new_layout_of_rope_agree(old: dict[str, Any], new: dict[str, Any], rope: Rope) -> None:
    assert rope_of(described(**old)) == rope_of(described(rope_parameters=new)) == rope


@pytest.mark.parametrize(
    ("fields", "rope"),
    [
        ({"rope_theta": 5e5, "rope_parameters": {"rope_type": "default"}}, Rope(theta=5e5)),
        (
            {"rope_theta": 5.0, "rope_scaling": {"type": "linear", "factor": 2.0, "rope_theta": 3.0}},
            Rope(theta=3.0, scaling="linear", factor=2.0),
        ),
        (
            {"rope_parameters": {"rope_theta": 7.0}, "rope_scaling": {"type": "linear", "factor": 2.0}},
            Rope(theta=10_000.0, scaling="linear", factor=2.0),
        ),
    ],
)
def test_rope_in_two_places_is_read_as_transformers_does(fields: dict[str, Any], rope: Rope) -> None:
    assert rope_of(described(**fields)) == rope


@pytest.mark.parametrize("field", sorted(LEAST.keys() - {"model_type"}))
@pytest.mark.parametrize("value", [0, -1])
def test_size_that_is_not_positive_is_named(field: str, value: int) -> None:
    with pytest.raises(ModelError, match=f"positive {field}, found {value}"):
        described(**{field: value})


@pytest.mark.parametrize("field", sorted(LEAST.keys() - {"model_type"}))
def test_missing_field_is_named(field: str) -> None:
    config = {name: value for name, value in LEAST.items() if name != field}
    with pytest.raises(ModelError, match=f"'{field}'"):
        FAMILIES["llama"].decoder_config(config)


@pytest.mark.parametrize("field", ["factor", "low_freq_factor", "high_freq_factor"])
def test_missing_field_of_llama3_rope_is_named(field: str) -> None:
    with pytest.raises(ModelError, match=f"'{field}'"):
        described(rope_scaling={name: value for name, value in LLAMA3.items() if name != field})


@pytest.mark.parametrize("value", ["4096", 4096.5, True, [4096]])
@pytest.mark.parametrize("field", ["hidden_size", "num_key_value_heads", "head_dim"])
def test_field_that_is_not_an_integer_is_named(field: str, value: Any) -> None:
    with pytest.raises(ModelError, match=f"'{field}'"):
        described(**{field: value})


@pytest.mark.parametrize("model_type", ["gpt_j", None, 3, ["llama"]])
def test_unknown_family_is_refused_with_the_known_ones(model_type: Any) -> None:
    with pytest.raises(ModelError, match="llama") as caught:
        family_of(LEAST | {"model_type": model_type})
    assert repr(model_type) in str(caught.value)
    assert all(known in str(caught.value) for known in FAMILIES)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"quantization_config": {"quant_method": "gptq", "bits": 4}}, "quantization_config"),
        ({"hidden_act": "xielu"}, "hidden_act"),
        ({"rope_scaling": {"rope_type": "proportional"}}, "proportional"),
        ({"rope_scaling": {"type": "longrope", "short_factor": [1.0], "long_factor": [1.0]}}, "longrope"),
        ({"rope_parameters": {"rope_type": "mrope", "rope_theta": 1e4}}, "mrope"),
        ({"rope_parameters": {"rope_type": "default", "partial_rotary_factor": 0.5}}, "partial_rotary_factor"),
        ({"tie_word_embeddings": "yes"}, "tie_word_embeddings"),
        ({"num_hidden_layers": 0}, "layers"),
        ({"num_attention_heads": 0}, "heads"),
        ({"num_key_value_heads": 5}, "kv heads"),
        ({"head_dim": 127}, "head_dim"),
        ({"rope_scaling": LLAMA3 | {"low_freq_factor": 4.0}}, "low_freq_factor below high_freq_factor, found 4.0 and"),
        ({"rope_scaling": LLAMA3 | {"low_freq_factor": 5.0}}, "low_freq_factor below high_freq_factor, found 5.0 and"),
        ({"rope_theta": 10**400}, "positive rope_theta"),
        ({"rope_theta": math.nan}, "positive rope_theta"),
    ],
)
def test_what_cannot_be_computed_is_refused_by_name(change: dict[str, Any], named: str) -> None:
    with pytest.raises(ModelError, match=named):
        described(**change)


def published_llama3_frequencies(theta: float, size: int, rope: dict[str, Any]) -> list[float]:
    """`apply_scaling` of the reference code of Llama 3.1, one frequency after the other."""
    low_wavelength = rope["original_max_position_embeddings"] / rope["low_freq_factor"]
    high_wavelength = rope["original_max_position_embeddings"] / rope["high_freq_factor"]
    scaled = []
    for pair in range(size // 2):
        frequency = 1.0 / theta ** (2 * pair / size)
        wavelength = 2 * math.pi / frequency
        if wavelength < high_wavelength:
            scaled.append(frequency)
        elif wavelength > low_wavelength:
            scaled.append(frequency / rope["factor"])
        else:
            smooth = rope["original_max_position_embeddings"] / wavelength - rope["low_freq_factor"]
            smooth /= rope["high_freq_factor"] - rope["low_freq_factor"]
            scaled.append((1 - smooth) * frequency / rope["factor"] + smooth * frequency)
    return scaled


@pytest.mark.parametrize(
    "changes",
    [{}, {"factor": 32.0}, {"low_freq_factor": 0.5, "high_freq_factor": 7.5, "original_max_position_embeddings": 64}],
)
def test_llama3_frequencies_are_the_published_ones(changes: dict[str, Any]) -> None:
    values = LLAMA3 | changes
    rope = rope_of(described(rope_theta=500000.0, rope_scaling=values))
    found, plain = rope.inverse_frequencies(128), Rope(theta=500000.0).inverse_frequencies(128)
    np.testing.assert_allclose(found, published_llama3_frequencies(500000.0, 128, values), rtol=1e-12)
    kept, divided = np.isclose(found, plain), np.isclose(found, plain / values["factor"])
    assert kept.any()
    assert divided.any()
    assert not (kept | divided).all()


def test_plain_and_linear_frequencies_worked_by_hand() -> None:
    np.testing.assert_allclose(Rope(theta=100.0).inverse_frequencies(4), [1.0, 0.1], rtol=1e-15)
    linear = Rope(theta=100.0, scaling="linear", factor=4.0)
    np.testing.assert_allclose(linear.inverse_frequencies(4), [0.25, 0.025], rtol=1e-15)
