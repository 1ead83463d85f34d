"""From a config.json's content to the decoder that it describes."""

import dataclasses
import math
from typing import Any

import numpy as np
import pytest

from byheart.contracts.errors import ModelError, SettingsError
from byheart.models.decoder_config import Attention, DecoderConfig
from byheart.models.families import FAMILIES, find_family
from byheart.models.families.fields import drop_ignored, list_ignored, mark_ignored
from byheart.models.families.quantisation import Quantisation, read_quantisation
from byheart.models.parameters import describe_parameters
from byheart.models.rope import Rope

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
    return find_family(config).parse_config(config)


def rope_of(config: DecoderConfig) -> Rope:
    (attention,) = config.attention
    assert attention.rope
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
    config = described(
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
    assert (config.kv_heads, config.head_dim, config.norm_epsilon, config.max_positions) == (8, 64, 1e-5, 131072)
    assert config.tied_head
    assert config.biases == {"query", "key", "value", "output", "gate", "up", "down"}
    assert rope_of(config) == Rope(theta=500000.0)


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
        FAMILIES["llama"].parse_config(config)


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
        find_family(LEAST | {"model_type": model_type})
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
        ({"rope_scaling": LLAMA3 | {"low_freq_factor": 5.0}}, "low_freq_factor of at most high_freq_factor, found 5.0"),
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
    scaled, plain = rope.compute_inverse_frequencies(128), Rope(theta=500000.0).compute_inverse_frequencies(128)
    np.testing.assert_allclose(scaled, published_llama3_frequencies(500000.0, 128, values), rtol=1e-12)
    kept, divided = np.isclose(scaled, plain), np.isclose(scaled, plain / values["factor"])
    assert kept.any()
    assert divided.any()
    assert not (kept | divided).all()


def test_plain_and_linear_frequencies_worked_by_hand() -> None:
    np.testing.assert_allclose(Rope(theta=100.0).compute_inverse_frequencies(4), [1.0, 0.1], rtol=1e-15)
    linear = Rope(theta=100.0, scaling="linear", factor=4.0)
    np.testing.assert_allclose(linear.compute_inverse_frequencies(4), [0.25, 0.025], rtol=1e-15)


# Families whose layers slide, turn part of a head, or call things otherwise; sizes of no model.
SIZES: dict[str, Any] = {
    "vocab_size": 160,
    "hidden_size": 64,
    "num_hidden_layers": 4,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "intermediate_size": 96,
    "max_position_embeddings": 512,
}
GPT_NAMES = {
    "hidden_size": "n_embd",
    "intermediate_size": "n_inner",
    "max_position_embeddings": "n_positions",
    "num_attention_heads": "n_head",
    "num_hidden_layers": "n_layer",
}
OWN_NAMES = {"falcon": {"intermediate_size": "ffn_hidden_size"}, "gpt2": GPT_NAMES, "gptj": GPT_NAMES}
PHI_FACTORS = {"short_factor": [1.0] * 8, "long_factor": [2.0] * 8}
YARN = {"factor": 4.0, "original_max_position_embeddings": 64}


def of_family(model_type: str, **changes: Any) -> DecoderConfig:
    sizes = dict(SIZES)
    if model_type in ("falcon", "gpt2", "gpt_neox", "gptj"):
        del sizes["num_key_value_heads"]
    if model_type.startswith("deepseek"):
        sizes |= {"num_key_value_heads": sizes["num_attention_heads"], "num_experts_per_tok": 2}
    if model_type == "gptj":
        sizes["rotary_dim"] = 8
    names = OWN_NAMES.get(model_type, {})
    config = {names.get(name, name): value for name, value in sizes.items()} | {"model_type": model_type} | changes
    return find_family(config).parse_config(config)


def windows(config: DecoderConfig) -> list[int | None]:
    return [attention.window for attention in config.expand_attention()]


ALL = sorted(FAMILIES.keys() - {"gemma3", "llama4", "mistral3", "qwen3_5", "qwen3_5_moe"})
every_family = pytest.mark.parametrize("model_type", ALL)


def test_layers_slide_as_the_family_says() -> None:
    assert windows(of_family("mistral", sliding_window=7)) == [7] * 4
    assert windows(of_family("mistral")) == [4096] * 4
    assert windows(of_family("mistral", sliding_window=None)) == [None] * 4
    assert windows(of_family("qwen2", sliding_window=7, max_window_layers=2)) == [None] * 4
    assert windows(of_family("qwen3", use_sliding_window=True, sliding_window=7, max_window_layers=2)) == [
        None,
        None,
        7,
        7,
    ]
    assert windows(of_family("gemma2", sliding_window=7)) == [7, None, 7, None]
    assert windows(of_family("gemma3_text", sliding_window=7, sliding_window_pattern=3)) == [7, 7, None, 7]
    assert windows(of_family("vaultgemma", sliding_window=7)) == [7, None, 7, None]
    assert windows(of_family("olmo3", sliding_window=7)) == [7, 7, 7, None]
    assert windows(of_family("cohere2", sliding_window=7, sliding_window_pattern=2)) == [7, None, 7, None]
    assert windows(of_family("exaone4", sliding_window=7, sliding_window_pattern=2)) == [7, None, 7, None]
    assert windows(of_family("exaone4", sliding_window=None)) == [None] * 4
    assert windows(of_family("ministral3", sliding_window=7)) == [7] * 4
    slides = {"use_sliding_window": True, "sliding_window": 7}
    assert windows(of_family("smollm3", **slides, no_rope_layers=[1, 0, 1, 0])) == [None, 7, None, 7]


def rotated(model_type: str, **changes: Any) -> list[bool]:
    return [attention.rope is not None for attention in of_family(model_type, **changes).expand_attention()]


def test_layers_rotate_as_the_family_says() -> None:
    assert rotated("smollm3") == [True, True, True, False]
    assert rotated("smollm3", no_rope_layer_interval=2) == [True, False, True, False]
    assert rotated("smollm3", no_rope_layers=[0, 1, 1, 0]) == [False, True, True, False]
    assert rotated("cohere2", sliding_window=7) == [True, True, True, False]
    assert rotated("exaone4", sliding_window=7) == [True, True, True, False]
    assert rotated("exaone4", sliding_window=7, layer_types=["full_attention"] * 4) == [False] * 4
    assert rotated("exaone4", sliding_window=None, layer_types=["full_attention"] * 4) == [True] * 4


def test_position_has_a_vector_in_gpt2_and_an_angle_in_gptj() -> None:
    learned, turned = of_family("gpt2"), of_family("gptj", rotary_dim=8)
    assert (learned.learned_positions, learned.attention[0].rope) == (True, None)
    assert rope_of(turned).count_rotated(16) == 8
    assert turned.rope_interleaved
    assert "positions" in FAMILIES["gpt2"].describe_parameters(learned)


def test_gpt2_scales_attention_as_it_says() -> None:
    assert of_family("gpt2").attention_scale is None
    assert of_family("gpt2", scale_attn_weights=False).attention_scale == 1.0
    by_layer = of_family("gpt2", scale_attn_by_inverse_layer_idx=True).attention
    assert [attention.scale for attention in by_layer] == [1, 1 / 2, 1 / 3, 1 / 4]


@pytest.mark.parametrize(
    ("changes", "kv_heads", "norms"),
    [
        ({}, 1, ["attention_norm"]),
        ({"num_kv_heads": 4}, 1, ["attention_norm"]),  # as in Falcon 7B's file, which has one
        ({"multi_query": False}, 4, ["attention_norm"]),
        ({"parallel_attn": False}, 1, ["attention_norm", "mlp_norm"]),
        ({"new_decoder_architecture": True, "num_kv_heads": 2}, 2, ["attention_norm", "mlp_norm"]),
        ({"new_decoder_architecture": True, "num_ln_in_parallel_attn": 1}, 4, ["attention_norm"]),
    ],
)
def test_falcon_is_one_of_several(changes: dict[str, Any], kv_heads: int, norms: list[str]) -> None:
    decoder = of_family("falcon", **changes)
    layers = FAMILIES["falcon"].describe_parameters(decoder)["layers"]
    assert decoder.kv_heads == kv_heads
    assert [name for name in layers if name.endswith("_norm")] == norms
    assert layers["query"].view == (kv_heads, 4 // kv_heads + 2, 16, 64)


def test_rope_scaling_of_olmo3_is_that_of_full_layers() -> None:
    sliding, _, _, full = of_family("olmo3", rope_scaling=YARN | {"rope_type": "yarn"}).expand_attention()
    assert (sliding.rope, full.rope and full.rope.scaling) == (Rope(theta=5e5), "yarn")


def test_apertus_without_a_rope_has_that_of_llama3() -> None:
    published = LLAMA3 | {"rope_theta": 12e6}
    assert rope_of(of_family("apertus")) == rope_of(of_family("apertus", rope_parameters=published))
    assert rope_of(of_family("apertus", rope_theta=3.0)).theta == 12e6
    assert rope_of(of_family("apertus", rope_parameters={"rope_theta": 3.0})) == Rope(theta=3.0)


def test_alpha_of_hunyuan_stretches_the_base() -> None:
    scaling = {"type": "dynamic", "alpha": 100.0, "factor": 1.0, "mscale": 1.0}
    assert rope_of(of_family("hunyuan_v1_dense", rope_scaling=scaling)).theta == pytest.approx(1e4 * 100 ** (16 / 14))
    assert rope_of(of_family("hunyuan_v1_dense", rope_scaling={"type": "dynamic", "factor": 2.0})) == Rope(theta=1e4)


def test_queries_of_ministral_grow_in_steps_of_the_first_training() -> None:
    scaling = {"rope_type": "default", "llama_4_scaling_beta": 0.5, "original_max_position_embeddings": 2}
    growth = of_family("ministral3", rope_parameters=scaling).attention[0].query_growth
    assert growth
    np.testing.assert_allclose(growth.compute_factors(5), 1 + 0.5 * np.log([1, 1, 2, 2, 3]))
    np.testing.assert_allclose(dataclasses.replace(growth, first=1).compute_factors(3), 1 + 0.5 * np.log([1, 2, 2]))


def test_dynamic_rope_scales_nothing_that_fits_the_model() -> None:
    scaling = {"type": "dynamic", "factor": 4.0}
    assert of_family("llama", rope_scaling=scaling) == of_family("llama")


def test_yarn_stretches_attention_as_published() -> None:
    plain = rope_of(of_family("llama", rope_scaling=YARN | {"type": "yarn"}))
    assert plain.attention_factor == pytest.approx(0.1 * math.log(4) + 1)
    explicit = rope_of(of_family("llama", rope_scaling=YARN | {"type": "yarn", "attention_factor": 1.5}))
    assert explicit.attention_factor == 1.5
    both = YARN | {"type": "yarn", "mscale": 2.0, "mscale_all_dim": 1.0}
    stretch = (0.2 * math.log(4) + 1) / (0.1 * math.log(4) + 1)
    assert rope_of(of_family("llama", rope_scaling=both)).attention_factor == pytest.approx(stretch)


@pytest.mark.parametrize("kind", ["longrope", "su"])
def test_longrope_takes_the_long_factors_beyond_the_original_positions(kind: str) -> None:
    rope = rope_of(of_family("phi3", rope_scaling=PHI_FACTORS | {"type": kind}, original_max_position_embeddings=128))
    short, long = rope.compute_inverse_frequencies(16, 128), rope.compute_inverse_frequencies(16, 129)
    np.testing.assert_allclose(short, Rope(theta=1e4).compute_inverse_frequencies(16))
    np.testing.assert_allclose(long, short / 2)
    assert rope.attention_factor == pytest.approx(math.sqrt(1 + math.log(4) / math.log(128)))


@every_family
@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("logit_cap", 30),
        ("logit_cap", 0.5),
        ("use_something", True),
        ("a_rank", 512),
        ("layer_kinds", ["a"]),
        ("a_count", 1),
        ("is_encoder_decoder", True),
        ("use_bidirectional_attention", True),
        ("quantization_config", {"bits": 4}),
    ],
)
def test_field_of_unknown_meaning_is_refused_by_name(model_type: str, field: str, value: Any) -> None:
    with pytest.raises(ModelError, match=field):
        of_family(model_type, **{field: value})


