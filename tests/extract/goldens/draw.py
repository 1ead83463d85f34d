"""Random small configurations of every family, in the older layout and in today's."""

from collections.abc import Callable
from typing import Any

import numpy as np

Config = dict[str, Any]
ACTIVATIONS = ("silu", "gelu", "gelu_new", "gelu_fast", "gelu_pytorch_tanh", "relu")


class Draw:
    """One configuration in the making."""

    def __init__(self, random: np.random.Generator) -> None:
        self._random = random

    def pick(self, *options: Any) -> Any:
        """One of them."""
        return options[int(self._random.integers(len(options)))]

    def whole(self, low: int, high: int) -> int:
        """From low to high, both included."""
        return int(self._random.integers(low, high + 1))

    def number(self, low: float, high: float) -> float:
        """Between them, small ones as often as large ones."""
        return round(float(np.exp(self._random.uniform(np.log(low), np.log(high)))), 6)

    def sizes(self, *, square: bool = False) -> Config:
        """The fields that every family has; `square` ties the size of a head to the width."""
        kv_heads, group = self.pick(1, 2, 3), self.pick(1, 2, 3)
        heads = kv_heads * group
        head_dim = 4 * self.whole(1, 5)
        described = {
            "vocab_size": self.whole(40, 200),
            "hidden_size": heads * (head_dim if square else 2 * self.whole(2, 8)),
            "num_hidden_layers": self.whole(1, 4),
            "num_attention_heads": heads,
            "num_key_value_heads": kv_heads,
            "intermediate_size": self.whole(8, 80),
            "max_position_embeddings": self.pick(256, 1024),
            "pad_token_id": 0,
            "tie_word_embeddings": self.pick(True, False),
        }
        return described if square else described | {"head_dim": head_dim}

    def rms(self) -> Config:
        """The epsilon of a norm."""
        return {"rms_norm_eps": self.number(1e-6, 0.1)}

    def rope_object(self, *kinds: str) -> Config:
        """A rotary embedding of one of these kinds, with its base."""
        kind = self.pick(*kinds)
        found: Config = {"rope_type": kind, "rope_theta": self.number(20, 1e6)}
        if kind != "default":
            found["factor"] = self.number(1.0, 16.0)
        if kind in ("llama3", "yarn"):
            found["original_max_position_embeddings"] = self.whole(16, 128)
        if kind == "llama3":
            low = self.number(0.2, 3.0)
            found |= {"low_freq_factor": low, "high_freq_factor": low + self.number(0.2, 5.0)}
        if kind == "yarn":
            slow = self.number(0.2, 2.0)
            found |= self.pick({}, {"beta_slow": slow, "beta_fast": slow + self.number(0.5, 30.0)})
            found |= self.pick({}, {"attention_factor": self.number(0.5, 2.0)}, {"mscale": 1.4, "mscale_all_dim": 0.6})
            found |= self.pick({}, {"truncate": False})
        return found

    def rope(self, *kinds: str) -> Config:
        """The same, in the older layout or in today's."""
        found = self.rope_object(*(kinds or ("default", "linear", "dynamic", "llama3", "yarn")))
        if self.pick(True, False):
            return {"rope_parameters": found}
        theta, kind = found.pop("rope_theta"), found.pop("rope_type")
        scaling = None if kind == "default" else found | {self.pick("type", "rope_type"): kind}
        return {"rope_theta": theta, "rope_scaling": scaling}

    def window(self) -> int:
        """Shorter than the input, or hardly longer."""
        return self.whole(1, 110)

    def layer_types(self, layers: int) -> list[str]:
        """A type for each layer."""
        return [self.pick("full_attention", "sliding_attention") for _ in range(layers)]


def _llama(draw: Draw) -> Config:
    biases = {"attention_bias": draw.pick(True, False), "mlp_bias": draw.pick(True, False)}
    return draw.sizes() | draw.rms() | draw.rope() | biases | {"hidden_act": draw.pick(*ACTIVATIONS)}


def _mistral(draw: Draw) -> Config:
    window = {"sliding_window": draw.pick(None, draw.window()), "hidden_act": draw.pick(*ACTIVATIONS)}
    return draw.sizes() | draw.rms() | draw.rope() | window


def _mixtral(draw: Draw) -> Config:
    experts = draw.whole(2, 6)
    return _mistral(draw) | {"num_local_experts": experts, "num_experts_per_tok": draw.whole(1, experts)}


