"""How long a model takes from the Hub into a store, how much memory, and how much disk beside the store.

    python -m benchmarks.download [GIGABYTES] [ROUNDS]

Peers, each in a process of its own, one after the other in every round: plain streaming to a file (one connection, no
hash, but on the disk at its end, as a store's objects are), `huggingface_hub.snapshot_download`, and SHA-256 alone. The
Hub is that of the tests, on this machine, and the weights are zeros, so that it is our own work that is measured.
"""

import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from samples import FOLDER as SAMPLES

NAME = "org/sparse"
EMBED, FFN, VOCAB, FILES = 2048, 5632, 32_000, 4
LAYER = {
    "input_layernorm": [EMBED],
    "post_attention_layernorm": [EMBED],
    **{f"self_attn.{letter}_proj": [EMBED, EMBED] for letter in "qkvo"},
    **{f"mlp.{name}_proj": [FFN, EMBED] for name in ("gate", "up")},
    "mlp.down_proj": [EMBED, FFN],
}
LAYER_BYTES = 2 * (2 * EMBED + 4 * EMBED**2 + 3 * EMBED * FFN)