@every_family
def test_fields_without_effect_change_nothing(model_type: str) -> None:
    changes = {
        "attention_dropout": 0.1,
        "pretraining_tp": 2,
        "torch_dtype": "bfloat16",
        "transformers_version": "4.31.0",
        "use_cache": True,
        "decoder_start_token_id": 7,
        "logit_cap": None,
        "logit_gain": 1.0,
        "use_something": False,
        "layer_kinds": [],
    }
    assert of_family(model_type, **changes) == of_family(model_type)


@pytest.mark.parametrize(
    ("model_type", "fields"),
    [
        ("gpt_neox", {"custom_pipelines": {"text-generation": {"impl": "m.P", "pt": "AutoModelForCausalLM"}}}),
        ("gpt_neox", {"num_steps": "global_step1000"}),
        ("llama", {"_flash_attn_2_enabled": True, "_model_name_or_path": "a/b", "pad_token": "<pad>"}),
        ("llama", {"is_causal": True, "layer_types": ["full_attention"] * 4, "sliding_window": 4096}),
        ("mistral", {"layer_types": ["full_attention"] * 4}),  # its window is longer than the model's positions
        ("mistral", {"layer_types": ["sliding_attention"] * 4}),
        ("qwen2", {"dual_chunk_attention_config": {"chunk_size": 262_144, "local_size": 8192}}),
        ("qwen3", {"rope_scaling": YARN | {"rope_type": "yarn", "extrapolation_factor": 1}}),
    ],
)
def test_fields_that_transformers_does_not_read_are_let_through(model_type: str, fields: dict[str, Any]) -> None:
    scaling = {"rope_scaling": YARN | {"rope_type": "yarn"}} if "rope_scaling" in fields else {}
    assert of_family(model_type, **fields) == of_family(model_type, **scaling)


