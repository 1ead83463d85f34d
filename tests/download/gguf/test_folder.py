"""A GGUF file gives the tensors, the configuration and the scores of the model that it was written from."""

import dataclasses
import json
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from gguf import MODEL_ARCH, GGMLQuantizationType, GGUFReader, get_tensor_name_map
from gguf.quants import dequantize, quantize
from safetensors.numpy import load, save_file

from byheart.components.download.gguf.folder import GgufFolder
from byheart.components.download.gguf.header import read_gguf
from byheart.components.extract import checkpoint
from byheart.components.extract.scoring import make_scorer
from byheart.components.extract.sharding import use_one_device
from byheart.contracts.errors import ModelError
from byheart.models.folder import ModelFolder, open_model, open_model_at
from byheart.store import open_store
from tests.download.gguf.conversion import permute
from tests.download.gguf.written import read_model, write_gguf

GOLDENS = Path(__file__).parents[2] / "extract" / "goldens"
KINDS = ("F16", "Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q8_0", "MXFP4", "Q4_K", "Q6_K", "IQ4_XS")


def opened(path: Path) -> GgufFolder:
    return GgufFolder(read_gguf(open_store(str(path.parent)), path.name), {})


def refusal(path: Path) -> str:
    with pytest.raises(ModelError) as caught:
        open_model_at(opened(path)).check_tensors()
    message = str(caught.value)
    assert "\n" not in message
    assert "GGUF" in message or path.name in message
    return message


def copied(folder: GgufFolder, target: Path) -> Path:
    target.mkdir()
    for stored in folder.list():
        (target / stored.name).write_bytes(folder.read(stored.name))
    return target


def scores(model: ModelFolder, token_ids: np.ndarray) -> np.ndarray:
    model.check_tensors()
    params = checkpoint.load(model, jnp.dtype("float32"), use_one_device())
    parameters = model.describe_parameters()
    score = make_scorer(model.decoder, parameters, use_one_device(), scored_tokens=99, temperature=1.0, top_k=0)
    return np.asarray(jax.tree.map(np.asarray, score(params, jnp.asarray(token_ids))).log_prob)


@pytest.mark.parametrize("name", ["gqa_untied", "linear_biases_float16_sharded"])
def test_scores_are_those_of_transformers(name: str, tmp_path: Path) -> None:
    """Biases, grouped heads, linear scaling and a head of its own; a wrong order of rows moves them by whole nats."""
    path = write_gguf(tmp_path / "toy.gguf", *read_model(GOLDENS / name))
    with np.load(GOLDENS / name / "golden.npz") as golden:
        found = scores(open_model(copied(opened(path), tmp_path / "folder")), golden["token_ids"])
        assert np.abs(found - golden["log_probs"]).max() < 1e-4


@pytest.mark.parametrize("kind", ["BF16", "Q4_1"])
def test_scores_are_to_the_bit_those_of_the_dequantised_tensors(kind: str, tmp_path: Path) -> None:
    config, tensors = read_model(GOLDENS / "llama3_old_tied_head_dim")
    config |= {"rope_scaling": None}
    wanted = GGMLQuantizationType[kind]
    plain = {
        name: dequantize(quantize(weights, wanted), wanted) if weights.ndim > 1 else weights
        for name, weights in tensors.items()
    }
    (tmp_path / "plain").mkdir()
    (tmp_path / "plain" / "config.json").write_text(json.dumps(config))
    save_file(plain, tmp_path / "plain" / "model.safetensors")
    folder = opened(write_gguf(tmp_path / "toy.gguf", config, tensors, kind))
    assert folder.quantisation == kind
    token_ids = np.random.default_rng(0).integers(0, 160, (2, 100), np.int32)
    np.testing.assert_array_equal(
        scores(open_model(copied(folder, tmp_path / "folder")), token_ids),
        scores(open_model(tmp_path / "plain"), token_ids),
    )


