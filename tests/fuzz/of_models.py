"""Parsers of a model's files."""

import functools
import json
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
from safetensors.numpy import save

from byheart.components.download.gguf.convert import choose_tokenizer
from byheart.components.download.gguf.folder import GgufFolder
from byheart.components.download.gguf.header import read_gguf
from byheart.components.tokenize.pieces import list_pieces
from byheart.components.tokenize.tokenizer import load_tokenizer
from byheart.models.adapted import adapt, check_changes
from byheart.models.adapter import ADAPTER_WEIGHTS, open_adapter
from byheart.models.encoding import find_encoding
from byheart.models.families import FAMILIES, find_family
from byheart.models.families.quantisation import Quantisation
from byheart.models.folder import CONFIG, open_model, read_config
from byheart.models.mistaken import ADAPTER_CONFIG
from byheart.models.tensors import read_numbers, read_tensors
from byheart.models.weights import INDEX, WEIGHTS, list_tensor_files
from byheart.store import open_store
from tests.fuzz.changed import change_bytes, change_json
from tests.fuzz.files import change_gguf, change_safetensors
from tests.fuzz.parser import Parser
from tests.tokenize.toy_tokenizers import KINDS, build

_TEXT = "The ferryman did not answer her at once. “You came for the café,” he said — and laughed 1789 times.\r\n\t🙂"
_MOST_HEAD_DIM = 4_096
"""Frequencies are computed of models whose tensors are there."""


@functools.cache
def _make_weights() -> bytes:
    one = np.zeros((2, 3), np.float32)
    return save(
        {"model.embed_tokens.weight": one, "lm_head.weight": one.astype(np.float16), "n": one[:, 0]}, {"format": "pt"}
    )


def _read_safetensors(data: bytes, folder: Path) -> object:
    (folder / WEIGHTS).write_bytes(data)
    place = open_store(str(folder), "model")
    return [tensor.read(place) for tensor in read_tensors(place, WEIGHTS).values()]


@functools.cache
def _make_quantised() -> bytes:
    """Weights in 8 and in 4 bits, with their scales."""
    tensors: dict[str, np.ndarray] = {
        "a": np.zeros((5, 3), ml_dtypes.float8_e4m3fn),
        "a_scale_inv": np.ones((3, 2), np.float32),
        "b_blocks": np.zeros((2, 3, 2, 16), np.uint8),
        "b_scales": np.full((2, 3, 2), 120, np.uint8),
    }
    return save(tensors, {"format": "pt"})


def _read_quantised(data: bytes, folder: Path) -> object:
    (folder / WEIGHTS).write_bytes(data)
    place = open_store(str(folder), "model")
    tensors, found = read_tensors(place, WEIGHTS), []
    for kind in (Quantisation(method="fp8", block=(2, 2)), Quantisation(method="fp8"), Quantisation(method="mxfp4")):
        for name, tensor in tensors.items():
            encoding = find_encoding(name, tensors, kind)
            if encoding and not encoding.check(tensors.get(encoding.scales_name)):
                scales, rows = tensors[encoding.scales_name], range(tensor.shape[0])
                values = encoding.decode(tensor.read(place), scales.read(place), scales.dtype, rows)
                assert values.shape == encoding.shape
                found.append(values)
    return found


def _read_index(data: bytes, folder: Path) -> object:
    (folder / INDEX).write_bytes(data)
    (folder / "a.safetensors").write_bytes(_make_weights())
    return list_tensor_files(open_store(str(folder), "model"), "the model")