@pytest.mark.parametrize(
    ("model_type", "fields", "said"),
    [
        ("qwen3", {"rope_scaling": YARN | {"rope_type": "yarn", "attn_factor": 0.878}}, "vLLM multiplies"),
        ("qwen2", {"dual_chunk_attention_config": {"chunk_size": 8192, "local_size": 1024}}, "vLLM attends to chunks"),
        ("llama", {"transformers_weights": "other.safetensors"}, "transformers reads the weights from that file"),
        ("llama", {"is_causal": False}, "unknown meaning"),
    ],
)
def test_field_that_tools_read_differently_is_refused_until_the_user_decides(
    model_type: str, fields: dict[str, Any], said: str
) -> None:
    with pytest.raises(ModelError, match=said) as caught:
        of_family(model_type, **fields)
    name = str(caught.value).rpartition("ignore_fields=")[2]
    config = mark_ignored(SIZES | {"model_type": model_type} | fields, frozenset([name]))
    assert find_family(config).parse_config(config)
    assert list_ignored(config) == (name,)
    assert name not in str(drop_ignored(config))


@pytest.mark.parametrize("name", ["rope_theta", "factor", "vocab_size"])
def test_field_with_a_meaning_cannot_be_ignored(name: str) -> None:
    config = SIZES | {"model_type": "llama", "rope_theta": 5e5, "rope_scaling": {"type": "linear", "factor": 2.0}}
    with pytest.raises(SettingsError, match=f"unknown meaning, found {name}"):
        find_family(config).parse_config(mark_ignored(config, frozenset([name])))


