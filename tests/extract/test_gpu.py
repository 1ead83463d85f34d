"""The forms for GPUs, computed on the CPU, against the plain ones; that cuDNN takes them only a GPU can show."""

import dataclasses
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax._src.cudnn import fused_attention_stablehlo

from byheart.components.extract import decoder
from byheart.components.extract.attention import attend
from byheart.components.extract.gpu import OPTIONS, fall_back, find_fused_attention
from byheart.components.extract.largest import find_kth_largest_by_sorting
from byheart.components.extract.rotary import compute_positions, find_causal_scale
from byheart.components.extract.scoring import make_scorer
from byheart.components.extract.sharding import Sharding, use_one_device
from byheart.models.decoder_config import Attention, DecoderConfig
from byheart.models.families import find_family
from byheart.models.rope import Rope
from tests.extract.test_decoder import GOLDENS, HASTY, TOLERANCE, at, golden, largest, loaded, log_softmax
from tests.extract.test_kernels import PLAIN, make_weights, parse_config
from tests.models.known_shapes import CONFIGS


def fused(config: DecoderConfig, tokens: int) -> Any:
    """The fused attention by XLA, which computes in float32 too."""
    return find_fused_attention(config, tokens, jnp.bfloat16, "xla")


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"kv_heads": 1, "attention_scale": 0.7},
        {"attention": (Attention(rope=Rope(theta=1e4), window=9), Attention(rope=None)), "layers": 2},
    ],
    ids=str,
)
def test_fused_attention_is_that_of_the_plain_form(change: dict[str, Any]) -> None:
    config, random = dataclasses.replace(PLAIN, **change), np.random.default_rng(3)
    weights, states = make_weights(config, random), random.normal(size=(4 * 9, config.embed)).astype(np.float32)
    positions = jax.tree.map(lambda table: table[0], compute_positions(config, 9, np.float32)[0])
    fast = fused(config, 9)
    assert fast is not None
    found, expected = (
        jax.jit(partial(attend, config=config, kernel=kernel))(weights, states=states, positions=positions)
        for kernel in (fast, None)
    )
    np.testing.assert_allclose(found, expected, atol=2e-5)


@pytest.mark.parametrize(
    "change",
    [
        {"attention_softcap": 50.0},
        {"attention_sinks": True},
        {"head_dim": 256},
        {"head_dim": 12},
        {"attention": (Attention(rope=Rope(theta=1e4), window=8),)},
        {"attention": (Attention(rope=Rope(theta=1e4), scale=2.0), Attention(rope=None)), "layers": 2},
    ],
    ids=str,
)
def test_attention_that_is_not_plainly_causal_is_not_fused(change: dict[str, Any]) -> None:
    assert find_fused_attention(PLAIN, 9, jnp.float16) is not None
    assert find_fused_attention(dataclasses.replace(PLAIN, **change), 9, jnp.float16) is None
    assert find_fused_attention(PLAIN, 9, jnp.float32) is None


def test_scale_is_that_of_all_layers_or_none() -> None:
    assert find_causal_scale(PLAIN, 9) == pytest.approx(0.25)
    assert find_causal_scale(dataclasses.replace(PLAIN, attention_scale=0.5), 9) == 0.5


FUSED = [name for name in GOLDENS if fused(parse_config(name), golden(name).token_ids.shape[1] - 1)]
FIRST = {name.split("_")[0]: name for name in reversed(FUSED)}


@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=pytest.mark.slow if name in FIRST.values() else pytest.mark.nightly) for name in FUSED],
)
def test_every_family_whose_attention_is_fused_agrees_with_transformers(name: str) -> None:
    model, params = loaded(GOLDENS[name])
    held = golden(name)
    kernel = fused(model.decoder, held.token_ids.shape[1] - 1)

    def forward(params: decoder.Params, token_ids: jax.Array) -> jax.Array:
        hidden = decoder.compute_hidden_states(params, model.decoder, token_ids, kernel=kernel)
        return decoder.compute_logits(params, model.decoder, hidden)

    logits = np.asarray(jax.jit(forward, compiler_options=HASTY)(params, held.token_ids[:, :-1]))
    assert largest(at(log_softmax(logits), held.token_ids) - held.log_probs) < TOLERANCE


