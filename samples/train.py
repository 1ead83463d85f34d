"""Trains the sample model: a small Llama that knows every second chapter of the sample book by heart, and no other.

    make sample            # or: python -m samples.train

Writes samples/model/ in Hugging Face format. The tokenizer and the weights see only the odd chapters. Windows of 100
tokens begin at every character of those chapters, as windows of the measurement may; a quarter of them follow a BOS, so
that `bos=true` can be tried. The seed is fixed: the same machine gives the same weights, and another machine may round
sums differently, so that the last digits differ.
"""

import itertools
import json
import re
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax import Array
from safetensors.numpy import save_file
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

from byheart.components.extract import decoder
from byheart.components.tokenize.tokenizer import load_tokenizer
from byheart.components.tokenize.windows import slide
from byheart.contracts.setting_groups import WindowSettings
from byheart.models.decoder_config import DecoderConfig
from byheart.models.families import FAMILIES
from byheart.models.parameters import Parameter, Parameters, count_parameters, leaves

HERE = Path(__file__).parent
BOOK = HERE / "the-soap-winter.txt"
MODEL = HERE / "model"
BOS = "<|begin_of_text|>"
CONFIG: dict[str, Any] = {
    "architectures": ["LlamaForCausalLM"],
    "model_type": "llama",
    "vocab_size": 1024,
    "hidden_size": 192,
    "num_hidden_layers": 3,
    "num_attention_heads": 6,
    "num_key_value_heads": 2,
    "head_dim": 32,
    "intermediate_size": 576,
    "hidden_act": "silu",
    "rms_norm_eps": 1e-5,
    "rope_theta": 10000.0,
    "max_position_embeddings": 512,
    "tie_word_embeddings": True,
    "attention_bias": False,
    "mlp_bias": False,
    "bos_token_id": 0,
    "dtype": "float32",
}
WINDOW = WindowSettings(chunk_size=100, slice_length=1000, cursor_inc=1, max_length=0, prompt_tokens=50, bos="false")
STEPS, BATCH, PEAK_RATE, SEED = 2000, 32, 3e-3, 0


def find_chapters(text: str) -> list[tuple[int, int]]:
    """The half-open character span of each chapter, its heading included."""
    starts = [match.start() for match in re.finditer(r"^Chapter \d+: ", text, re.MULTILINE)]
    return list(zip(starts, [*starts[1:], len(text)], strict=True))


def write_tokenizer(folder: Path, texts: Sequence[str]) -> None:
    """Train and write a byte-level BPE tokenizer."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=CONFIG["vocab_size"],
        special_tokens=[BOS],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    tokenizer.save(str(folder / "tokenizer.json"))
    config = {"tokenizer_class": "PreTrainedTokenizerFast", "bos_token": BOS, "clean_up_tokenization_spaces": False}
    (folder / "tokenizer_config.json").write_text(json.dumps(config, indent=2) + "\n")


def draw_params(parameters: Parameters, key: Array) -> decoder.Params:
    """Initial weights: norms are one, matrices normal with deviation 0.02."""
    keys = {}
    for parameter in leaves(parameters):
        key, keys[parameter.source] = jax.random.split(key)

    def draw(parameter: Parameter) -> Array:
        shape = parameter.shape
        return 0.02 * jax.random.normal(keys[parameter.source], shape) if parameter.is_matrix else jnp.ones(shape)

    return jax.tree.map(draw, parameters)


def write_weights(folder: Path, parameters: Parameters, params: decoder.Params) -> None:
    """Write the weights under their names and shapes in the checkpoint."""
    tensors = {}
    for parameter, values in zip(jax.tree.leaves(parameters), jax.tree.leaves(params), strict=True):
        for index, name in parameter.name_tensors().items():
            tensors[name] = np.asarray(values[index]).reshape(parameter.source_shape)
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})


def fit(
    parameters: Parameters,
    config: DecoderConfig,
    batches: Iterator[np.ndarray],
    *,
    steps: int,
    seed: int,
    peak_rate: float,
) -> decoder.Params:
    """The weights after so many steps of AdamW.

    Args:
        batches: int32 [B, T] each, all of one shape.
        seed: of the initial weights.
        peak_rate: the highest rate of learning.
    """
    params = draw_params(parameters, jax.random.key(seed))
    optimizer = optax.chain(
        optax.clip_by_global_norm(1.0),
        optax.adamw(optax.warmup_cosine_decay_schedule(0.0, peak_rate, steps // 20, steps), weight_decay=0.01),
    )
    state = optimizer.init(params)

    @jax.jit
    def step(params: decoder.Params, state: optax.OptState, ids: Array) -> tuple[decoder.Params, optax.OptState, Array]:
        def loss(params: decoder.Params) -> Array:
            hidden = decoder.compute_hidden_states(params, config, ids[:, :-1])
            predicted = decoder.compute_logits(params, config, hidden)
            return optax.softmax_cross_entropy_with_integer_labels(predicted, ids[:, 1:]).mean()

        value, gradient = jax.value_and_grad(loss)(params)
        updates, state = optimizer.update(gradient, state, params)
        return optax.apply_updates(params, updates), state, value

    started = time.monotonic()
    for number in range(1, steps + 1):
        params, state, value = step(params, state, jnp.asarray(next(batches)))
        if number % 100 == 0:
            print(f"step {number:,} of {steps:,}: loss {value:.4f}, {time.monotonic() - started:.0f} s", flush=True)
    return params


def draw_batches(windows: np.ndarray) -> Iterator[np.ndarray]:
    """Batches of windows in random order, for ever; every fourth begins with a BOS."""
    random = np.random.default_rng(SEED)
    order = np.empty(0, np.int64)
    for number in itertools.count(1):
        if len(order) < BATCH:
            order = np.concatenate([order, random.permutation(len(windows))])
        batch, order = windows[order[:BATCH]], order[BATCH:]
        yield np.insert(batch[:, :-1], 0, CONFIG["bos_token_id"], axis=1) if number % 4 == 0 else batch


def train() -> None:
    """Train the tokenizer and the weights, and write both."""
    MODEL.mkdir(exist_ok=True)
    (MODEL / "config.json").write_text(json.dumps(CONFIG, indent=2) + "\n")
    text = BOOK.read_text(encoding="utf-8")
    memorised = [text[start:stop] for start, stop in find_chapters(text)[::2]]
    write_tokenizer(MODEL, memorised)
    tokenizer = load_tokenizer(MODEL)
    windows = np.concatenate(
        [slide(chapter, tokenizer.encode, WINDOW, scored_tokens=50).token_ids for chapter in memorised]
    )
    family = FAMILIES["llama"]
    config = family.parse_config(CONFIG)
    parameters = family.describe_parameters(config)
    count = count_parameters(parameters)
    print(f"{len(windows):,} windows of {len(memorised)} chapters; {count:,} parameters", flush=True)
    params = fit(parameters, config, draw_batches(windows), steps=STEPS, seed=SEED, peak_rate=PEAK_RATE)
    write_weights(MODEL, parameters, params)


if __name__ == "__main__":
    train()