def _list_configs() -> list[bytes]:
    shape = {
        "vocab_size": 32, "hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2,
        "intermediate_size": 32, "max_position_embeddings": 4_096, "rms_norm_eps": 1e-5, "hidden_act": "silu",
        "rope_theta": 1e4, "tie_word_embeddings": False, "torch_dtype": "float32", "architectures": ["X"],
    }  # fmt: skip
    of_families: dict[str, dict[str, Any]] = {
        "gpt_neox": {"layer_norm_eps": 1e-5, "rotary_pct": 0.25, "hidden_act": "gelu", "use_parallel_residual": True},
        "gemma2": {"hidden_act": "gelu_pytorch_tanh", "sliding_window": 64, "query_pre_attn_scalar": 4,
            "attn_logit_softcapping": 50.0},
        "gemma3": {"text_config": shape | {"hidden_activation": "gelu_pytorch_tanh", "sliding_window": 64}},
        "gemma3_text": {"hidden_activation": "gelu_pytorch_tanh", "sliding_window": 64, "hidden_act": None,
                        "layer_types": ["sliding_attention", "full_attention"],
                        "rope_parameters": {"full_attention": {"rope_type": "linear", "factor": 8.0}}},
        "mistral3": {"text_config": shape | {"model_type": "ministral3"}},
        "mixtral": {"num_local_experts": 4, "num_experts_per_tok": 2},
        "phi3": {"rope_scaling": {"type": "longrope", "short_factor": [1.0, 1.1], "long_factor": [2.0, 4.0]},
                 "original_max_position_embeddings": 2_048, "pad_token_id": 0},
    }  # fmt: skip
    ropes: list[dict[str, Any]] = [
        {"rope_type": "linear", "factor": 2.0},
        {"rope_type": "dynamic", "factor": 2.0},
        {"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
        "original_max_position_embeddings": 512},
        {"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 512, "mscale": 1.0,
        "mscale_all_dim": 1.0, "beta_fast": 32},
    ]  # fmt: skip
    configs = [shape | {"model_type": name} | of_families.get(name, {}) for name in FAMILIES]
    configs += [shape | {"model_type": "llama", "rope_scaling": rope} for rope in ropes]
    fp8 = {"quant_method": "fp8", "fmt": "e4m3", "weight_block_size": [128, 128], "activation_scheme": "dynamic"}
    configs += [shape | {"model_type": "llama", "quantization_config": fp8}]
    return [json.dumps(config).encode() for config in configs]


def _read_config(data: bytes, folder: Path) -> object:
    (folder / CONFIG).write_bytes(data)
    (folder / WEIGHTS).write_bytes(_make_weights())
    config = read_config(open_store(str(folder), "model"))
    decoder = find_family(config).parse_config(config)
    for rope in {attention.rope for attention in decoder.attention if attention.rope}:
        if decoder.head_dim <= _MOST_HEAD_DIM:
            assert np.isfinite(rope.compute_inverse_frequencies(decoder.head_dim)).all()
    open_model(folder).check_tensors()
    return decoder


def _read_tokenizer(data: bytes, folder: Path, name: str = "tokenizer.json") -> object:
    (folder / "tokenizer.json").write_bytes(_list_tokenizers()[0])
    (folder / name).write_bytes(data)
    tokenizer = load_tokenizer(folder)
    return list(tokenizer.encode([_TEXT, "", _TEXT[::-1]])), list_pieces(tokenizer.backend)


@functools.cache
def _list_tokenizers() -> Sequence[bytes]:
    """Small, since a large vocabulary is most of what would be changed."""
    with tempfile.TemporaryDirectory() as folder:
        return [(build(kind, Path(folder) / kind) / "tokenizer.json").read_bytes() for kind in KINDS]


def _list_tokenizer_configs() -> Sequence[bytes]:
    added = {
        "0": {
            "content": "<s>",
            "lstrip": False,
            "normalized": False,
            "rstrip": False,
            "single_word": False,
            "special": True,
        }
    }
    return [
        json.dumps({"tokenizer_class": "PreTrainedTokenizerFast", "bos_token": "<s>", "added_tokens_decoder": added,
                    "model_max_length": 1e30, "clean_up_tokenization_spaces": False}).encode(),
        json.dumps({"bos_token": {"__type": "AddedToken", "content": "<s>"}, "chat_template": "{{ x }}",
        "auto_map": {}}).encode(),
    ]  # fmt: skip


_GOLDENS = Path(__file__).parents[1] / "extract" / "goldens"
_REARRANGED = (
    "apertus_bias_new", "deepseek_v2_groups_old", "gemma3_two_bases_old", "glm4_moe_groups_old", "gpt2_tied_unscaled",
    "gpt_neox_parallel_old", "gpt_oss_mxfp4", "mixtral_old", "phi3_short_factors_old",
    "qwen3_5_moe_text_new",
)  # fmt: skip