def test_rows_of_queries_and_keys_are_put_back() -> None:
    """By hand: of two heads of four rows, llama.cpp keeps first half and second half in turn."""
    np.testing.assert_array_equal(permute(np.arange(8)[:, None], 2)[:, 0], [0, 2, 1, 3, 4, 6, 5, 7])


@pytest.mark.parametrize("piece", [97, 4096])
def test_any_range_of_bytes_is_that_of_the_file(piece: int, tmp_path: Path) -> None:
    path = write_gguf(tmp_path / "toy.gguf", *read_model(GOLDENS / "gqa_untied"))
    folder = opened(path)
    size = next(stored.size_bytes for stored in folder.list("model.safetensors"))
    pieces = [
        folder.read_range("model.safetensors", start, min(start + piece, size)) for start in range(0, size, piece)
    ]
    assert b"".join(pieces) == folder.read("model.safetensors")
    tensors = load(b"".join(pieces))
    for name, weights in read_model(GOLDENS / "gqa_untied")[1].items():
        np.testing.assert_array_equal(tensors[name], weights, err_msg=name)


@pytest.mark.parametrize("kind", KINDS)
def test_tensors_are_those_that_the_library_reads(kind: str, tmp_path: Path) -> None:
    config = read_model(GOLDENS / "gqa_untied")[0]
    config |= {"hidden_size": 256, "intermediate_size": 512, "num_attention_heads": 4, "num_hidden_layers": 1}
    shapes = {
        "model.embed_tokens": (160, 256),
        "model.norm": (256,),
        "lm_head": (160, 256),
        "input_layernorm": (256,),
        "self_attn.q_proj": (256, 256),
        "self_attn.k_proj": (128, 256),
        "self_attn.v_proj": (128, 256),
        "self_attn.o_proj": (256, 256),
        "post_attention_layernorm": (256,),
        "mlp.gate_proj": (512, 256),
        "mlp.up_proj": (512, 256),
        "mlp.down_proj": (256, 512),
    }
    model = ("model.embed_tokens", "model.norm", "lm_head")
    names = {(name if name in model else f"model.layers.0.{name}") + ".weight": shapes[name] for name in shapes}
    weights = {name: np.random.default_rng(0).normal(size=shape) for name, shape in names.items()}
    path = write_gguf(tmp_path / "toy.gguf", config, weights, kind)
    folder = opened(path)
    open_model_at(folder).check_tensors()
    found, known = load(folder.read("model.safetensors")), {tensor.name: tensor for tensor in GGUFReader(path).tensors}
    of_gguf = get_tensor_name_map(MODEL_ARCH.LLAMA, 1)
    for name in names:
        tensor = known[of_gguf.get_name(name, [".weight"]) or ""]
        expected = dequantize(tensor.data, tensor.tensor_type)
        heads = {"q_proj": 4, "k_proj": 2}.get(name.split(".")[-2])
        order = permute(np.arange(len(expected))[:, None], heads)[:, 0] if heads else np.arange(len(expected))
        np.testing.assert_array_equal(found[name][order], expected, err_msg=name)
    assert np.isfinite(found["lm_head.weight"]).all()
    assert np.unique(found["lm_head.weight"]).size > 10


