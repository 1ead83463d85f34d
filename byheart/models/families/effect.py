"""Which fields of a config.json change no score, whatever the family.

The authority is transformers: what its configuration and modeling files of a family do not read has no effect there.
A field that another tool reads is in dispute, and refused unless the user decides.
"""

from collections.abc import Callable
from typing import Any

_NOTHING: tuple[Any, ...] = (None, False, 0, 0.0, "", [], {})
"""Neutral values, which an unknown field may have; 1.0 is one too."""

_NAMES_AND_VERSIONS = """
    _commit_hash _model_name_or_path _name_or_path architectures auto_map base_model custom_pipelines finetuning_task
    model_name model_name_or_path model_type tokenizer_class tokenizer_type transformers.js_config transformers_version
    unsloth_fixed unsloth_version
"""
_TRAINING = """
    checkpoint_steps dropout finetuned_from global_step global_steps gradient_checkpointing init_device init_std
    initializer_factor initializer_range label_smoothing layerdrop learning_rate max_steps neftune_noise_alpha
    num_epochs num_steps num_train_epochs pretraining_tp problem_type seed seq_len seq_length train_batch_size
    training_args training_steps use_bfloat16 warmup_steps weight_decay
"""
_KERNELS = """
    _attn_implementation _attn_implementation_autoset _attn_implementation_internal _experts_implementation
    _flash_attn_2_enabled attn_implementation cache_implementation flash_attention flash_attn fused_bias_fc
    fused_dropout_add_ln fused_mlp gradient_checkpointing_kwargs torchscript use_cache use_flash_attention
    use_flash_attention_2 use_flash_attn use_memory_efficient_attention use_sdpa use_triton
"""
_GENERATION = """
    bad_words_ids begin_suppress_tokens bos_token diversity_penalty do_sample early_stopping
    encoder_no_repeat_ngram_size eos_token exponential_decay_length_penalty generation_config language length_penalty
    max_length max_new_tokens max_sequence_length min_length min_new_tokens model_max_length no_repeat_ngram_size
    num_beam_groups num_beams num_return_sequences output_scores pad_token penalty_alpha prefix
    remove_invalid_values renormalize_logits repetition_penalty return_dict_in_generate suppress_tokens temperature
    tokenizer_model_max_length tokenizer_padding_side top_k top_p typical_p unk_token
"""
_OUTPUTS = """
    classifier_bias dtype id2label is_decoder keys_to_ignore_at_inference label2id num_labels output_attentions
    output_hidden_states return_dict task_specific_params torch_dtype
"""
_OF_OTHER_FAMILIES = "max_window_layers"
_READ_ELSEWHERE = "quantization_config"
"""By `byheart.models.families.quantisation`, which refuses what it does not read."""
WITHOUT_EFFECT = frozenset(
    " ".join(
        (_NAMES_AND_VERSIONS, _TRAINING, _KERNELS, _GENERATION, _OUTPUTS, _OF_OTHER_FAMILIES, _READ_ELSEWHERE)
    ).split()
)
"""Fields of any family that change no score.

`pretraining_tp` splits products of matrices, which changes only their rounding.
"""
_ENDINGS = ("_token_id", "_dropout", "_dropout_prob", "_pdrop")

_WINDOW = 65_536
"""More positions than any window has."""


def _is_beyond_any_window(value: Any) -> bool:
    """Whether dual chunk attention begins beyond the longest window."""
    sizes = [value.get(name, 0) for name in ("chunk_size", "local_size")] if isinstance(value, dict) else [0, 0]
    return all(type(size) is int for size in sizes) and sizes[0] - sizes[1] >= _WINDOW


DEFAULTS: dict[str, Callable[[Any], bool]] = {
    "dual_chunk_attention_config": _is_beyond_any_window,
    "extrapolation_factor": lambda value: value == 1,
    "is_causal": lambda value: value is True,
}
"""Fields that have no effect with some values only, and whether a value is one of them: `false` may be none."""

DISPUTED = {
    "attention_chunk_size": "transformers does not read it for this family, other tools attend to chunks of this size",
    "attn_factor": "transformers does not read it, vLLM multiplies sine and cosine by it",
    "dual_chunk_attention_config": "transformers does not read it, vLLM attends to chunks of this size",
    "extrapolation_factor": "transformers does not read it, vLLM scales rotary frequencies by it",
    "fusion_config": "transformers changes modules by it",
    "layer_types": "transformers does not read it for this family, vLLM lets the layers slide that it names",
    "sliding_window": "transformers does not read it for this family, other tools let layers slide",
    "transformers_weights": "transformers reads the weights from that file, byheart from model.safetensors",
}
"""What tools do with a field on which they disagree."""


def has_effect(name: str, value: Any) -> bool:
    """Whether a field that no code reads may change a score."""
    if name in WITHOUT_EFFECT:
        return False
    if name in DEFAULTS and value is not None:
        return not DEFAULTS[name](value)
    neutral = value in _NOTHING or (isinstance(value, float) and value == 1.0)
    return not neutral and not name.endswith(_ENDINGS)