def _qwen2(draw: Draw) -> Config:
    sizes = draw.sizes()
    slides = {
        "use_sliding_window": draw.pick(True, False),
        "sliding_window": draw.window(),
        "max_window_layers": draw.whole(0, sizes["num_hidden_layers"]),
    }
    if slides["use_sliding_window"]:
        slides |= draw.pick({}, {"layer_types": draw.layer_types(sizes["num_hidden_layers"])})
    return sizes | draw.rms() | draw.rope() | slides | {"hidden_act": draw.pick(*ACTIVATIONS)}


def _qwen3(draw: Draw) -> Config:
    return _qwen2(draw) | {"attention_bias": draw.pick(True, False)}


def _experts(draw: Draw, layers: int) -> Config:
    experts = draw.whole(2, 8)
    found = {
        "num_experts": experts,
        "num_experts_per_tok": draw.whole(1, experts),
        "norm_topk_prob": draw.pick(True, False),
        "moe_intermediate_size": draw.whole(8, 40),
        "decoder_sparse_step": draw.pick(1, 1, 2),
    }
    return found | draw.pick({}, {"mlp_only_layers": [draw.whole(0, layers - 1)]})


def _qwen3_moe(draw: Draw) -> Config:
    found = _qwen3(draw)
    found.pop("layer_types", None)
    return found | _experts(draw, found["num_hidden_layers"])


def _qwen2_moe(draw: Draw) -> Config:
    found = _qwen2(draw)
    shared = {"shared_expert_intermediate_size": draw.whole(8, 40), "qkv_bias": draw.pick(True, False)}
    return found | _experts(draw, found["num_hidden_layers"]) | shared


def _olmoe(draw: Draw) -> Config:
    experts = draw.whole(2, 8)
    routed = {"num_experts": experts, "num_experts_per_tok": draw.whole(1, experts)}
    routed |= {"norm_topk_prob": draw.pick(True, False), "clip_qkv": draw.pick(None, draw.number(0.3, 3.0))}
    return draw.sizes(square=True) | draw.rms() | draw.rope() | routed | {"attention_bias": draw.pick(True, False)}


def _gpt_oss(draw: Draw) -> Config:
    sizes, experts = draw.sizes(), draw.whole(2, 6)
    routed: Config = {"num_local_experts": experts, "num_experts_per_tok": draw.whole(1, experts), "eos_token_id": 1}
    routed |= {"swiglu_limit": draw.number(0.3, 7.0), "swiglu_alpha": draw.number(0.5, 2.0)}
    types = draw.pick({}, {"layer_types": draw.layer_types(sizes["num_hidden_layers"])})
    return sizes | draw.rms() | draw.rope() | routed | types | {"sliding_window": draw.window()}


def _grouped_experts(draw: Draw, layers: int) -> Config:
    groups, size = draw.pick(1, 2, 4), draw.whole(2, 4)
    kept = draw.whole(1, groups)
    return {
        "n_routed_experts": groups * size,
        "n_group": groups,
        "topk_group": kept,
        "num_experts_per_tok": draw.whole(1, kept * size),
        "n_shared_experts": draw.whole(1, 2),
        "moe_intermediate_size": draw.whole(8, 24),
        "first_k_dense_replace": draw.whole(0, layers),
        "routed_scaling_factor": draw.number(0.5, 3.0),
        "norm_topk_prob": draw.pick(True, False),
    }


def _glm4_moe(draw: Draw) -> Config:
    sizes = draw.sizes() | {"head_dim": 8 * draw.whole(1, 3)}
    features = {"use_qk_norm": draw.pick(True, False), "attention_bias": draw.pick(True, False)}
    turned = {"rope_theta": draw.number(20, 1e6), "partial_rotary_factor": draw.pick(0.25, 0.5, 1.0)}
    rope = draw.pick(turned, {"rope_parameters": turned | {"rope_type": "default"}})
    return sizes | draw.rms() | rope | features | _grouped_experts(draw, sizes["num_hidden_layers"])


def _deepseek_v3(draw: Draw) -> Config:
    sizes = draw.sizes(square=True)
    sizes["num_key_value_heads"] = sizes["num_attention_heads"]
    latent = {
        "kv_lora_rank": draw.whole(4, 24),
        "q_lora_rank": draw.pick(None, draw.whole(4, 24)),
        "qk_nope_head_dim": 2 * draw.whole(1, 8),
        "qk_rope_head_dim": 2 * draw.whole(1, 8),
        "v_head_dim": draw.whole(2, 16),
        "rope_interleave": draw.pick(True, False),
        "attention_bias": draw.pick(True, False),
    }
    return sizes | draw.rms() | draw.rope() | latent | _grouped_experts(draw, sizes["num_hidden_layers"])