@pytest.mark.parametrize("method", ["gptq", "awq", "bitsandbytes", "compressed-tensors", "mxfp4", "fbgemm_fp8"])
@pytest.mark.parametrize("field", ["quantization_config", "compression_config", "quantization"])
def test_quantised_weights_are_called_so(field: str, method: str) -> None:
    found = rf"found a {field} \({method}\): name the model that was quantised"
    with pytest.raises(ModelError, match=rf"plain weights, fp8, or mxfp4 of gpt_oss, {found}"):
        of_family("llama", **{field: {"quant_method": method, "bits": 4}})


def test_quantised_weights_of_a_text_model_inside_another_are_seen() -> None:
    config = {"model_type": "gemma3", "text_config": SIZES | {"quantization_config": {"quant_method": "awq"}}}
    with pytest.raises(ModelError, match=r"text_config must describe plain weights, .*\(awq\): name the model that"):
        find_family(config)


FP8 = {"quant_method": "fp8", "fmt": "e4m3", "activation_scheme": "dynamic", "weight_block_size": [128, 64]}


@pytest.mark.parametrize(
    ("change", "block"),
    [
        ({}, (128, 64)),
        ({"weight_block_size": None, "activation_scheme": "static"}, None),
        ({"scale_fmt": "ue8m0"}, (128, 64)),
    ],
)
def test_fp8_is_read_with_its_blocks(change: dict[str, Any], block: tuple[int, int] | None) -> None:
    found = read_quantisation({"model_type": "llama", "quantization_config": FP8 | change})
    assert found == Quantisation(method="fp8", block=block)
    default = {name: value for name, value in FP8.items() if name != "weight_block_size"}
    assert read_quantisation({"quantization_config": default}) == Quantisation(method="fp8", block=(128, 128))


