"""The address of a measurement: a hash of everything that determines its scores, and of nothing else."""

import hashlib
import json

import numpy as np

from byheart.contracts.model_input import ModelInput
from byheart.contracts.setting_groups import ScoreSettings
from byheart.contracts.version import CONTRACT_VERSION


def compute_address(*, model_input: ModelInput, scored_tokens: int, weights_sha256: str, score: ScoreSettings) -> str:
    """The address of the scores of these windows under a model: 32 hexadecimal digits.

    The token ids stand for the book, the tokenizer, the BOS and the window settings. The address does not depend on
    which windows are selected, nor on the other books of a run: windows are padded to the longest of their own book.
    Values are converted to their declared types first, because Kubeflow passes 1.0 as 1.

    Args:
        model_input: the token ids that are fed and scored.
        scored_tokens: how many at the end of each window are scored, where windows do not say it themselves.
        score: its `precision` is resolved: never `auto`.
    """
    determines = {
        "contract": CONTRACT_VERSION,
        "model_input": _describe(model_input.token_ids),
        "scored_tokens": int(scored_tokens) if model_input.scored is None else _describe(model_input.scored),
        "weights": weights_sha256,
        "score": [float(score.temperature), int(score.top_k), str(score.precision)],
    }
    return hashlib.sha256(json.dumps(determines, sort_keys=True).encode()).hexdigest()[:32]


def _describe(values: np.ndarray) -> list[int | str]:
    """The shape of an array, and the SHA-256 of its elements as int32."""
    exact = np.ascontiguousarray(values, "<i4")
    return [*map(int, exact.shape), hashlib.sha256(exact.tobytes()).hexdigest()]