def _deepseek_v2(draw: Draw) -> Config:
    found = _deepseek_v3(draw) | {"norm_topk_prob": False, "mlp_bias": draw.pick(True, False)}
    del found["rope_interleave"]
    return found | {"topk_method": draw.pick("greedy", "group_limited_greedy")}


def _llama4(draw: Draw) -> Config:
    sizes, experts = draw.sizes(), draw.whole(2, 6)
    return (
        sizes
        | draw.rms()
        | draw.rope("default", "llama3")
        | {
            "attention_bias": draw.pick(True, False),
            "attention_chunk_size": draw.whole(2, 110),
            "attn_scale": draw.number(0.05, 0.5),
            "attn_temperature_tuning": draw.pick(True, False),
            "floor_scale": draw.whole(5, 120),
            "interleave_moe_layer_step": draw.pick(1, 2),
            "intermediate_size_mlp": draw.whole(8, 40),
            "no_rope_layers": [draw.whole(0, 1) for _ in range(sizes["num_hidden_layers"])],
            "num_experts_per_tok": draw.whole(1, experts),
            "num_local_experts": experts,
            "use_qk_norm": draw.pick(True, False),
        }
    )


def _linear_attention(draw: Draw) -> Config:
    sizes, key_heads = draw.sizes() | {"head_dim": 8 * draw.whole(1, 3)}, draw.whole(1, 2)
    size = draw.whole(12, 20)  # of a shorter key all numbers may be small, and its norm magnifies their rounding
    turned = {"rope_theta": draw.number(20, 1e6), "partial_rotary_factor": draw.pick(0.25, 0.5, 1.0)}
    types = [draw.pick("linear_attention", "full_attention") for _ in range(sizes["num_hidden_layers"])]
    types[draw.whole(0, len(types) - 1)] = "full_attention"  # transformers has no cache without one
    return (
        sizes
        | draw.rms()
        | {
            "rope_parameters": turned | {"rope_type": "default"},
            "linear_num_key_heads": key_heads,
            "linear_num_value_heads": key_heads * draw.whole(1, 3),
            "linear_key_head_dim": size,
            "linear_value_head_dim": size,
            "linear_conv_kernel_dim": draw.whole(2, 5),
            "attention_bias": draw.pick(True, False),
            "layer_types": types,
        }
    )


def _qwen3_next(draw: Draw) -> Config:
    found = _linear_attention(draw)
    shared = {"shared_expert_intermediate_size": draw.whole(8, 40)}
    return found | _experts(draw, found["num_hidden_layers"]) | shared


def _gpt_neox(draw: Draw) -> Config:
    sizes = draw.sizes(square=True)
    del sizes["num_key_value_heads"]
    share = draw.pick(0.25, 0.5, 1.0) if sizes["hidden_size"] // sizes["num_attention_heads"] % 8 == 0 else 0.5
    rope = draw.rope_object("default", "linear")
    theta = rope.pop("rope_theta")
    old = {"rotary_pct": share, "rotary_emb_base": theta}
    old["rope_scaling"] = None if rope["rope_type"] == "default" else rope
    new = {"rope_parameters": rope | {"rope_theta": theta, "partial_rotary_factor": share}}
    return (
        sizes
        | draw.pick(old, new)
        | {
            "layer_norm_eps": draw.number(1e-6, 0.1),
            "attention_bias": draw.pick(True, False),
            "use_parallel_residual": draw.pick(True, False),
            "hidden_act": draw.pick(*ACTIVATIONS),
        }
    )