@pytest.mark.parametrize(
    "change",
    [
        {"fmt": "e5m2"}, {"expert_dtype": "fp4"}, {"activation_scheme": "other"}, {"scale_fmt": "other"},
        {"weight_block_size": 128}, {"weight_block_size": [128]}, {"weight_block_size": [0, 128]},
        {"weight_block_size": [128, 2**30]}, {"weight_block_size": [True, 128]}, {"kv_cache_scheme": {"bits": 8}},
    ],
)  # fmt: skip
def test_fp8_of_another_kind_is_refused_by_name(change: dict[str, Any]) -> None:
    with pytest.raises(ModelError, match=next(iter(change))) as caught:
        of_family("llama", quantization_config=FP8 | change)
    assert "quantization_config" in str(caught.value)


@pytest.mark.parametrize(
    ("model_type", "why"),
    [
        ("falcon_h1", "linear attention"),
        ("mamba2", "linear attention"),
        ("deepseek_v32", "latent attention"),
        ("bert", "encoder"),
        ("t5", "encoder"),
    ],
)
def test_family_that_cannot_be_computed_is_refused_with_the_reason(model_type: str, why: str) -> None:
    with pytest.raises(ModelError, match=f"{model_type}', which has .*{why}.*: choose such a model"):
        find_family(LEAST | {"model_type": model_type})


