"""The parameters that a decoder has, and the logical axes of each."""

from byheart.models.activations import LEARNED
from byheart.models.decoder_config import DecoderConfig

LAYERS = "layers"
"""The subtree of the layers' parameters, and the name of their first axis."""

Axes = tuple[str, str]
"""The names of a parameter's output axes and of its input axes, separated by spaces."""


def list_model_axes(config: DecoderConfig) -> dict[str, Axes]:
    """The axes of each parameter outside layers."""
    axes = {"embed": ("vocab", "embed")} | _list_norm_axes(config, "final_norm")
    if config.learned_positions:
        axes["positions"] = ("positions", "embed")
    if not config.tied_head:
        axes["head"] = ("vocab", "embed")
    if "head" in config.biases:
        axes["head_bias"] = ("vocab", "")
    return axes


def list_layer_axes(config: DecoderConfig) -> dict[str, Axes]:
    """The axes of each parameter of layers."""
    blocks = (
        _list_attention_axes(config) | _list_linear_axes(config) | _list_mlp_axes(config) | _list_expert_axes(config)
    )
    norms: dict[str, Axes] = {}
    for kind, is_there in (("norm", config.pre_norm), ("post_norm", config.post_norm)):
        if is_there:
            norms |= _list_norm_axes(config, f"attention_{kind}")
            if not config.shared_norm:
                norms |= _list_norm_axes(config, f"mlp_{kind}")
    biases = {f"{name}_bias": (blocks[name][0], "") for name in sorted(config.biases & blocks.keys())}
    return {name: (f"{LAYERS} {outputs}", inputs) for name, (outputs, inputs) in (blocks | biases | norms).items()}


def list_layers(config: DecoderConfig) -> dict[str, tuple[int, ...]]:
    """The layers that have each parameter of layers, by the parameter's name."""
    every, routed = tuple(range(config.layers)), config.list_expert_layers()
    linear = config.linear.layers if config.linear else ()
    layers = {
        **dict.fromkeys(_list_attention_axes(config), tuple(layer for layer in every if layer not in set(linear))),
        **dict.fromkeys(_list_linear_axes(config), linear),
        **dict.fromkeys(_list_mlp_axes(config), tuple(layer for layer in every if layer not in set(routed))),
        **dict.fromkeys(_list_expert_axes(config), routed),
    }
    return {name: layers.get(name.removesuffix("_bias"), every) for name in list_layer_axes(config)}


def measure_axes(config: DecoderConfig, layers: tuple[int, ...] = ()) -> dict[str, int]:
    """The length of each axis, for a parameter of these layers."""
    experts, latent = config.experts, config.latent
    of_latent = (
        {
            "rank": latent.rank,
            "query_rank": latent.query_rank or 0,
            "down_dim": latent.rank + latent.rope_dim,
            "up_dim": config.head_dim - latent.rope_dim + latent.value_dim,
            "value_dim": latent.value_dim,
        }
        if latent
        else {}
    )
    linear = config.linear
    of_linear = (
        {
            "key_heads": linear.key_heads,
            "value_heads": linear.value_heads,
            "group": linear.value_heads // linear.key_heads,
            "linear_dim": linear.head_dim,
            "channels": (2 * linear.key_heads + linear.value_heads) * linear.head_dim,
            "kernel": linear.kernel,
        }
        if linear
        else {}
    )
    return (
        of_latent
        | of_linear
        | {
            LAYERS: len(layers),
            "vocab": config.vocab,
            "embed": config.embed,
            "heads": config.heads,
            "kv_heads": config.kv_heads,
            "head_dim": config.head_dim,
            "attended": config.heads * config.value_dim,
            "ffn": config.ffn,
            "experts": experts.count if experts else 0,
            "expert_ffn": experts.ffn if experts else 0,
            "shared_ffn": experts.shared_ffn if experts else 0,
            "positions": config.max_positions,
            "one": 1,
        }
    )


def _list_attention_axes(config: DecoderConfig) -> dict[str, Axes]:
    if config.latent:
        return _list_latent_axes(config)
    axes: dict[str, Axes] = {
        "query": ("heads head_dim", "embed"),
        "key": ("kv_heads head_dim", "embed"),
        "value": ("kv_heads head_dim", "embed"),
        "output": ("embed", "attended"),
    }
    if config.query_key_norm:
        heads = "" if config.query_key_norm == "head" else "heads "
        axes |= {"query_norm": (f"{heads}head_dim", ""), "key_norm": (f"{heads and 'kv_heads '}head_dim", "")}
    if config.attention_sinks:
        axes["sinks"] = ("heads", "")
    if config.output_gate:
        axes["query_gate"] = axes["query"]
    return axes


def _list_latent_axes(config: DecoderConfig) -> dict[str, Axes]:
    assert config.latent
    axes: dict[str, Axes] = {
        "key_value_down": ("down_dim", "embed"),
        "key_value_down_norm": ("rank", ""),
        "key_value_up": ("heads up_dim", "rank"),
        "output": ("embed", "attended"),
    }
    if config.latent.query_rank is None:
        return axes | {"query": ("heads head_dim", "embed")}
    return axes | {
        "query_down": ("query_rank", "embed"),
        "query_down_norm": ("query_rank", ""),
        "query_up": ("heads head_dim", "query_rank"),
    }


def _list_linear_axes(config: DecoderConfig) -> dict[str, Axes]:
    if not config.linear:
        return {}
    return {
        "linear_query": ("key_heads linear_dim", "embed"),
        "linear_key": ("key_heads linear_dim", "embed"),
        "linear_value": ("value_heads linear_dim", "embed"),
        "linear_gate": ("value_heads linear_dim", "embed"),
        "linear_beta": ("key_heads group", "embed"),
        "linear_decay": ("key_heads group", "embed"),
        "linear_kernel": ("channels", "one kernel"),
        "linear_rate": ("key_heads group", ""),
        "linear_step": ("key_heads group", ""),
        "linear_norm": ("linear_dim", ""),
        "linear_output": ("embed", "value_heads linear_dim"),
    }


def _list_mlp_axes(config: DecoderConfig) -> dict[str, Axes]:
    """The MLP of layers without experts."""
    if len(config.list_expert_layers()) == config.layers:
        return {}
    return _name_mlp(config, "", "ffn") | dict.fromkeys(LEARNED.get(config.activation, ()), ("one", ""))


def _list_expert_axes(config: DecoderConfig) -> dict[str, Axes]:
    """The experts, their router, and the expert that all tokens share."""
    if not config.experts:
        return {}
    axes = _name_mlp(config, "expert_", "expert_ffn", "experts ") | {"router": ("experts", "embed")}
    if config.experts.corrected:
        axes["router_correction"] = ("experts", "")
    if config.experts.shared_ffn:
        axes |= _name_mlp(config, "shared_", "shared_ffn")
    if config.experts.shared_gate:
        axes["shared_router"] = ("one", "embed")
    return axes


def _name_mlp(config: DecoderConfig, prefix: str, ffn: str, stack: str = "") -> dict[str, Axes]:
    axes = {f"{prefix}gate": (f"{stack}{ffn}", "embed")} if config.gated else {}
    return axes | {f"{prefix}up": (f"{stack}{ffn}", "embed"), f"{prefix}down": (f"{stack}embed", ffn)}


def _list_norm_axes(config: DecoderConfig, name: str) -> dict[str, Axes]:
    names = (name, f"{name}_bias") if config.norm_bias else (name,)
    return dict.fromkeys(names, ("embed", ""))