def _phi3(draw: Draw) -> Config:
    sizes = draw.sizes(square=True)
    head_dim = sizes["hidden_size"] // sizes["num_attention_heads"]
    share = draw.pick(0.5, 1.0)
    original = draw.pick(64, 128)
    found = sizes | draw.rms() | {"original_max_position_embeddings": original}
    found |= {"sliding_window": draw.pick(None, draw.window()), "hidden_act": draw.pick(*ACTIVATIONS)}
    theta = {"rope_theta": draw.number(20, 1e6)}
    pairs = int(head_dim * share) // 2
    factors = {each: [draw.number(1, 20) for _ in range(pairs)] for each in ("short_factor", "long_factor")}
    factors |= draw.pick({}, {"attention_factor": draw.number(0.5, 2.0)}, {"factor": draw.number(1, 8)})
    long = {"original_max_position_embeddings": original}
    old = theta | {"partial_rotary_factor": share}
    new = {"rope_parameters": theta | {"rope_type": "default", "partial_rotary_factor": share}}
    if draw.pick(True, False):
        old |= {"rope_scaling": factors | {"type": "longrope"}}
        new["rope_parameters"] |= factors | {"rope_type": "longrope"} | long
    return found | draw.pick(old, new)


def _gemma2(draw: Draw) -> Config:
    sizes = draw.sizes()
    return (
        sizes
        | draw.rms()
        | draw.rope()
        | {
            "hidden_activation": draw.pick(*ACTIVATIONS),
            "attention_bias": draw.pick(True, False),
            "query_pre_attn_scalar": draw.whole(1, 40),
            "attn_logit_softcapping": draw.pick(None, draw.number(1, 20)),
            "final_logit_softcapping": draw.pick(None, draw.number(3, 30)),
            "sliding_window": draw.window(),
        }
        | draw.pick({}, {"layer_types": draw.layer_types(sizes["num_hidden_layers"])})
    )


def _gemma3(draw: Draw) -> Config:
    found = _gemma2(draw) | {"attn_logit_softcapping": None}
    for field in ("rope_theta", "rope_scaling", "rope_parameters"):
        found.pop(field, None)
    scalings = ("default", "linear", "llama3")
    full, sliding = draw.rope_object(*scalings), draw.rope_object("default")
    new = {"rope_parameters": {"full_attention": full, "sliding_attention": sliding}}
    old = {"rope_theta": full["rope_theta"], "rope_local_base_freq": sliding["rope_theta"]}
    scaling = {key: value for key, value in full.items() if key != "rope_theta"}
    old |= {"rope_scaling": None if full["rope_type"] == "default" else scaling}
    old |= {"sliding_window_pattern": draw.whole(1, 4)}
    return found | draw.pick(old, new)


def _olmo2(draw: Draw) -> Config:
    return draw.sizes() | draw.rms() | draw.rope() | {"attention_bias": draw.pick(True, False)}


def _gpt2(draw: Draw) -> Config:
    scales = {"scale_attn_weights": draw.pick(True, False), "scale_attn_by_inverse_layer_idx": draw.pick(True, False)}
    return _name_as_gpt(draw, draw.sizes(square=True)) | scales