@pytest.mark.parametrize(
    ("model_type", "change", "named"),
    [
        ("qwen3", {"layer_types": ["linear_attention"] * 4}, "linear_attention"),
        ("qwen2", {"layer_types": "full_attention"}, "layer_types"),
        ("qwen2", {"use_sliding_window": True, "layer_types": ["full_attention"] * 3}, "each of 4 layers, found 3"),
        ("qwen2", {"layer_types": ["sliding_attention"] * 4}, "sliding_window"),
        ("qwen2", {"max_window_layers": -1}, "max_window_layers"),
        ("qwen2", {"rope_scaling": YARN | {"type": "yarn", "mystery": 3}}, "mystery"),
        ("qwen2", {"rope_parameters": {"mrope_section": [1, 2]}}, "mrope_section"),
        ("mistral", {"layer_types": ["full_attention"] * 4, "sliding_window": 7}, "layer_types"),
        ("llama", {"layer_types": ["sliding_attention"] * 4}, "layer_types"),
        ("llama", {"sliding_window": 7}, "sliding_window"),
        ("mistral", {"sliding_window": 0}, "sliding_window"),
        ("mistral", {"partial_rotary_factor": 0.5}, "partial_rotary_factor"),
        ("gpt_neox", {"rotary_pct": 0.0}, "rotary_pct"),
        ("gpt_neox", {"rotary_pct": 0.2}, "partial_rotary_factor"),
        ("gpt_neox", {"rope_theta": 1e6}, "rope_theta"),
        ("gpt_neox", {"head_dim": 8}, "head_dim"),
        ("phi3", {"rope_scaling": {"type": "linear", "factor": 2.0}}, "linear"),
        ("phi3", {"rope_scaling": {"type": "longrope", "short_factor": [1.0]}}, "long_factor"),
        ("phi3", {"rope_scaling": PHI_FACTORS | {"type": "su", "short_factor": [1.0]}}, "8 short_factor"),
        ("phi3", {"rope_scaling": PHI_FACTORS | {"type": "su", "short_factor": ["a"] * 8}}, "short_factor"),
        ("phi3", {"lm_head_bias": True}, "lm_head_bias"),
        ("phi3", {"interpolate_factor": 2}, "interpolate_factor"),
        ("gemma3_text", {"attn_logit_softcapping": 50.0}, "attn_logit_softcapping"),
        ("gemma3_text", {"rope_parameters": {"rope_type": "linear", "factor": 2.0}}, "rope_parameters"),
        ("gemma2", {"final_logit_softcapping": -1.0}, "final_logit_softcapping"),
        ("mixtral", {"num_experts_per_tok": 9}, "experts"),
        ("olmo3", {"rope_theta": 1e6}, "rope_theta"),
        ("olmo3", {"rope_parameters": {"rope_type": "linear", "factor": 2.0}}, "rope_parameters"),
        ("smollm3", {"no_rope_layers": [1, 0]}, "no_rope_layers"),
        ("smollm3", {"no_rope_layers": [1, 0, 2, 1]}, "no_rope_layers"),
        ("smollm3", {"layer_types": ["sliding_attention"] * 4, "sliding_window": 7}, "sliding_window"),
        ("smollm3", {"layer_types": ["full_attention"] * 5}, "each of 4 layers, found 5"),
        ("apertus", {"qk_norm": False}, "qk_norm"),
        ("apertus", {"mlp_bias": True}, "mlp_bias"),
        ("ministral3", {"rope_parameters": {"llama_4_scaling_beta": -1}}, "llama_4_scaling_beta"),
        ("glm4", {"partial_rotary_factor": 0.2}, "partial_rotary_factor"),
        ("granite", {"residual_multiplier": -0.2}, "residual_multiplier"),
        ("granite", {"logits_scaling": 0}, "logits_scaling"),
        ("cohere2", {"use_qk_norm": True}, "use_qk_norm"),
        ("cohere2", {"use_parallel_block": False}, "use_parallel_block"),
        ("cohere2", {"head_dim": 8}, "head_dim"),
        ("exaone4", {"sliding_window_pattern": "LLLG"}, "sliding_window_pattern"),
        ("hunyuan_v1_dense", {"use_cla": True}, "use_cla"),
        ("hunyuan_v1_dense", {"use_qk_norm": False}, "use_qk_norm"),
        ("qwen3_moe", {"num_experts_per_tok": 129}, "128 experts there are, found 129"),
        ("qwen3_moe", {"mlp_only_layers": "0"}, "list of layers as mlp_only_layers"),
        (
            "qwen3_moe",
            {"use_sliding_window": True, "sliding_window": 7, "layer_types": ["full_attention"] * 4},
            "layer_types",
        ),
        ("olmoe", {"head_dim": 8}, "head_dim"),
        ("glm4_moe", {"n_group": 3}, "128 experts into groups of equal size"),
        ("glm4_moe", {"n_group": 64, "topk_group": 1}, "at most the 2 experts of the chosen groups"),
        ("deepseek_v3", {"num_key_value_heads": 2}, "num_key_value_heads=4, found 2"),
        ("deepseek_v3", {"topk_method": "greedy"}, "topk_method='noaux_tc'"),
        ("deepseek_v3", {"moe_layer_freq": 2}, "moe_layer_freq"),
        ("deepseek_v2", {"norm_topk_prob": True}, "norm_topk_prob"),
        ("llama4_text", {"no_rope_layers": [1, 2, 1, 1]}, "no_rope_layers"),
        ("qwen3_next", {"layer_types": ["linear_attention"]}, "each of 4 layers, found 1"),
        ("qwen3_next", {"linear_value_head_dim": 64}, "linear_value_head_dim=128, found 64"),
        ("qwen3_next", {"linear_num_value_heads": 24}, "multiple of linear_num_key_heads"),
        ("llama4_text", {"moe_layers": [4]}, "list of the 4 layers as moe_layers"),
        ("llama4_text", {"layer_types": ["chunked_attention"]}, "each of 4 layers, found 1"),
        ("gpt2", {"add_cross_attention": True}, "add_cross_attention"),
        ("gpt2", {"hidden_size": 65}, "hidden_size"),
        ("gptj", {"rotary_dim": 7}, "even rotary_dim"),
        ("gptj", {"rotary_dim": 18}, "rotary_dim of at most 16"),
        ("falcon", {"alibi": True}, "alibi=false"),
        ("falcon", {"num_ln_in_parallel_attn": 2}, "num_ln_in_parallel_attn=2"),
        ("falcon", {"new_decoder_architecture": True, "parallel_attn": False}, "parallel_attn=False"),
        ("falcon", {"multi_query": False, "num_kv_heads": 2}, "num_kv_heads"),
        ("falcon", {"n_layer": 32}, "n_layer"),
        ("starcoder2", {"norm_type": "rms_norm"}, "norm_type"),
        ("stablelm", {"head_dim": 8}, "head_dim"),
        ("stablelm", {"rope_pct": 0.5}, "rope_pct"),
        ("nemotron", {"rope_percent": 0.25}, "rope_percent"),
        ("phi", {"partial_rotary_factor": 0.2}, "partial_rotary_factor"),
    ],
)
def test_what_a_family_cannot_compute_is_refused_by_name(model_type: str, change: dict[str, Any], named: str) -> None:
    with pytest.raises(ModelError, match=named) as caught:
        of_family(model_type, **change)
    assert "\n" not in str(caught.value)


