"""Which computations have a program of their own on TPUs, for the engine that runs it and for the plan of its speed."""

import os

from byheart.models.decoder_config import DecoderConfig

BLOCK_WINDOWS = 16
"""Windows in a block of the kernel: as many as rows in a tile of 16-bit numbers, so that a block is whole tiles,
whatever a window's length."""
_LANES = 128
"""Numbers in a row of a tile."""
_ROWS = 8
"""In a tile of 32-bit numbers."""
_BLOCK_NUMBERS = 1 << 21
"""The most numbers of a block's queries: their copies in float32 and in 16 bits take 20 bytes each, of 64 MiB."""
_BLOCK_LOGITS = 1 << 22
"""The most logits of a block: in float32, and twice since the next block is read meanwhile, half of 64 MiB."""
_SWITCH = "BYHEART_KERNELS"


def are_kernels_wanted() -> bool:
    """Whether a device's own programs are to be used; BYHEART_KERNELS=0 leaves them out."""
    return os.environ.get(_SWITCH) != "0"


def has_attention_kernel(config: DecoderConfig, windows: int, tokens: int) -> bool:
    """Whether the kernel is to compute the attention of so many windows: blocks must be whole tiles, and have room."""
    group = config.heads // config.kv_heads
    return (
        are_kernels_wanted()
        and is_whole_and_plain(config)
        and windows % BLOCK_WINDOWS == 0
        and config.head_dim % _LANES == 0
        and BLOCK_WINDOWS * tokens * group * config.head_dim <= _BLOCK_NUMBERS
    )


def has_statistics_kernel(config: DecoderConfig, windows: int) -> bool:
    """Whether the kernel is to score so many windows from their logits: rows must be whole tiles, and have room."""
    return (
        are_kernels_wanted()
        and windows % BLOCK_WINDOWS == 0
        and config.vocab % _LANES == 0
        and config.vocab <= _BLOCK_LOGITS // _ROWS
    )


def choose_block_rows(rows: int, vocabulary: int) -> int:
    """The rows of a block of that kernel, of which `rows` are a multiple: more of them hide each other's waiting."""
    return next(
        block for block in (4 * _ROWS, 2 * _ROWS, _ROWS) if rows % block == 0 and block * vocabulary <= _BLOCK_LOGITS
    )


def is_whole_and_plain(config: DecoderConfig) -> bool:
    """Whether the kernel knows this attention: heads are turned as a whole, in halves, and not changed afterwards."""
    ropes = [kind.rope for kind in config.attention if kind.rope]
    return (
        config.latent is None
        and not config.attention_sinks
        and not config.rope_interleaved
        and not (config.query_key_norm and config.norm_after_rope)
        and not any(kind.unit_norm for kind in config.attention)
        and bool(ropes)
        and all(rope.count_rotated(config.head_dim) == config.head_dim for rope in ropes)
    )