@functools.cache
def _list_ggufs() -> Sequence[bytes]:
    """A model of one layer with a byte-level tokenizer, one with SentencePiece's and Llama 3's scaling, and models of
    architectures whose weights are rearranged."""
    from byheart.models.rope import Rope
    from tests.download.gguf.written import read_model, write_gguf

    config = {
        "model_type": "llama", "hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2,
        "num_key_value_heads": 1, "intermediate_size": 8, "vocab_size": 4, "max_position_embeddings": 64,
        "rope_theta": 1e4,
    }  # fmt: skip
    layer = "model.layers.0."
    shapes = {
        "model.embed_tokens": (4, 8), "model.norm": (8,), "lm_head": (4, 8), f"{layer}input_layernorm": (8,),
        f"{layer}self_attn.q_proj": (8, 8), f"{layer}self_attn.k_proj": (4, 8), f"{layer}self_attn.v_proj": (4, 8),
        f"{layer}self_attn.o_proj": (8, 8), f"{layer}post_attention_layernorm": (8,), f"{layer}mlp.gate_proj": (8, 8),
        f"{layer}mlp.up_proj": (8, 8), f"{layer}mlp.down_proj": (8, 8),
    }  # fmt: skip
    tensors = {f"{name}.weight": np.ones(shape, np.float32) for name, shape in shapes.items()}
    scaled = Rope(
        theta=1e4, scaling="llama3", factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0, original_positions=8192
    )
    divisors = Rope(theta=1e4).compute_inverse_frequencies(4) / scaled.compute_inverse_frequencies(4)
    pieces = {
        "tokenizer.ggml.model": "llama", "tokenizer.ggml.pre": None, "tokenizer.ggml.merges": None,
        "tokenizer.ggml.tokens": ["<unk>", "▁", "a", "▁a"], "tokenizer.ggml.token_type": [2, 1, 1, 1],
        "tokenizer.ggml.scores": [0.0, -1.0, -2.0, -3.0],
    }  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        one = write_gguf(Path(folder) / "one.gguf", config, tensors)
        extra = {"rope_freqs.weight": divisors.astype(np.float32)}
        two = write_gguf(Path(folder) / "two.gguf", config, tensors, fields=pieces, extra=extra)
        others = [write_gguf(Path(folder) / f"{name}.gguf", *read_model(_GOLDENS / name)) for name in _REARRANGED]
        return [path.read_bytes() for path in (one, two, *others)]


def _read_gguf(data: bytes, folder: Path) -> object:
    (folder / "model.gguf").write_bytes(data)
    gguf = read_gguf(open_store(str(folder), "model"), "model.gguf")
    choose_tokenizer(gguf, {"tokenizer.json": _list_tokenizers()[0]} if len(data) % 2 else {})
    converted = GgufFolder(gguf, {})
    out = folder / "converted"
    out.mkdir()
    for stored in converted.list():
        (out / stored.name).write_bytes(converted.read(stored.name))
    open_model(out).check_tensors()
    return load_tokenizer(out).encode(["a a"])


def _read_mistaken(data: bytes, folder: Path) -> object:
    """A folder without config.json, of which the error names what it is."""
    (folder / ADAPTER_CONFIG).write_bytes(data)
    return open_model(folder)


def _read_branch(data: bytes, folder: Path) -> object:
    """The cache of huggingface_hub, whose branch names one of its snapshots."""
    (folder / "refs").mkdir()
    (folder / "refs" / "main").write_bytes(data)
    (folder / "snapshots" / "abc").mkdir(parents=True)
    (folder / "snapshots" / "abc" / CONFIG).write_bytes(b"{}")
    return open_model(folder)


def _read_adapter(data: bytes, folder: Path, name: str = ADAPTER_CONFIG) -> object:
    """An adapter and its base, of which the first pieces are loaded."""
    base, adapter = folder / "base", folder / "adapter"
    for path, files in ((base, _make_base()), (adapter, _make_adapter() | {name: data})):
        path.mkdir()
        for file, content in files.items():
            (path / file).write_bytes(content)
    opened = open_adapter(open_store(str(adapter), "model"))
    assert opened.title
    model = adapt(open_model(base), opened)
    model.check_tensors()
    tensors = model.read_tensor_headers()
    for change in model.changes.values():
        read = (read_numbers(tensors[part].read(model.place), tensors[part].dtype) for part in (change.a, change.b))
        a, b = (part.reshape(tensors[each].shape) for part, each in zip(read, (change.a, change.b), strict=True))
        sides = (a.shape[1], b.shape[0]) if change.is_turned else (b.shape[0], a.shape[1])
        assert change.merge(np.zeros(sides, np.float32), a, b, None).shape == sides
    check_changes(open_model(base), opened)
    return model