def test_text_inside_the_gemma_that_sees_is_the_text_model() -> None:
    config = {"model_type": "gemma3", "text_config": SIZES, "vision_config": {"hidden_size": 8}}
    family = find_family(config)
    assert family.parse_config(config) == of_family("gemma3_text")
    assert family.sources["embed"] == "language_model.model.embed_tokens.weight"
    assert family.needs_bos


@pytest.mark.parametrize("inner", ["mistral", "ministral3"])
def test_text_inside_the_mistral_that_sees_is_the_text_model(inner: str) -> None:
    config = {"model_type": "mistral3", "text_config": SIZES | {"model_type": inner}, "vision_config": {}}
    assert find_family(config).parse_config(config) == of_family(inner)
    for outer, of_text, tied in ((True, False, True), (False, True, False), (None, True, True), (None, None, False)):
        said = config | {"tie_word_embeddings": outer}
        said["text_config"] = SIZES | {"model_type": inner, "tie_word_embeddings": of_text}
        assert find_family(said).parse_config(said).tied_head == tied
    other = config | {"text_config": SIZES | {"model_type": "mistral4"}}
    with pytest.raises(ModelError, match=r"text_config must have a model_type of mistral, ministral3; found 'mistral4"):
        find_family(other).parse_config(other)


def test_only_gemma_breaks_without_a_bos() -> None:
    gemmas = {"gemma2", "gemma3", "gemma3_text", "vaultgemma"}
    assert {name for name, family in FAMILIES.items() if family.needs_bos} == gemmas


@every_family
def test_parameter_without_a_place_in_the_checkpoint_is_refused(model_type: str) -> None:
    config = dataclasses.replace(of_family(model_type), biases=frozenset(["query", "key_value_down"]))
    sources = {name: source for name, source in FAMILIES[model_type].sources.items() if not name.endswith("_bias")}
    with pytest.raises(ModelError, match=r"query_bias|key_value_down_bias"):
        describe_parameters(config, sources)