def test_families_that_are_measured_most_are_among_them() -> None:
    assert {"sample", "mistral", "mixtral", "qwen3", "olmo2"} <= FIRST.keys()


@pytest.mark.parametrize("columns", [17, 1000, 5_130])
@pytest.mark.parametrize("k", [1, 2, 5, 17])
def test_kth_largest_is_what_a_sort_finds(k: int, columns: int) -> None:
    random = np.random.default_rng(columns + k)
    values = random.normal(0, 5, (30, columns)).astype(np.float32)
    values[10:] = np.round(values[10:])  # many ties
    values[20:, : columns // 2] = -np.inf
    values[29] = 1.5
    found = jax.jit(find_kth_largest_by_sorting, static_argnums=1)(values, k)
    np.testing.assert_array_equal(found, np.sort(values, axis=-1)[..., -k])


def test_compiler_knows_the_options() -> None:
    """They are options of XLA as a whole, which reads them on a CPU too."""
    jax.jit(lambda x: x + 1, compiler_options=OPTIONS)(1.0)
    with pytest.raises(jax.errors.JaxRuntimeError, match="No such compile option"):
        jax.jit(lambda x: x + 2, compiler_options={"xla_gpu_no_such_option": 0})(1.0)


@pytest.mark.parametrize(("dtype", "calls_cudnn"), [(jnp.bfloat16, True), (jnp.float32, False)])
def test_program_for_cuda_calls_cudnn_for_weights_of_16_bits(
    dtype: Any, calls_cudnn: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Lowered for CUDA as if a card were here, of which JAX asks the versions; compiled it is not."""
    monkeypatch.setattr(fused_attention_stablehlo, "check_cudnn_version", lambda: 90_000)
    monkeypatch.setattr(fused_attention_stablehlo, "check_compute_capability", lambda _: True)
    monkeypatch.setattr(fused_attention_stablehlo, "is_cuda_compute_capability_equal", lambda _: False)
    monkeypatch.setattr(Sharding, "platform", "gpu")
    content = CONFIGS["llama-3.1-8b"]
    family = find_family(content)
    config = family.parse_config(content)
    parameters = family.describe_parameters(config)
    params = jax.tree.map(lambda parameter: jax.ShapeDtypeStruct(parameter.shape, dtype), parameters)
    score = make_scorer(config, parameters, use_one_device(), scored_tokens=50, temperature=1.0, top_k=40)
    traced = score.trace(params, jax.ShapeDtypeStruct((256, 100), jnp.int32))
    program = traced.lower(lowering_platforms=("cuda",)).as_text()
    assert ("__cudnn$fmhaSoftmax" in program) == calls_cudnn


def test_form_that_cannot_be_compiled_gives_way_with_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    query = jnp.ones((2, 9, 4, 16), jnp.bfloat16)
    attend_by_cudnn = jax.jit(partial(jax.nn.dot_product_attention, is_causal=True, implementation="cudnn"))
    plain = jax.jit(partial(jax.nn.dot_product_attention, is_causal=True, implementation="xla"))
    compiled = fall_back(
        *(lambda form=form: form.lower(query, query, query).compile() for form in (attend_by_cudnn, plain))
    )
    assert compiled(query, query, query).shape == query.shape
    assert "computes in the plain form, for the faster one cannot be compiled: " in capsys.readouterr().out


def test_form_that_is_compiled_stays(capsys: pytest.CaptureFixture[str]) -> None:
    assert fall_back(lambda: 1, lambda: 2) == 1
    assert capsys.readouterr().out == ""