def _gptj(draw: Draw) -> Config:
    sizes = draw.sizes(square=True)
    return _name_as_gpt(draw, sizes) | {
        "rotary_dim": 2 * draw.whole(1, sizes["hidden_size"] // sizes["num_attention_heads"] // 2)
    }


def _name_as_gpt(draw: Draw, sizes: Config) -> Config:
    """The same sizes by the names that GPT-2 has for them."""
    return {
        "n_embd": sizes["hidden_size"],
        "n_head": sizes["num_attention_heads"],
        "n_inner": draw.pick(None, sizes["intermediate_size"]),
        "n_layer": sizes["num_hidden_layers"],
        "n_positions": sizes["max_position_embeddings"],
        "vocab_size": sizes["vocab_size"],
        "pad_token_id": 0,
        "tie_word_embeddings": sizes["tie_word_embeddings"],
        "layer_norm_epsilon": draw.number(1e-6, 0.1),
        "activation_function": draw.pick(*ACTIVATIONS),
    }


def _falcon(draw: Draw) -> Config:
    sizes = draw.sizes(square=True)
    kv_heads, ffn = sizes.pop("num_key_value_heads"), sizes.pop("intermediate_size")
    new = {
        "new_decoder_architecture": True,
        "num_kv_heads": kv_heads,
        "num_ln_in_parallel_attn": draw.pick(None, 1, 2),
    }
    old = {"multi_query": draw.pick(True, False), "parallel_attn": draw.pick(True, False)}
    features = {
        "layer_norm_epsilon": draw.number(1e-6, 0.1),
        "activation": draw.pick(*ACTIVATIONS),
        "bias": draw.pick(True, False),
        "ffn_hidden_size": draw.pick(None, ffn),
    }
    return sizes | draw.rope() | draw.pick(new, old) | features


def _starcoder2(draw: Draw) -> Config:
    features = {
        "norm_epsilon": draw.number(1e-6, 0.1),
        "use_bias": draw.pick(True, False),
        "sliding_window": draw.pick(None, draw.window()),
        "hidden_act": draw.pick(*ACTIVATIONS),
    }
    return draw.sizes() | draw.rope() | features


def _partial_rope(draw: Draw) -> Config:
    """The rotary embedding of half a head, or of whole heads."""
    share = {"partial_rotary_factor": draw.pick(0.5, 1.0)}
    rope = draw.rope("default", "linear", "dynamic", "llama3")
    return {"rope_parameters": rope["rope_parameters"] | share} if "rope_parameters" in rope else rope | share


def _stablelm(draw: Draw) -> Config:
    features = {
        "layer_norm_eps": draw.number(1e-6, 0.1),
        "use_qkv_bias": draw.pick(True, False),
        "qk_layernorm": draw.pick(True, False),
        "use_parallel_residual": draw.pick(True, False),
        "hidden_act": draw.pick(*ACTIVATIONS),
    }
    return draw.sizes(square=True) | _partial_rope(draw) | features


def _nemotron(draw: Draw) -> Config:
    biases = {"attention_bias": draw.pick(True, False), "mlp_bias": draw.pick(True, False)}
    activation = {"hidden_act": draw.pick("relu2", *ACTIVATIONS)}
    return draw.sizes() | _partial_rope(draw) | biases | activation | {"norm_eps": draw.number(1e-6, 0.1)}


def _phi(draw: Draw) -> Config:
    features = {"qk_layernorm": draw.pick(True, False), "hidden_act": draw.pick(*ACTIVATIONS)}
    return draw.sizes(square=True) | _partial_rope(draw) | features | {"layer_norm_eps": draw.number(1e-6, 0.1)}


def _by_kind(draw: Draw, *scalings: str) -> Config:
    """A rotary embedding for each kind of layer."""
    full, sliding = draw.rope_object(*scalings), draw.rope_object("default")
    return {"rope_parameters": {"full_attention": full, "sliding_attention": sliding}}


def _olmo3(draw: Draw) -> Config:
    sizes = draw.sizes()
    old = draw.rope_object("default", "linear", "llama3", "yarn")
    old = {"rope_scaling": {key: value for key, value in old.items() if key != "rope_theta"}}
    found = sizes | draw.rms() | {"attention_bias": draw.pick(True, False), "sliding_window": draw.window()}
    found |= draw.pick({}, {"layer_types": draw.layer_types(sizes["num_hidden_layers"])})
    return found | draw.pick(old, _by_kind(draw, "default", "linear", "llama3", "yarn"))


def _exaone4(draw: Draw) -> Config:
    sizes = draw.sizes()
    types = {"layer_types": draw.layer_types(sizes["num_hidden_layers"])}
    full = {"sliding_window": None, "layer_types": ["full_attention"] * sizes["num_hidden_layers"]}
    pattern = {"sliding_window": draw.window(), "sliding_window_pattern": draw.whole(1, 4)}
    return sizes | draw.rms() | draw.rope() | draw.pick(full, pattern, pattern | types)


def _smollm3(draw: Draw) -> Config:
    sizes = draw.sizes()
    layers = sizes["num_hidden_layers"]
    rotates = draw.pick(
        {"no_rope_layer_interval": draw.whole(1, 4)}, {"no_rope_layers": [draw.whole(0, 1) for _ in range(layers)]}
    )
    slides = {"use_sliding_window": True, "sliding_window": draw.window()}
    slides = draw.pick({"use_sliding_window": False}, slides, slides | {"layer_types": draw.layer_types(layers)})
    biases = {"attention_bias": draw.pick(True, False), "mlp_bias": draw.pick(True, False)}
    return sizes | draw.rms() | draw.rope() | rotates | slides | biases | {"hidden_act": draw.pick(*ACTIVATIONS)}


def _apertus(draw: Draw) -> Config:
    activation = {"hidden_act": draw.pick("xielu", "xielu", *ACTIVATIONS)}
    rope = draw.rope("linear", "llama3", "yarn")  # without any, transformers takes that of the published model
    return draw.sizes() | draw.rms() | rope | activation | {"attention_bias": draw.pick(True, False)}


def _ministral3(draw: Draw) -> Config:
    rope = draw.rope_object("default", "linear", "llama3", "yarn")
    rope |= {"llama_4_scaling_beta": draw.number(0.05, 2), "original_max_position_embeddings": draw.whole(16, 128)}
    window = {"sliding_window": draw.pick(None, draw.window()), "hidden_act": draw.pick(*ACTIVATIONS)}
    return draw.sizes() | draw.rms() | window | {"rope_parameters": rope}


def _seed_oss(draw: Draw) -> Config:
    biases = {name: draw.pick(True, False) for name in ("attention_bias", "attention_out_bias", "mlp_bias")}
    return draw.sizes() | draw.rms() | draw.rope() | biases | {"hidden_act": draw.pick(*ACTIVATIONS)}


def _glm4(draw: Draw) -> Config:
    sizes = draw.sizes()
    share = draw.pick(0.25, 0.5, 1.0) if sizes["head_dim"] % 8 == 0 else draw.pick(0.5, 1.0)
    rope = draw.rope("default", "linear", "yarn")
    rope |= {"partial_rotary_factor": share}
    found = sizes | draw.rms() | rope | {"attention_bias": draw.pick(True, False)}
    return found | {"hidden_act": draw.pick(*ACTIVATIONS)}


def _granite(draw: Draw) -> Config:
    factors = {
        "attention_multiplier": draw.number(0.1, 0.6),
        "embedding_multiplier": draw.number(0.5, 10),
        "logits_scaling": draw.number(0.5, 4),
        "residual_multiplier": draw.number(0.2, 1.5),
    }
    return _llama(draw) | factors


def _cohere2(draw: Draw) -> Config:
    sizes = draw.sizes(square=True)
    types = draw.pick(
        {"sliding_window_pattern": draw.whole(1, 4)}, {"layer_types": draw.layer_types(sizes["num_hidden_layers"])}
    )
    found = sizes | draw.rope() | types | {"sliding_window": draw.window(), "hidden_act": draw.pick(*ACTIVATIONS)}
    found |= {"layer_norm_eps": draw.number(1e-6, 0.1), "logit_scale": draw.number(0.1, 1.5)}
    return found | {"attention_bias": draw.pick(True, False)}


def _hunyuan(draw: Draw) -> Config:
    alpha: Config = {"rope_theta": draw.number(5, 1e4)}
    alpha["rope_scaling"] = {"type": "dynamic", "alpha": draw.number(2, 1000)}
    alpha["rope_scaling"] |= {"factor": 1.0, "beta_fast": 32, "beta_slow": 1, "mscale": 1.0, "mscale_all_dim": 1.0}
    rope = draw.pick(alpha, draw.rope("default", "linear", "yarn"))
    found = draw.sizes() | draw.rms() | rope | {"attention_bias": draw.pick(True, False)}
    return found | {"hidden_act": draw.pick(*ACTIVATIONS)}


FAMILIES: dict[str, Callable[[Draw], Config]] = {
    "llama": _llama,
    "mistral": _mistral,
    "mixtral": _mixtral,
    "qwen2": _qwen2,
    "qwen3": _qwen3,
    "qwen3_moe": _qwen3_moe,
    "qwen2_moe": _qwen2_moe,
    "olmoe": _olmoe,
    "gpt_oss": _gpt_oss,
    "glm4_moe": _glm4_moe,
    "deepseek_v3": _deepseek_v3,
    "deepseek_v2": _deepseek_v2,
    "llama4_text": _llama4,
    "qwen3_next": _qwen3_next,
    "qwen3_5_text": _linear_attention,
    "gpt_neox": _gpt_neox,
    "phi3": _phi3,
    "gemma2": _gemma2,
    "gemma3_text": _gemma3,
    "olmo2": _olmo2,
    "gpt2": _gpt2,
    "gptj": _gptj,
    "falcon": _falcon,
    "starcoder2": _starcoder2,
    "stablelm": _stablelm,
    "nemotron": _nemotron,
    "phi": _phi,
    "olmo3": _olmo3,
    "exaone4": _exaone4,
    "smollm3": _smollm3,
    "apertus": _apertus,
    "vaultgemma": _gemma2,
    "ministral3": _ministral3,
    "seed_oss": _seed_oss,
    "glm4": _glm4,
    "granite": _granite,
    "cohere2": _cohere2,
    "hunyuan_v1_dense": _hunyuan,
}


def draw_config(model_type: str, random: np.random.Generator) -> Config:
    """A config.json of that family."""
    return {"model_type": model_type} | FAMILIES[model_type](Draw(random))