@functools.cache
def _make_base() -> dict[str, bytes]:
    from tests.models.test_folder import CONFIG as LLAMA
    from tests.models.test_folder import tensors

    return {CONFIG: json.dumps(LLAMA).encode(), WEIGHTS: save(tensors())}


@functools.cache
def _make_adapter() -> dict[str, bytes]:
    """One of a base of two layers, with a table, a norm, and ranks that differ."""
    module = "base_model.model.model.layers.{}.mlp.down_proj.lora_"
    tensors: dict[str, np.ndarray] = {
        "base_model.model.model.embed_tokens.lora_embedding_A": np.ones((2, 11), np.float32),
        "base_model.model.model.embed_tokens.lora_embedding_B": np.ones((8, 2), np.float32),
        "base_model.model.model.norm.weight": np.ones(8, np.float16),
        f"{module.format(0)}A.weight": np.ones((2, 12), np.float32),
        f"{module.format(0)}B.weight": np.ones((8, 2), np.float32),
        f"{module.format(1)}A.weight": np.ones((3, 12), np.float16),
        f"{module.format(1)}B.weight": np.ones((8, 3), np.float16),
    }
    config = {
        "base_model_name_or_path": "org/name", "revision": None, "peft_type": "LORA", "r": 2, "lora_alpha": 4,
        "target_modules": ["down_proj", "embed_tokens"], "modules_to_save": ["model.norm"], "bias": "none",
        "rank_pattern": {"layers.1.mlp.down_proj": 3}, "alpha_pattern": {"^model.layers.1.mlp.down_proj": 1.5},
        "use_rslora": True, "use_dora": False, "layers_to_transform": None, "init_lora_weights": True,
        "lora_dropout": 0.05, "fan_in_fan_out": False, "task_type": "CAUSAL_LM", "peft_version": "0.21.2",
    }  # fmt: skip
    return {ADAPTER_CONFIG: json.dumps(config).encode(), ADAPTER_WEIGHTS: save(tensors, {"format": "pt"})}


PARSERS = (
    Parser(name="safetensors", valid=lambda: [_make_weights()], change=change_safetensors, read=_read_safetensors),
    Parser(name="quantised", valid=lambda: [_make_quantised()], change=change_safetensors, read=_read_quantised),
    Parser(
        name="safetensors-index",
        valid=lambda: [b'{"metadata": {"total_size": 24}, "weight_map": {"n": "a.safetensors", "m": "a.safetensors"}}'],
        change=change_json,
        read=_read_index,
    ),
    Parser(name="config.json", valid=_list_configs, change=change_json, read=_read_config),
    Parser(name="tokenizer.json", valid=_list_tokenizers, change=change_json, read=_read_tokenizer),
    Parser(
        name="tokenizer_config.json",
        valid=_list_tokenizer_configs,
        change=change_json,
        read=lambda data, folder: _read_tokenizer(data, folder, "tokenizer_config.json"),
    ),
    Parser(name="gguf", valid=_list_ggufs, change=change_gguf, read=_read_gguf),
    Parser(
        name="adapter_config.json",
        valid=lambda: [_make_adapter()[ADAPTER_CONFIG]],
        change=change_json,
        read=_read_adapter,
    ),
    Parser(
        name="adapter",
        valid=lambda: [_make_adapter()[ADAPTER_WEIGHTS]],
        change=change_safetensors,
        read=lambda data, folder: _read_adapter(data, folder, ADAPTER_WEIGHTS),
    ),
    Parser(
        name="mistaken",
        valid=lambda: [_make_adapter()[ADAPTER_CONFIG]],
        change=change_json,
        read=_read_mistaken,
    ),
    Parser(name="branch", valid=lambda: [b"abc\n"], change=change_bytes, read=_read_branch),
)