def llama3_divisors(head_dim: int, theta: float, factor: float) -> np.ndarray:
    """What llama.cpp's conversion writes for Llama 3.1, number by number."""
    divisors = []
    for pair in range(head_dim // 2):
        wavelength = 2 * np.pi * theta ** (2 * pair / head_dim)
        if wavelength < 8192 / 4:
            divisors.append(1.0)
        elif wavelength > 8192 / 1:
            divisors.append(factor)
        else:
            smooth = (8192 / wavelength - 1) / (4 - 1)
            divisors.append(1 / ((1 - smooth) / factor + smooth))
    return np.array(divisors, np.float32)


@pytest.mark.parametrize("factor", [8.0, 32.0])
def test_scaling_of_llama_3_is_read_off_its_frequencies(factor: float, tmp_path: Path) -> None:
    config, tensors = read_model(GOLDENS / "llama3_old_tied_head_dim")
    config |= {"rope_theta": 500_000.0, "rope_scaling": None}
    divisors = llama3_divisors(16, 500_000.0, factor)
    path = write_gguf(tmp_path / "toy.gguf", config, tensors, extra={"rope_freqs.weight": divisors})
    rope = open_model_at(opened(path)).decoder.attention[0].rope
    assert rope
    assert (rope.scaling, rope.factor, rope.original_positions) == ("llama3", factor, 8192)
    plain = dataclasses.replace(rope, scaling=None).compute_inverse_frequencies(16)
    np.testing.assert_allclose(rope.compute_inverse_frequencies(16), plain / divisors, rtol=1e-6)
    divisors[3] *= 1.01
    path = write_gguf(tmp_path / "other.gguf", config, tensors, extra={"rope_freqs.weight": divisors})
    assert "as Llama 3 does" in refusal(path)


def test_configuration_is_that_of_the_model(tmp_path: Path) -> None:
    path = write_gguf(tmp_path / "toy.gguf", *read_model(GOLDENS / "linear_biases_float16_sharded"))
    assert open_model_at(opened(path)).decoder == open_model(GOLDENS / "linear_biases_float16_sharded").decoder


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"general.architecture": "gptj"}, "of one of llama, mistral3, smollm3"),
        ({"general.type": "adapter"}, "must hold a model, found general.type='adapter'"),
        ({"split.count": 3}, "merge them"),
        ({"llama.expert_count": 8}, "llama.expert_used_count"),
        ({"llama.rope.scaling.type": "su", "llama.rope.scaling.factor": 4.0}, "none, linear, yarn"),
        ({"llama.attention.sliding_window": 4096}, "llama.attention.sliding_window=4096"),
        ({"llama.rope.dimension_count": 8}, "llama.rope.dimension_count=10"),
        ({"llama.attention.value_length": 12}, "llama.attention.value_length=10"),
        ({"llama.block_count": None}, "llama.block_count"),
        ({"llama.block_count": 3}, "missing is model.layers.2"),
        ({"llama.attention.head_count": [4, 4]}, "a whole number"),
        ({"llama.attention.layer_norm_rms_epsilon": float("nan")}, "positive llama.attention.layer_norm_rms_epsilon"),
        ({"tokenizer.ggml.model": None}, "found none: say by tokenizer= where the model's own tokenizer.json is"),
        ({"tokenizer.ggml.pre": "viking"}, "gpt2 with 'viking'"),
        ({"tokenizer.ggml.pre": None}, "gpt2 with 'default'"),
        ({"tokenizer.ggml.merges": ["a c"]}, "'a c'"),
        ({"tokenizer.ggml.bos_token_id": 4}, "one of 4 tokens as BOS"),
        ({"tokenizer.ggml.tokens": ["<s>", "a", "a", "ab"]}, "each token once"),
        ({"tokenizer.ggml.tokens": 3}, "tokenizer.ggml.tokens as a list"),
    ],
)
def test_what_cannot_be_computed_is_refused_by_name(fields: dict[str, Any], said: str, tmp_path: Path) -> None:
    message = refusal(write_gguf(tmp_path / "toy.gguf", *read_model(GOLDENS / "gqa_untied"), fields=fields))
    assert said in message


def test_tensor_of_unknown_meaning_is_refused(tmp_path: Path) -> None:
    extra = {"blk.0.attn_q_norm.weight": np.ones(10, np.float32)}
    path = write_gguf(tmp_path / "toy.gguf", *read_model(GOLDENS / "gqa_untied"), extra=extra)
    assert "blk.0.attn_q_norm.weight" in refusal(path)
